"""Small text files by path: of this machine's disk, or those that a remote machine has sent. So that the same code reads the
kernel's files (/proc, /sys) of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class FileTree(Protocol):
    """Files and folders that can be read."""

    def read(self, path: Path) -> str:
        """The text; empty when the file is not there or cannot be read."""

    def names(self, folder: Path) -> tuple[str, ...] | None:
        """What is in the folder, sorted; ``None`` when there is no such folder."""


class DiskFiles:
    """Of this machine."""

    def read(self, path: Path) -> str:
        """Also empty when a driver answers with an error (a GPU that sleeps)."""
        try:
            return path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def names(self, folder: Path) -> tuple[str, ...] | None:
        """Sorted as text."""
        try:
            return tuple(sorted(entry.name for entry in folder.iterdir()))
        except OSError:
            return None


class SentFiles:
    """Of another machine, by absolute POSIX path. A folder is there when a file in it was sent."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def read(self, path: Path) -> str:
        """As it was sent."""
        return self._texts.get(path.as_posix(), "")

    def names(self, folder: Path) -> tuple[str, ...] | None:
        """The next part of the path of all that was sent from below it."""
        prefix = folder.as_posix().rstrip("/") + "/"
        found = {path[len(prefix) :].partition("/")[0] for path in self._texts if path.startswith(prefix)}
        return tuple(sorted(found)) if found else None
