"""One build or installation at a time per data folder: a lock that the system releases when its holder dies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.ports import CancelToken
from engine.settings.on_disk.file_lock import try_lock
from engine.settings.on_disk.whole_files import FILE_MODE, private_folder

_WAIT_SECONDS = 0.5


@contextmanager
def only_one_builds(runtimes: Path, *, token: CancelToken, on_waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock for the block. ``on_waiting`` is called while another process has it. Raises ``Cancelled``."""
    private_folder(runtimes)
    handle = os.open(runtimes / ".lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        while not try_lock(handle):
            on_waiting()
            token.wait(_WAIT_SECONDS)
        yield
    finally:
        os.close(handle)
