"""Programs that are left running, with real processes through a local shell."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from engine.errors import ProcessFailed
from engine.ssh.leashed.keep_programs import FOLLOW_PROGRAM, LIST_PROGRAM, LOG_BYTES
from engine.ssh.leashed.kept_processes import kept_processes
from engine.ssh.leashed.remote_process import RemoteProcess
from engine.ssh.leashed.remote_starter import RemoteProcessStarter
from engine.vocabulary.running.process import ConnectionLoss, ProcessId, ProcessOutcome, ProcessSpec
from tests.fakes.ended_processes import ends
from tests.fakes.ssh.local_shell import LocalShell

WAIT_SECONDS = 30.0


class Watched:
    """What was heard of one."""

    def __init__(self, start: Callable[..., RemoteProcess]) -> None:
        self.lines: list[str] = []
        self.spoke, self.ended = threading.Event(), threading.Event()
        self.process = start(self._on_line, lambda outcome: self.ended.set())

    def _on_line(self, line: str) -> None:
        self.lines.append(line)
        self.spoke.set()

    def first_line(self) -> str:
        assert self.spoke.wait(WAIT_SECONDS)
        return self.lines[0]

    def outcome(self) -> ProcessOutcome | None:
        assert self.ended.wait(WAIT_SECONDS)
        return self.process.outcome()


class Place:
    """A machine, and ourselves coming and going."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pids: list[int] = []
        self.shell = LocalShell()
        self.starter = self._starter()

    def _starter(self) -> RemoteProcessStarter:
        return RemoteProcessStarter(self.shell, has_python=True, machine_name="node", data_folder=str(self.folder))

    def keep(self, *argv: str) -> Watched:
        spec = ProcessSpec(id=ProcessId("worker"), argv=argv, keeps_running=True)
        watched = Watched(lambda on_line, on_exit: self.starter.start(spec, on_line, on_exit))
        self.pids.append(watched.process.pid)
        return watched

    def leave_and_come_back(self, watched: Watched) -> None:
        self.shell.close()
        assert watched.outcome() == ProcessOutcome(exit_code=None, stop_asked=False, loss=ConnectionLoss.LEASH)
        self.shell = LocalShell()
        self.starter = self._starter()

    def adopt(self) -> Watched:
        [kept] = kept_processes(self.shell, str(self.folder))
        return Watched(lambda on_line, on_exit: self.starter.adopt(kept, on_line, on_exit))

    def files(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "kept").glob("*"))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "ours")
    yield place
    place.shell.close()
    for pid in place.pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert all(ends(pid) for pid in place.pids)


@pytest.mark.parametrize("program", [FOLLOW_PROGRAM, LIST_PROGRAM])
def test_the_programs_are_python_3_6(program: str) -> None:
    ast.parse(program, feature_version=(3, 6))


def test_it_outlives_us_and_is_found_adopted_and_stopped(place: Place) -> None:
    watched = place.keep("/bin/sh", "-c", "echo one; trap 'echo asked; exit 3' TERM; while :; do sleep 0.05; done")
    assert watched.first_line() == "one"
    pid = watched.process.pid
    assert os.getsid(pid) != os.getsid(place.shell.streams[0].process.pid)
    place.leave_and_come_back(watched)
    assert psutil.pid_exists(pid)
    [kept] = kept_processes(place.shell, str(place.folder))
    assert (kept.pid, kept.process_id, kept.argv[0]) == (pid, "worker", "/bin/sh")
    assert "@" in kept.started_by
    adopted = place.adopt()
    assert adopted.first_line() == "one"
    assert adopted.process.pid == pid
    assert adopted.process.stop() == ProcessOutcome(exit_code=3, stop_asked=True, rung="asked")
    adopted.outcome()
    assert adopted.lines == ["one", "asked"]
    assert ends(pid)
    assert kept_processes(place.shell, str(place.folder)) == ()
    assert place.files() == []


def test_how_it_ends_is_told_while_we_watch(place: Place) -> None:
    watched = place.keep("/bin/sh", "-c", "echo one; echo two >&2; printf three; exit 7")
    assert watched.outcome() == ProcessOutcome(exit_code=7, stop_asked=False)
    assert watched.lines == ["one", "two", "three"]


def test_one_that_ignores_term_is_killed_with_what_it_started(place: Place) -> None:
    watched = place.keep("/bin/sh", "-c", "trap '' TERM; sleep 600 & echo $!; while :; do sleep 60; done")
    child = int(watched.first_line())
    assert watched.process.stop(grace_seconds=0.1) == ProcessOutcome(exit_code=-9, stop_asked=True, rung="killed")
    assert ends(child)


def test_its_log_is_bounded_and_none_of_it_is_lost_while_we_watch(place: Place) -> None:
    count = LOG_BYTES // 4
    watched = place.keep("/bin/sh", "-c", f"sleep 0.3; seq {count}; sleep 0.5; echo end; exec sleep 600")
    assert any("end" in watched.lines[-1:] or watched.ended.wait(0.05) for _ in range(600))
    sizes = [path.stat().st_size for path in (place.folder / "kept").glob("*.log*")]
    assert sum(sizes) <= 2 * LOG_BYTES
    assert watched.lines[-2:] == [str(count), "end"]
    watched.process.stop()


def test_a_record_whose_pid_went_to_a_stranger_is_not_listed(place: Place) -> None:
    watched = place.keep("/bin/sh", "-c", "echo one; exec sleep 600")
    watched.first_line()
    [path] = (place.folder / "kept").glob("*.json")
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "start_ticks": record["start_ticks"] - 1}))
    assert kept_processes(place.shell, str(place.folder)) == ()


def test_nobody_else_may_read_what_it_leaves(place: Place) -> None:
    watched = place.keep("/bin/sh", "-c", "echo one; exec sleep 600")
    watched.first_line()
    assert (place.folder / "kept").stat().st_mode & 0o077 == 0
    watched.process.stop()


def test_a_program_that_cannot_start_is_one_sentence_and_leaves_nothing(place: Place) -> None:
    with pytest.raises(ProcessFailed, match="Could not start worker on node: there is no program /no/such/program"):
        place.keep("/no/such/program")
    assert place.files() == []


def test_one_that_ended_since_cannot_be_adopted(place: Place) -> None:
    watched = place.keep("/bin/sh", "-c", "echo one; exec sleep 600")
    watched.first_line()
    [kept] = kept_processes(place.shell, str(place.folder))
    watched.process.stop()
    watched.outcome()
    with pytest.raises(ProcessFailed, match="not kept there any more"):
        place.starter.adopt(kept, lambda line: None, lambda outcome: None)


@pytest.mark.parametrize("has_python", [True, False])
def test_where_nothing_can_be_kept_it_is_said(has_python: bool) -> None:
    starter = RemoteProcessStarter(LocalShell(), has_python=has_python, data_folder=None if has_python else "/x")
    with pytest.raises(ProcessFailed, match="cannot be left running"):
        starter.start(
            ProcessSpec(id=ProcessId("worker"), argv=("a",), keeps_running=True), lambda line: None, lambda outcome: None
        )
