"""Locks across processes on open files, let go of by the system when their holder ends in whatever way.

``fcntl.flock`` on POSIX; ``msvcrt.locking`` on Windows (written from its documentation, untested; it knows no shared locks,
so two that only look may see each other there). Rejected: the library ``filelock`` (its locks cannot be shared by those who
only look, and the rest of it is what stands here), and lock files that mean "locked" by being there (a killed holder's stays).
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.settings.on_disk.whole_files import FILE_MODE, private_folder

PATIENCE_SECONDS = 10.0
"""What is done under a lock takes milliseconds; whoever holds one for as long hangs."""
_LOOK_SECONDS = 0.005
_NO_LOCKS_HERE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)

if sys.platform == "win32":
    import msvcrt

    def try_lock(handle: int, *, shared: bool = False) -> bool:  # noqa: ARG001 - not known here
        """Take the lock on an open file if it is free."""
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def try_lock(handle: int, *, shared: bool = False) -> bool:
        """Take the lock on an open file if it is free. ``shared`` is for those who only look: they do not see each other."""
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def hold_lock(file: Path, *, seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Be the only one, of all processes and threads, who changes ``file`` for the block: ``FILE.lock`` beside it is held.

    Raises ``TimeoutError`` after ``seconds``, and ``OSError`` when there is no place for the lock. A file system that knows no
    locks is used without: what a person changed is worth more than what two windows might do at one instant.
    """
    private_folder(file.parent)
    handle = os.open(file.with_name(f"{file.name}.lock"), os.O_RDWR | os.O_CREAT, FILE_MODE)
    deadline = time.monotonic() + seconds
    try:
        while not _try_or_do_without(handle):
            if time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, f"another Crossply has been writing it for {seconds:g} seconds")
            time.sleep(_LOOK_SECONDS)
        yield
    finally:
        os.close(handle)


def _try_or_do_without(handle: int) -> bool:
    try:
        return try_lock(handle)
    except OSError as error:
        if error.errno in _NO_LOCKS_HERE:
            return True
        raise
