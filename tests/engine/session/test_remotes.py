"""A remote machine in the state: what it is called, and when it may be planned with."""

from dataclasses import replace

import pytest

from engine.session.remotes import RemoteSeen
from engine.vocabulary.remote import RemotePhase, SshTarget
from tests.fakes.ports.fake_remote import a_look, a_target
from tests.fakes.sessions.fake_outside import RUNTIME


def test_it_has_its_own_name_once_it_was_looked_at():
    target = SshTarget(host="10.0.0.7", user="ada", port=2222)
    seen = RemoteSeen(target=target)
    assert (seen.id, seen.name) == ("ada@10.0.0.7:2222", "ada@10.0.0.7:2222")
    look = a_look(target, RUNTIME, "")
    named = replace(look, machine=replace(look.machine, name="gpu-node"))
    assert replace(seen, look=named).name == "gpu-node"


@pytest.mark.parametrize("phase", RemotePhase)
def test_only_a_ready_machine_takes_part(phase):
    seen = RemoteSeen(target=a_target(), phase=phase, looked_for_runtime=RUNTIME.id)
    assert seen.takes_part(RUNTIME) is (phase is RemotePhase.READY)


def test_it_takes_part_only_beside_the_build_that_it_was_compared_with():
    seen = RemoteSeen(target=a_target(), phase=RemotePhase.READY, looked_for_runtime=RUNTIME.id)
    assert not seen.takes_part(replace(RUNTIME, id="another"))
    assert not seen.takes_part(None)
    assert not replace(seen, looked_for_runtime=None).takes_part(None), "compared with nothing"
