"""What a trial runs on: a place where Crossply is started as a person would start it, and what can be seen of it there."""

from __future__ import annotations

import fcntl
import itertools
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from tests.fakes.llama_cpp.gguf_writer import write_llama
from tests.faults.beds.running_app import RunningApp

CONTEXT_TOKENS = 8192
SLOTS = 2
"""One for the request that a fault cuts off, one for whoever asks meanwhile."""
LONG_PROMPT_WORDS = 400
LONG_ANSWER_TOKENS = 2000
RECOVERY_OPTIONS: tuple[str, ...] = ()


@dataclass(frozen=True)
class Worker:
    """An rpc-server of ours."""

    pid: int
    """Outside of any namespace."""
    port: int
    """Where it listens on its own machine."""


class Bed(Protocol):
    """One machine, or several."""

    name: str
    model: Path
    prefix: list[str]
    """What brings a command to where the user is."""
    folder: Path
    """For logs."""

    def start(self, number: int) -> AbstractContextManager[RunningApp]:
        """``crossplyctl up``; ended whatever happens."""

    def own_processes(self) -> list[psutil.Process]:
        """Crossply and what it started on the user's machine."""

    def workers(self) -> list[Worker]:
        """Those of the machine that faults happen to."""

    def exposed(self) -> list[str]:
        """Listeners of ours, on any machine, that are not on loopback."""

    def left(self) -> list[str]:
        """What of ours is still on any machine."""

    def files(self) -> set[str]:
        """Every file and folder that Crossply could have written, on any machine."""

    def held_locks(self) -> list[str]:
        """Lock files on the user's machine that somebody holds."""

    def slow_loading(self, *, slow: bool) -> None:
        """So that a load takes seconds, where the bed can do that."""

    def restore(self) -> None:
        """As before the fault."""


def write_model(folder: Path) -> Path:
    """12 equal layers, 42 MB: a load, a prompt and an answer last long enough to be met in the middle."""
    path = folder / "faulted.gguf"
    sizes = {"n_embd": 512, "n_ff": 1536, "n_head": 8, "n_head_kv": 4, "head_length": 64, "n_vocab": 2048}
    return write_llama(path, n_layers=12, context=CONTEXT_TOKENS, weights="q8_0", **sizes)


def options() -> tuple[str, ...]:
    """Of ``crossplyctl up`` on every bed."""
    shape = ("--context", str(CONTEXT_TOKENS), "--slots", str(SLOTS))
    return ("--policy", "even", "--native", "never", *shape, *RECOVERY_OPTIONS)


def files_below(*folders: Path) -> set[str]:
    """All of them; those that go away meanwhile are not there."""
    return {str(path) for folder in folders for path in folder.rglob("*")}


def new_folder(path: Path) -> Path:
    """An empty one, for temporary files: those of others on this machine are not looked at."""
    path.mkdir()
    return path


def held_below(folder: Path) -> list[str]:
    """``*.lock`` files that somebody holds."""
    held = []
    for path in folder.rglob("*.lock"):
        with path.open("r+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                held.append(str(path))
    return held


def port_of(argv: list[str]) -> int:
    """The port on a command line of rpc-server."""
    return int(next(after for word, after in itertools.pairwise(argv) if word in ("-p", "--port")))


def find_named(processes: list[psutil.Process], name: str) -> list[psutil.Process]:
    """By the program's name."""
    found = []
    for process in processes:
        try:
            if name in process.name():
                found.append(process)
        except psutil.Error:
            continue
    return found


def coordinator_of(processes: list[psutil.Process]) -> psutil.Process | None:
    """The llama-server that serves; one that is asked for its version has no port."""
    for process in find_named(processes, "llama-server"):
        try:
            if "--port" in process.cmdline():
                return process
        except psutil.Error:
            continue
    return None


@contextmanager
def ended_afterwards(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Killed, if it still runs: what it started is on a leash."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
