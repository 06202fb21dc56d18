"""The leash, tried for real: an engine process is killed with SIGKILL and what it started must be gone within two seconds."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from engine.processes.leash import new_leash
from engine.vocabulary.runtime import Runtime
from tests.fakes.ended_processes import has_ended, seconds_until_ended

GONE_WITHIN_SECONDS = 2.0

_ENGINE = textwrap.dedent("""
    import sys, threading
    from engine.processes.local_process import LocalProcessStarter
    from engine.vocabulary.running.process import ProcessId, ProcessSpec

    def start():
        spec = ProcessSpec(id=ProcessId("worker"), argv=tuple(sys.argv[2:]))
        return LocalProcessStarter().start(spec, say, lambda outcome: None)

    def say(line):
        # In one piece: two threads speak, and a line of one must not begin inside a line of the other.
        print(line + "\\n", end="", flush=True)

    # Started by a thread that ends at once: a leash bound to the starting thread would end the program here.
    holder = []
    thread = threading.Thread(target=lambda: holder.append(start()))
    thread.start()
    thread.join()
    say(f"{holder[0].pid} started")
    threading.Event().wait()
""")


def start_engine(*argv: str) -> subprocess.Popen[str]:
    """A Python process that starts ``argv`` through the adapter and waits for ever."""
    return subprocess.Popen([sys.executable, "-c", _ENGINE, "-", *argv], stdout=subprocess.PIPE, text=True)


def pid_when_it_says(engine: subprocess.Popen[str], words: str) -> int:
    assert engine.stdout is not None
    for line in engine.stdout:
        if words in line:
            return int(line.split()[0])
    raise AssertionError(f"it ended without saying {words!r}")


def wait_until_it_listens(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            # It answers nobody before HELLO, and a connection that closes at once leaves it as it was.
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "the rpc-server does not listen"
            time.sleep(0.02)
        else:
            return


def kill_and_measure(engine: subprocess.Popen[str], pid: int) -> float:
    assert psutil.Process(pid).is_running()
    engine.send_signal(signal.SIGKILL)
    engine.wait()
    seconds = seconds_until_ended([pid], 30)
    assert engine.stdout is not None
    engine.stdout.close()
    return seconds


def test_a_program_ends_when_we_are_killed() -> None:
    engine = start_engine("/bin/sleep", "600")
    pid = pid_when_it_says(engine, "started")
    assert kill_and_measure(engine, pid) < GONE_WITHIN_SECONDS


def test_a_program_that_ignores_term_ends_too_and_so_do_its_descendants() -> None:
    engine = start_engine("/bin/sh", "-c", "trap '' TERM; sleep 600 & echo child $!; while :; do sleep 600; done")
    assert engine.stdout is not None
    descendant = next(int(line.split()[1]) for line in engine.stdout if line.startswith("child"))
    assert kill_and_measure(engine, descendant) < GONE_WITHIN_SECONDS


@pytest.mark.real
def test_a_real_rpc_server_ends_when_we_are_killed(runtime: Runtime) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    engine = start_engine(runtime.rpc_server, "-d", "CPU", "-p", str(port))
    pid = pid_when_it_says(engine, "started")
    wait_until_it_listens(port)
    assert kill_and_measure(engine, pid) < GONE_WITHIN_SECONDS


def test_letting_go_twice_is_harmless_and_signals_after_it_reach_nobody() -> None:
    leash = new_leash()
    guardian = leash.process_group
    assert guardian is not None
    leash.let_go()
    leash.let_go()
    leash.terminate()
    leash.kill()
    leash.ask(guardian)
    assert has_ended(guardian)


def test_the_guardian_survives_the_terminating_of_its_group() -> None:
    leash = new_leash()
    guardian = leash.process_group
    assert guardian is not None
    leash.terminate()
    assert not has_ended(guardian)
    leash.let_go()
