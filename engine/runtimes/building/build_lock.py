"""One build or installation at a time per data folder: a lock that the system releases when its holder dies."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.ports import CancelToken

if sys.platform == "win32":  # untested
    import msvcrt
else:
    import fcntl

_WAIT_SECONDS = 0.5


@contextmanager
def only_one_builds(runtimes: Path, *, token: CancelToken, on_waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock for the block. ``on_waiting`` is called while another process has it. Raises ``Cancelled``."""
    runtimes.mkdir(parents=True, exist_ok=True)
    handle = os.open(runtimes / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while not _take(handle):
            on_waiting()
            token.wait(_WAIT_SECONDS)
        yield
    finally:
        os.close(handle)


def _take(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
