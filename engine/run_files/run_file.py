"""Publishes the state of the running Crossply, atomically, and finds it again.

Whoever runs holds an exclusive lock on ``run.lock`` for as long as it lives (the system lets go of it even after kill -9),
so a free lock proves that nothing runs, whatever the run file says.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from engine.settings.on_disk import file_lock
from engine.settings.on_disk.whole_files import FILE_MODE, private_folder, write_atomically

RUN_FILE = "run.json"
LOCK_FILE = "run.lock"

_ATTEMPTS = 5
_BETWEEN_ATTEMPTS_SECONDS = 0.005


class RunPublisher:
    """Held by the Crossply that runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: IO[str] | None = None
        self._released = False
        self._last: str | None = None

    def claim(self) -> bool:
        """Become the one that runs. ``False`` when another Crossply of this user runs already. Raises ``OSError``."""
        private_folder(self._folder)
        handle = os.fdopen(os.open(self._folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, FILE_MODE), "r+", encoding="utf-8")
        if not any(self._attempts(handle)):
            handle.close()
            return False
        # What a killed one left behind must not be read as ours: its pid may be a stranger's by now.
        (self._folder / RUN_FILE).unlink(missing_ok=True)
        self._lock, self._released = handle, False
        return True

    @staticmethod
    def _attempts(handle: IO[str]) -> Iterator[bool]:
        """Somebody who only looks holds the lock for an instant."""
        for _ in range(_ATTEMPTS):
            yield file_lock.try_lock(handle.fileno())
            time.sleep(_BETWEEN_ATTEMPTS_SECONDS)

    def publish(self, state: dict[str, Any]) -> None:
        """Write the state, if it changed and we are the one that runs, or become it: the one that was may have ended, and
        what serves now must be seen and stopped, too. Raises ``OSError``."""
        text = json.dumps({"pid": os.getpid(), **state}, indent=1)
        if text == self._last or self._released or (self._lock is None and not self.claim()):
            return
        write_atomically(self._folder / RUN_FILE, text.encode(), flushed=False)  # worth nothing after a power cut
        self._last = text

    def release(self) -> None:
        """Stop being the one that runs, or wanting to be; the file goes."""
        self._released = True
        if self._lock is None:
            return
        with contextlib.suppress(FileNotFoundError):
            (self._folder / RUN_FILE).unlink()
        self._lock.close()
        self._lock = None
        self._last = None


def read_running(folder: Path) -> dict[str, Any] | None:
    """The published state of the Crossply that runs, or ``None`` when none does."""
    if not is_running(folder):
        return None
    try:
        state = json.loads((folder / RUN_FILE).read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return None  # it has only just begun, or is just ending
    return state if isinstance(state, dict) else None


def is_running(folder: Path) -> bool:
    """Whether somebody holds the lock."""
    try:
        handle = (folder / LOCK_FILE).open("r+")
    except FileNotFoundError:
        return False
    with handle:
        return not file_lock.try_lock(handle.fileno(), shared=True)


def ask_to_stop(folder: Path) -> bool:
    """Ask the Crossply that runs to stop everything and end. ``False`` when none runs."""
    state = read_running(folder)
    if state is None or not isinstance(state.get("pid"), int):
        return False
    with contextlib.suppress(ProcessLookupError):  # it ended between the two looks
        os.kill(state["pid"], signal.SIGTERM)
    return True
