"""An exclusive lock on an open file, let go of by the system when its holder ends in whatever way.

``fcntl.flock`` on POSIX; ``msvcrt.locking`` on Windows (written from its documentation, untested; it knows no shared locks,
so two that only look may see each other there).
"""

from __future__ import annotations

import sys
from typing import IO

if sys.platform == "win32":
    import msvcrt

    def try_lock(handle: IO[str], *, shared: bool = False) -> bool:  # noqa: ARG001 - not known here
        """Take the lock if it is free."""
        try:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def try_lock(handle: IO[str], *, shared: bool = False) -> bool:
        """Take the lock if it is free. ``shared`` is for those who only look: they do not see each other."""
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
