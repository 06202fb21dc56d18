"""When something may be measured."""

from dataclasses import replace

import pytest

from engine.session.remotes import RemoteSeen
from engine.session.state import ClusterState
from engine.session.working.machines.quiet import LOOKING_SECONDS, wait_until_quiet
from engine.vocabulary.remote import RemotePhase
from tests.fakes.ports.fake_remote import a_target
from tests.fakes.sessions.fake_outside import FakeToken

CALM = ClusterState(remotes=(RemoteSeen(target=a_target(), phase=RemotePhase.READY),))


def in_phase(phase):
    return replace(CALM, remotes=(RemoteSeen(target=a_target(), phase=phase),))


@pytest.mark.parametrize(
    "busy",
    [replace(CALM, run_wanted=True), in_phase(RemotePhase.LOOKING), in_phase(RemotePhase.COPYING)],
    ids=["a run", "a look", "a copy"],
)
def test_it_waits_while_something_goes_on_and_no_longer(busy, monkeypatch):
    waits, states = [], [busy, busy, CALM]
    monkeypatch.setattr(FakeToken, "wait", lambda _token, seconds: waits.append(seconds))
    wait_until_quiet(lambda: states.pop(0), FakeToken())
    assert (waits, states) == ([LOOKING_SECONDS] * 2, [])


def test_nothing_is_waited_for_where_nothing_goes_on():
    wait_until_quiet(lambda: CALM, FakeToken(waits=0))
