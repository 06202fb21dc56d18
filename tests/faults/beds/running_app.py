"""A Crossply that runs, looked at from outside: what it says, what ``status`` would say, and when.

``status`` is read from the run file, as ``crossplyctl status`` does, without starting a Python for each look.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from engine.run_files.run_file import RUN_FILE

LOOK_SECONDS = 0.01
START_SECONDS = 240.0
END_SECONDS = 20.0
_ORDINARY = ("Ctrl-C stops everything", "Everything is stopped", "still works on", "Copying", "was copied")
"""What is said where nothing is broken."""

_T = TypeVar("_T")


class NotReached(Exception):
    """What a trial needs did not come about."""


@dataclass(frozen=True)
class Told:
    """One sentence to people."""

    at_seconds: float
    text: str


class RunningApp:
    """A ``crossplyctl up`` (or a window) in a process of its own. Call :meth:`look` often: times are those of the looks."""

    def __init__(self, process: subprocess.Popen[bytes], state_folder: Path, said: Path) -> None:
        self.process = process
        self.state: dict[str, Any] = {}
        """The newest status."""
        self.told: list[Told] = []
        self.phases: list[tuple[float, str]] = []
        self._run_file = state_folder / RUN_FILE
        self._seen_file: object = None
        self._said = said
        self._n_read = 0
        self._known_problems: set[str] = set()
        self.url = ""
        """The user's address, as told when it first served: clients are told once."""

    @property
    def said(self) -> str:
        """All that it has said."""
        return self._said.read_text(encoding="utf-8", errors="replace")

    @property
    def is_alive(self) -> bool:
        """Whether its own process runs."""
        return self.process.poll() is None

    @property
    def missing(self) -> str:
        """What it says that it waits for, before it can serve again; empty when for nothing."""
        return str((self.state.get("recovery") or {}).get("missing") or "")

    def look(self) -> None:
        """Take up what is new."""
        now = time.monotonic()
        self._hear(now)
        self._read_status(now)

    def wait(self, reached: Callable[[RunningApp], _T], seconds: float, what: str) -> _T:
        """Look until it is true. Raises ``NotReached``."""
        deadline = time.monotonic() + seconds
        while True:
            self.look()
            if answer := reached(self):
                return answer
            if time.monotonic() > deadline:
                raise NotReached(f"not within {seconds:g} s: {what}")
            time.sleep(LOOK_SECONDS)

    def wait_until_serving(self, *, measured: bool = True) -> None:
        """Until it serves, and has measured itself (then nobody asks it anything any more)."""

        def serving(app: RunningApp) -> bool:
            if not app.is_alive:
                raise NotReached(f"it ended with {app.process.returncode}: {app.said[-600:]}")
            return app.state.get("phase") == "ready" and (bool(app.state.get("measured")) or not measured)

        self.wait(serving, START_SECONDS, "it serves")
        self.url = str(self.state["api_url"])

    def told_since(self, seconds: float) -> list[Told]:
        """What it has told from then on."""
        return [told for told in self.told if told.at_seconds >= seconds]

    def measured_decode(self) -> float | None:
        """Tokens per second of the standard request, as it tells."""
        rate = (self.state.get("measured") or {}).get("decode_tokens_per_second")
        return None if rate is None else float(rate)

    def end(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Ask it to end. Seconds that it took; after ``END_SECONDS`` it is killed and ``NotReached`` is raised."""
        began = time.monotonic()
        self.process.send_signal(number)
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise NotReached(f"it did not end within {END_SECONDS:g} s of {number.name}") from None
        self._hear(time.monotonic())
        return time.monotonic() - began

    def _hear(self, now: float) -> None:
        with self._said.open("rb") as file:
            file.seek(self._n_read)
            whole, newline, _ = file.read().rpartition(b"\n")
        if newline:
            self._n_read += len(whole) + 1
            lines = whole.decode(errors="replace").splitlines()
            self.told += [Told(now, line) for line in lines if line and not any(words in line for words in _ORDINARY)]

    def _read_status(self, now: float) -> None:
        try:
            found = self._run_file.stat()
            if (found.st_ino, found.st_mtime_ns) == self._seen_file:
                return
            state = json.loads(self._run_file.read_bytes())
        except (OSError, ValueError):
            return  # it has only just begun, or has ended
        if state["pid"] != self.process.pid:
            return  # of one that was killed before
        self.state = state
        self._seen_file = (found.st_ino, found.st_mtime_ns)
        if not self.phases or self.phases[-1][1] != self.state["phase"]:
            self.phases.append((now, self.state["phase"]))
        texts = {problem["happened"] for problem in self.state["problems"]}
        self.told += [Told(now, text) for text in sorted(texts - self._known_problems)]
        self._known_problems |= texts
