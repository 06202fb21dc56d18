"""A machine put together, over a real sshd: looked at, measured, a program started on it, let go of."""

import threading

import pytest

from engine.errors import ProbeFailed, ProbeTimedOut, ProcessFailed, RuntimeUnavailable
from engine.machines.os_name import read_os_name
from engine.remote import ssh_machine
from engine.remote.ssh_machine import SshMachine
from engine.runtimes.worker_cache import LOADING
from engine.vocabulary.remote import KeptProcess
from engine.vocabulary.running.process import ProcessId, ProcessSpec
from tests.engine.runtimes.remote.builds_here import a_runtime
from tests.fakes.cancel_tokens import NeverCancelled
from tests.fakes.ssh.private_sshd import private_sshd
from tests.fakes.ssh.ssh_accounts import an_account


@pytest.fixture
def machine(tmp_path):
    with private_sshd(tmp_path / "sshd") as sshd:
        account = an_account(tmp_path / "person")
        target = account.add_host("lab", sshd)
        shell = account.connect_anyway(target)
        made = SshMachine(shell, lambda forwards: pytest.fail(f"{forwards}"), lambda: account.connect(target))
        yield made
        made.close()


def test_a_look_tells_what_it_is_and_who_it_is(machine):
    assert machine.identity is None
    look = machine.look(None, NeverCancelled())
    assert (look.machine.os_name, look.machine.address, look.usable) == (read_os_name(), "lab", None)
    assert machine.identity == look.facts.identity
    assert look.facts.identity.host_key_fingerprint.startswith("SHA256:")
    assert machine.worker_cache_folder.startswith(look.facts.home)


def test_a_program_starts_on_it_and_ends_with_the_connection(machine):
    machine.look(None, NeverCancelled())
    ended = threading.Event()
    spec = ProcessSpec(id=ProcessId("sleep"), argv=("/bin/sleep", "60"))
    process = machine.starter.start(spec, lambda _line: None, lambda _outcome: ended.set())
    assert process.is_alive()
    machine.close()
    assert ended.wait(10)
    assert not machine.is_alive()


def test_what_needs_a_look_says_so(machine):
    with pytest.raises(ProbeFailed, match="not looked at"):
        _ = machine.starter
    with pytest.raises(ProbeFailed, match="not looked at"):
        _ = machine.worker_cache_folder


def test_the_link_is_measured_over_the_connection(machine):
    link = machine.measure_link(NeverCancelled())
    assert 0 < link.rtt_seconds < 1
    assert link.bytes_per_second > 1e6


def test_only_what_is_of_our_commit_is_built_there(machine, tmp_path):
    other = a_runtime(tmp_path, commit="77dee9d")
    with pytest.raises(ProbeFailed, match="not looked at"):
        machine.build_runtime(other, lambda *_what: None, NeverCancelled())
    machine.look(None, NeverCancelled())
    with pytest.raises(RuntimeUnavailable, match="could not work with it"):
        machine.build_runtime(other, lambda *_what: None, NeverCancelled())


def kept(name):
    return KeptProcess(name=name, process_id=ProcessId("rpc-server x"), pid=7, argv=("/bin/sleep", "60"), started_by="ada")


@pytest.mark.parametrize("hangs", [True, False])
def test_one_that_cannot_be_stopped_keeps_none_of_the_others(machine, monkeypatch, hangs):
    left, adopted = [kept("0" * 16), kept("1" * 16)], []

    class Starter:
        def adopt(self, one, _on_line, _on_exit):
            adopted.append(one)
            if not hangs or one is not adopted[0]:
                left.remove(one)
            if one is adopted[0]:
                raise ProcessFailed("It does not end.")
            return self

        def stop(self):
            pass

    machine.look(None, NeverCancelled())
    monkeypatch.setattr(ssh_machine, "kept_processes", lambda *_where: tuple(left))
    monkeypatch.setattr(machine, "_starter_on", lambda _shell: Starter())
    if hangs:
        with pytest.raises(ProcessFailed, match="does not end"):
            machine.stop_kept()
    else:
        machine.stop_kept()
    assert len(adopted) == 2


def test_before_a_load_the_cache_is_ours_or_it_is_said_why_not(machine, monkeypatch, tmp_path):
    machine.look(None, NeverCancelled())
    monkeypatch.setattr(SshMachine, "worker_cache_folder", property(lambda _machine: str(tmp_path / "cache")))
    before = machine.prune_worker_cache()
    assert (before.why_not, before.free_bytes > 0) == (None, True)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [LOADING]
    machine.worker_cache_is_whole()
    assert list((tmp_path / "cache").iterdir()) == []

    def hangs(*_where):
        raise ProbeTimedOut("lab did not answer within 120 seconds.")

    monkeypatch.setattr(ssh_machine, "begin_load", hangs)
    assert machine.prune_worker_cache().why_not == "it could not be looked at (lab did not answer within 120 seconds)"
