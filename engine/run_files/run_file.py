"""Publishes the state of the running Crossply, atomically, and finds it again.

Whoever runs holds an exclusive lock on ``run.lock`` for as long as it lives (the system lets go of it even after kill -9),
so a free lock proves that nothing runs, whatever the run file says.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
from pathlib import Path
from typing import IO, Any

from engine.run_files import file_lock

RUN_FILE = "run.json"
LOCK_FILE = "run.lock"


class RunPublisher:
    """Held by the Crossply that runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: IO[str] | None = None
        self._last: str | None = None

    def claim(self) -> bool:
        """Become the one that runs. ``False`` when another Crossply of this user runs already."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle = (self._folder / LOCK_FILE).open("a+")
        if not file_lock.try_lock(handle):
            handle.close()
            return False
        self._lock = handle
        return True

    def publish(self, state: dict[str, Any]) -> None:
        """Write the state, if it changed and we are the one that runs."""
        text = json.dumps({"pid": os.getpid(), **state}, indent=1)
        if self._lock is None or text == self._last:
            return
        self._last = text
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".run-")
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(name).replace(self._folder / RUN_FILE)

    def release(self) -> None:
        """Stop being the one that runs; the file goes."""
        if self._lock is None:
            return
        with contextlib.suppress(FileNotFoundError):
            (self._folder / RUN_FILE).unlink()
        self._lock.close()
        self._lock = None


def read_running(folder: Path) -> dict[str, Any] | None:
    """The published state of the Crossply that runs, or ``None`` when none does."""
    if not is_running(folder):
        return None
    try:
        state = json.loads((folder / RUN_FILE).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None  # it has only just begun, or is just ending
    return state if isinstance(state, dict) else None


def is_running(folder: Path) -> bool:
    """Whether somebody holds the lock."""
    try:
        handle = (folder / LOCK_FILE).open("r+")
    except FileNotFoundError:
        return False
    with handle:
        return not file_lock.try_lock(handle)


def ask_to_stop(folder: Path) -> bool:
    """Ask the Crossply that runs to stop everything and end. ``False`` when none runs."""
    state = read_running(folder)
    if state is None:
        return False
    os.kill(int(state["pid"]), signal.SIGTERM)
    return True
