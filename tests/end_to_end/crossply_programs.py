"""``crossplyctl`` as a person has it: a program of its own, looked at from outside, ended whatever happens.

Which processes belong to it is told by their environment: every test has a ``CROSSPLY_DATA`` of its own, and what Crossply
starts inherits it. That also finds those whose parent was killed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psutil

from engine.settings.folders import DATA_VARIABLE

ROOT = Path(__file__).parents[2]
SERVING = "Ctrl-C stops everything"
POLL_SECONDS = 0.02
START_SECONDS = 60.0
CARELESS_UMASK = 0
"""What a person's shell may have: whatever Crossply does not close itself is open to everybody, and a test sees it."""

_T = TypeVar("_T")


def wait_until(reached: Callable[[], _T], seconds: float, what: str) -> _T:
    """Ask until the answer is true and return it; the test fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (answer := reached()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(POLL_SECONDS)
    return answer


def crossplyctl(environment: Mapping[str, str], *arguments: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        _argv(arguments),
        cwd=ROOT,
        env=_as_a_person_has_it(environment),
        capture_output=True,
        text=True,
        timeout=seconds,
        umask=CARELESS_UMASK,
    )


def json_of(environment: Mapping[str, str], *arguments: str) -> Any:
    """What a command prints under ``--json``."""
    done = crossplyctl(environment, *arguments, "--json")
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


class Up:
    """A ``crossplyctl up`` that runs."""

    def __init__(self, process: subprocess.Popen[bytes], environment: Mapping[str, str], folder: Path) -> None:
        self.process = process
        self.environment = environment
        self._folder = folder

    @property
    def pid(self) -> int:
        """Of crossplyctl itself."""
        return self.process.pid

    @property
    def stdout(self) -> str:
        """What it has printed so far."""
        return (self._folder / "stdout").read_text()

    @property
    def stderr(self) -> str:
        """What it has said so far."""
        return (self._folder / "stderr").read_text()

    def wait_until_serving(self, seconds: float = START_SECONDS) -> dict[str, Any]:
        """Until it serves. Returns what ``status`` says then, which is at most half a second old."""

        def serving() -> bool:
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.stderr}"
            return SERVING in self.stderr

        wait_until(serving, seconds, "crossplyctl up serves")
        return wait_until(self._status_measured, 5.0, "status says what was measured")

    def _status_measured(self) -> dict[str, Any] | None:
        state = json_of(self.environment, "status")
        assert state["phase"] == "ready", f"{state['phase']}: {self.stderr}"
        assert state["problems"] == []
        return state if state["measured"] else None

    def pid_of(self, what: str) -> int:
        """The process id of the first of its processes whose program's name holds ``what``."""
        return next(process.pid for process in processes_of(self.environment) if what in process.name())

    def end(self, number: signal.Signals = signal.SIGTERM, seconds: float = 15.0) -> int:
        """Signal crossplyctl itself and wait for its end. Returns its exit status."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


@contextmanager
def up(environment: Mapping[str, str], folder: Path, model: Path | str, *arguments: str) -> Iterator[Up]:
    """``crossplyctl up MODEL ...`` in the foreground of a process of its own; nothing of it is left afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            _argv(("up", str(model), *arguments)),
            cwd=ROOT,
            env=_as_a_person_has_it(environment),
            stdout=out,
            stderr=err,
            umask=CARELESS_UMASK,
        )
    try:
        yield Up(process, environment, folder)
    finally:
        end_all(environment, process)


def end_all(environment: Mapping[str, str], process: subprocess.Popen[bytes]) -> None:
    """End a Crossply and, if it failed to do so itself, what it started."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
    for left in processes_of(environment):
        left.kill()


def processes_of(environment: Mapping[str, str]) -> list[psutil.Process]:
    """Every living process that was started with this ``CROSSPLY_DATA``, other than ourselves."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _is_of(process, environment)]


def left_of(environment: Mapping[str, str]) -> list[str]:
    """Names of what still runs."""
    return [f"{process.name()} {process.pid}" for process in processes_of(environment)]


def wait_until_nothing_is_left(environment: Mapping[str, str], seconds: float = 3.0) -> None:
    """Fails when anything that was started with this environment still runs after ``seconds``."""
    deadline = time.monotonic() + seconds
    while left := left_of(environment):
        assert time.monotonic() < deadline, f"left behind after {seconds:g} s: {left}"
        time.sleep(POLL_SECONDS)


def _is_of(process: psutil.Process, environment: Mapping[str, str]) -> bool:
    try:
        mine = process.environ().get(DATA_VARIABLE) == environment[DATA_VARIABLE]
        return mine and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def listening_addresses(processes: list[psutil.Process]) -> dict[tuple[str, int], str]:
    """(address, port) -> program, for everything that listens."""
    return {
        (connection.laddr.ip, connection.laddr.port): process.name()
        for process in processes
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }


def _argv(arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "engine.cli.main", *arguments]


def _as_a_person_has_it(environment: Mapping[str, str]) -> dict[str, str]:
    """Python buffers what goes to a pipe or file unless told otherwise, and nobody tells it."""
    return {name: value for name, value in environment.items() if name != "PYTHONUNBUFFERED"}
