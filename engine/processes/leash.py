"""The leash: what makes a program, and everything it started, end when we do, even when we are ended by ``kill -9``.

One leash per program. It is made first, the program is started *into* it, and it is let go of when the program has ended; what
the program left behind ends with it. How it works is the system's business: ``leash_posix`` (a process group with a guardian
that reads a pipe) or ``leash_windows`` (a job object).
"""

from __future__ import annotations

import sys
from typing import Protocol


class Leash(Protocol):
    """Holds one program and its descendants."""

    @property
    def process_group(self) -> int | None:
        """The group that the program must be started into (``Popen(process_group=...)``); ``None`` where there is none."""

    @property
    def creation_flags(self) -> int:
        """Flags for the start (Windows); 0 elsewhere."""

    def hold(self, pid: int) -> None:
        """Called at once after the start; needed where a program cannot be started into the leash."""

    def ask(self, pid: int) -> None:
        """Ask the program itself to end: politely, it may clean up."""

    def terminate(self) -> None:
        """Ask all of them to end."""

    def kill(self) -> None:
        """End all of them, at once."""

    def let_go(self) -> None:
        """The program has ended: end what it left behind and free the leash. Idempotent."""


def new_leash() -> Leash:
    """A leash of this system's kind. Raises ``OSError`` when the system has no room for one more process."""
    if sys.platform == "win32":
        from engine.processes.leash_windows import WindowsLeash  # noqa: PLC0415 - exists on Windows only

        return WindowsLeash()
    else:  # noqa: RET505 - without it mypy calls the rest unreachable on Windows
        from engine.processes.leash_posix import PosixLeash  # noqa: PLC0415 - exists on POSIX only

        return PosixLeash()
