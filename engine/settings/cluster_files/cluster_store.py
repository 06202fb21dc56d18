"""Cluster files on disk. Implements ``ports.ClusterFiles``.

Written all or nothing, under one lock for all cluster files of this user (it lies among our files: a person's folder is no
place for our locks), and never over what somebody else has written since: whoever edits the file beside the window would
lose their words. Rejected: watching the file for changes (a question in the middle of something else).
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from engine.errors import BadClusterFile
from engine.settings.on_disk.file_lock import hold_lock
from engine.settings.on_disk.leftovers import sweep_beside
from engine.settings.on_disk.whole_files import read_bounded, write_atomically

LARGEST_BYTES = 4 * 1024 * 1024
"""A thousand machines are 0.3 MB."""


class ClusterFilesOnDisk:
    """Reads and writes."""

    def __init__(self, lock: Path | None = None) -> None:
        """``lock``: the file beside which the lock lies; without it two processes may write at one instant."""
        self._lock = lock

    def read(self, path: str) -> str:
        """The text. Raises ``BadClusterFile``."""
        try:
            content = read_bounded(Path(path), LARGEST_BYTES)
            if len(content) > LARGEST_BYTES:
                raise BadClusterFile(f"{path} is too large to be a cluster file.", advice="Choose another file.")
            return content.decode("utf-8")
        except UnicodeDecodeError:
            raise BadClusterFile(f"{path} is not a text file.", advice="Choose another file.") from None
        except OSError as error:
            raise BadClusterFile(f"{path} cannot be read: {error.strerror}.", advice="Choose another file.") from None

    def write(self, path: str, text: str, expected: str | None) -> None:
        """Write it. ``expected``: what was read or written last; another text there now is left alone. ``None``: whatever is
        there may go. Raises ``BadClusterFile``."""
        try:
            with contextlib.nullcontext() if self._lock is None else hold_lock(self._lock):
                self._write(path, text, expected)
        except OSError as error:
            raise BadClusterFile(
                f"{path} cannot be written: {error.strerror}.", advice="Save it in a folder that you may write to."
            ) from None

    def _write(self, path: str, text: str, expected: str | None) -> None:
        if expected is not None and Path(path).exists() and self.read(path) != expected:
            raise BadClusterFile(
                f"{path} was changed by somebody else since it was opened, so it was not written.",
                advice="Save under another name, or open it again.",
            )
        write_atomically(Path(path), text.encode("utf-8"))
        sweep_beside(Path(path))
