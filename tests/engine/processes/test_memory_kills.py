"""The kernel's count of kills for want of memory, around the end of a program."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from engine.machines.limits.memory_limits import MemoryLimits
from engine.processes import memory_kills
from engine.processes.local_process import LocalProcessStarter
from engine.processes.memory_kills import MemoryKills, counted_kills
from engine.ssh.leashed.remote_starter import RemoteProcessStarter
from engine.vocabulary.running.process import ProcessId, ProcessOutcome, ProcessSpec
from tests.fakes.ssh.local_shell import LocalShell


@pytest.fixture
def vmstat(tmp_path):
    file = tmp_path / "vmstat"
    file.write_text("nr_free 3\noom_kill 6\nother 1\n")
    return file


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_the_count(vmstat, tmp_path):
    assert counted_kills(vmstat) == 6
    assert counted_kills(tmp_path / "none") is None
    vmstat.write_text("nr_free 3\n")
    assert counted_kills(vmstat) is None


@pytest.mark.parametrize(("now", "happened"), [(6, False), (7, True)])
def test_a_kill_that_was_counted_as_it_ended(vmstat, sleeper, now, happened):
    kills = MemoryKills(sleeper.pid, vmstat)
    waiting = threading.Thread(target=kills.wait)
    waiting.start()
    vmstat.write_text(f"oom_kill {now}\n")
    sleeper.kill()
    waiting.join(10)
    assert not waiting.is_alive()
    assert kills.happened() is happened


def test_one_that_was_counted_long_before_is_another_ones(vmstat, sleeper, monkeypatch):
    monkeypatch.setattr(memory_kills, "LOOK_SECONDS", 0.01)
    kills = MemoryKills(sleeper.pid, vmstat)
    vmstat.write_text("oom_kill 7\n")
    waiting = threading.Thread(target=kills.wait)
    waiting.start()
    threading.Timer(0.3, sleeper.kill).start()
    waiting.join(10)
    assert not kills.happened()


def test_where_the_system_does_not_count(tmp_path, sleeper):
    kills = MemoryKills(sleeper.pid, tmp_path / "none")
    kills.wait()
    assert not kills.happened()


TOO_MUCH = "import time; time.sleep(0.5); block = b'x' * (300 << 20); print(len(block))"


def ended_under_a_limit(starter, limits):
    """The outcome of a program that takes 300 MiB under a limit of 100 MiB, and why there was no limit."""
    outcomes, ended = [], threading.Event()

    def on_exit(outcome):
        outcomes.append(outcome)
        ended.set()

    spec = ProcessSpec(id=ProcessId("greedy"), argv=(sys.executable, "-c", TOO_MUCH))
    process = starter.start(spec, lambda _line: None, on_exit)
    why_not = limits.hold(process.pid, 100 << 20)
    assert ended.wait(30)
    limits.let_go(process.pid)
    return outcomes[0], why_not


@pytest.mark.parametrize("kind", ["this machine", "python leash"])
def test_on_this_very_kernel(kind):
    starter = LocalProcessStarter() if kind == "this machine" else RemoteProcessStarter(LocalShell(), has_python=True)
    outcome, why_not = ended_under_a_limit(starter, MemoryLimits())
    if why_not is not None or counted_kills() is None:
        assert outcome.exit_code == 0
    else:
        assert (outcome.exit_code, outcome.killed_for_memory) == (-9, True)
        assert "for want of memory" in outcome.in_words


def test_a_kill_by_anybody_is_none_of_it():
    outcomes, ended = [], threading.Event()
    spec = ProcessSpec(id=ProcessId("sleeper"), argv=("sleep", "60"))
    process = LocalProcessStarter().start(spec, lambda _line: None, lambda outcome: (outcomes.append(outcome), ended.set()))
    os.kill(process.pid, signal.SIGKILL)
    assert ended.wait(10)
    assert outcomes == [ProcessOutcome(exit_code=-9, stop_asked=False)]
