"""What only real processes show: groups, signals, threads. The promises shared with the fake are in tests/contract."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from engine.errors import ProcessFailed
from engine.processes import local_process
from engine.processes.local_process import LocalProcess, LocalProcessStarter
from engine.vocabulary.running.process import ProcessId, ProcessOutcome, ProcessSpec
from tests.fakes.ended_processes import ends

WAIT_SECONDS = 30.0


def ignore(_: object) -> None:
    """A callback that does nothing."""


def run_to_end(*argv: str, environment: tuple[tuple[str, str], ...] = ()) -> tuple[list[str], ProcessOutcome]:
    lines: list[str] = []
    outcomes: list[ProcessOutcome] = []
    ended = threading.Event()

    def on_exit(outcome: ProcessOutcome) -> None:
        outcomes.append(outcome)
        ended.set()

    spec = ProcessSpec(id=ProcessId("test"), argv=argv, environment=environment)
    LocalProcessStarter().start(spec, lines.append, on_exit)
    assert ended.wait(WAIT_SECONDS)
    return lines, outcomes[0]


def start_shell(script: str, on_line: Callable[[str], None] = ignore) -> tuple[LocalProcess, threading.Event]:
    """Started and past its first line."""
    spoke = threading.Event()

    def hear(line: str) -> None:
        on_line(line)
        spoke.set()

    spec = ProcessSpec(id=ProcessId("test"), argv=("/bin/sh", "-c", script))
    return LocalProcessStarter().start(spec, hear, ignore), spoke


def test_sigpipe_is_ignored_in_the_child() -> None:
    lines, _ = run_to_end("/bin/grep", "SigIgn", "/proc/self/status")
    ignored = int(lines[0].split()[1], 16)
    assert ignored >> (signal.SIGPIPE - 1) & 1


def test_term_is_not_ignored_or_blocked_in_the_child() -> None:
    process, spoke = start_shell("echo here; exec sleep 60")
    assert spoke.wait(WAIT_SECONDS)
    assert process.stop().rung == "asked"


def test_the_pid_is_the_program_s_own_and_its_group_is_not_ours() -> None:
    lines: list[str] = []
    process, spoke = start_shell("echo $$; exec sleep 60", lines.append)
    assert spoke.wait(WAIT_SECONDS)
    assert lines == [str(process.pid)]
    assert os.getpgid(process.pid) not in (os.getpgid(0), process.pid)
    process.stop()


def test_the_environment_is_added_to_ours() -> None:
    lines, _ = run_to_end("/bin/sh", "-c", 'echo "$HOME|$CROSSPLY_TEST"', environment=(("CROSSPLY_TEST", "a b"),))
    assert lines == [f"{os.environ['HOME']}|a b"]


def test_a_program_that_reads_the_leash_sees_no_end_of_it_while_we_live() -> None:
    spoke = threading.Event()
    argv = ("/bin/sh", "-c", "trap 'exit 3' TERM; echo here; read -r line; echo leash ended")
    spec = ProcessSpec(id=ProcessId("test"), argv=argv, reads_leash=True)
    process = LocalProcessStarter().start(spec, lambda line: spoke.set(), ignore)
    assert spoke.wait(WAIT_SECONDS)
    assert process.stop(grace_seconds=0.2).stop_asked
    assert process.tail() == ("here",)


def test_a_first_line_is_handed_over_and_then_its_input_ends() -> None:
    ended = threading.Event()
    argv = ("/bin/sh", "-c", "read -r line; echo got $line; read -r more || echo end")
    spec = ProcessSpec(id=ProcessId("test"), argv=argv, first_line="s3cret")
    process = LocalProcessStarter().start(spec, ignore, lambda outcome: ended.set())
    assert ended.wait(WAIT_SECONDS)
    assert process.tail() == ("got s3cret", "end")
    assert "s3cret" not in repr(spec)


def test_a_program_that_ends_before_it_reads_its_first_line_is_no_error() -> None:
    ended = threading.Event()
    spec = ProcessSpec(id=ProcessId("test"), argv=("/bin/true",), first_line="x" * 30_000)
    LocalProcessStarter().start(spec, ignore, lambda outcome: ended.set())
    assert ended.wait(WAIT_SECONDS)


def test_what_it_cannot_do_is_refused() -> None:
    for spec in (
        ProcessSpec(id=ProcessId("test"), argv=("/bin/true",), first_line="x" * 40_000),
        ProcessSpec(id=ProcessId("test"), argv=("/bin/true",), keeps_running=True),
    ):
        with pytest.raises(ProcessFailed, match="Could not start test"):
            LocalProcessStarter().start(spec, ignore, ignore)


def test_what_the_program_leaves_behind_ends_with_it() -> None:
    lines, outcome = run_to_end("/bin/sh", "-c", "sleep 60 & echo $!; exit 5")
    assert outcome.exit_code == 5
    assert ends(int(lines[0]))


def test_a_descendant_that_left_the_group_does_not_hide_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The end of a tunnel whose ProxyCommand had left a daemon behind was never seen."""
    monkeypatch.setattr(local_process, "_HELD_SECONDS", 0.1)
    ends_told: list[ProcessOutcome] = []
    told = threading.Event()

    def on_exit(outcome: ProcessOutcome) -> None:
        ends_told.append(outcome)
        told.set()

    pid = tmp_path / "pid"
    script = f"setsid sh -c 'echo $$ >{pid}; exec sleep 60' & while [ ! -s {pid} ]; do sleep 0.01; done; exit 3"
    process = LocalProcessStarter().start(ProcessSpec(id=ProcessId("test"), argv=("/bin/sh", "-c", script)), ignore, on_exit)
    assert told.wait(WAIT_SECONDS)
    os.kill(int(pid.read_text()), signal.SIGKILL)
    assert process._pump_thread is not None
    process._pump_thread.join(WAIT_SECONDS)
    assert [outcome.exit_code for outcome in ends_told] == [3], "once"


def test_the_ladder_reaches_descendants() -> None:
    lines: list[str] = []
    process, spoke = start_shell("trap '' TERM; sleep 60 & echo $!; wait; wait; sleep 60", lines.append)
    assert spoke.wait(WAIT_SECONDS)
    assert process.stop(grace_seconds=0.1).rung == "killed"
    assert ends(int(lines[0]))


def test_many_threads_may_stop_it_at_once() -> None:
    process, spoke = start_shell("echo here; exec sleep 60")
    assert spoke.wait(WAIT_SECONDS)
    with ThreadPoolExecutor(8) as pool:
        outcomes = set(pool.map(lambda _: process.stop(), range(8)))
    assert outcomes == {ProcessOutcome(exit_code=-15, stop_asked=True, rung="asked")}


def test_it_may_be_stopped_from_its_own_pump_thread() -> None:
    stopped: list[ProcessOutcome] = []
    ready, done = threading.Event(), threading.Event()
    holder: list[LocalProcess] = []

    def stop_it(line: str) -> None:
        ready.wait(WAIT_SECONDS)
        stopped.append(holder[0].stop())
        done.set()

    process, _ = start_shell("echo here; exec sleep 60", stop_it)
    holder.append(process)
    ready.set()
    assert done.wait(WAIT_SECONDS)
    assert stopped[0].stop_asked


def test_no_thread_process_or_descriptor_is_left() -> None:
    run_to_end("/bin/true")
    threads, descriptors = threading.active_count(), psutil.Process().num_fds()
    for _ in range(20):
        run_to_end("/bin/true")
    assert wait_until(lambda: threading.active_count() <= threads)
    assert psutil.Process().num_fds() <= descriptors
    assert psutil.Process().children() == []


def test_it_refuses_to_start_programs_that_sigpipe_would_kill() -> None:
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        with pytest.raises(RuntimeError, match="SIGPIPE"):
            run_to_end("/bin/true")
    finally:
        signal.signal(signal.SIGPIPE, before)


def wait_until(true: Callable[[], bool]) -> bool:
    pause = threading.Event()
    return any(true() or pause.wait(0.02) for _ in range(500))
