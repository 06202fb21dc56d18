"""The kernel's count of kills for want of memory, around the end of a program."""

import subprocess
import threading

import pytest

from engine.processes import memory_kills
from engine.processes.memory_kills import MemoryKills, counted_kills


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
