from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from engine.processes.run_command import run_command


def test_output_and_status() -> None:
    result = run_command(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"], 30)
    assert (result.exit_code, result.stdout, result.stderr, result.cut) == (3, "out\n", "err\n", False)
    assert result.in_words == "ended with status 3"


def test_the_environment_is_added() -> None:
    result = run_command(["/bin/sh", "-c", 'echo "$CROSSPLY_TEST"'], 30, [("CROSSPLY_TEST", "x y")])
    assert result.stdout == "x y\n"


def test_stdin_is_empty() -> None:
    assert run_command(["cat"], 30).stdout == ""


def test_the_deadline_ends_it_with_all_it_started_and_keeps_what_it_said() -> None:
    started = time.monotonic()
    result = run_command(["/bin/sh", "-c", "echo said; sleep 60 & sleep 60"], 0.3)
    assert time.monotonic() - started < 10
    assert (result.timed_out, result.exit_code, result.stdout) == (True, None, "said\n")
    assert result.in_words == "did not end in time"


def test_what_it_leaves_behind_does_not_hold_us_up() -> None:
    started = time.monotonic()
    assert run_command(["/bin/sh", "-c", "sleep 60 & echo done"], 30).stdout == "done\n"
    assert time.monotonic() - started < 10


def test_what_left_its_group_does_not_hold_us_up_either(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = f"setsid sh -c 'echo $$ >{pid}; exec sleep 60' & while [ ! -s {pid} ]; do sleep 0.01; done; echo done"
    started = time.monotonic()
    result = run_command(["/bin/sh", "-c", script], 30)
    assert time.monotonic() - started < 20
    assert (result.exit_code, result.stdout) == (0, "done\n")
    os.kill(int(pid.read_text()), signal.SIGKILL)


def test_output_is_bounded_and_the_command_does_not_stall() -> None:
    result = run_command(["/bin/sh", "-c", "seq 100000; echo end >&2"], 30, max_output_bytes=1000)
    assert (result.exit_code, len(result.stdout), result.stderr, result.cut) == (0, 1000, "end\n", True)


def test_a_signal_is_named() -> None:
    assert run_command(["/bin/sh", "-c", "kill -SEGV $$"], 30).in_words == "ended by signal 11 (SIGSEGV)"
