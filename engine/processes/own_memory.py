"""The memory of our own process: few heaps of the C library, and what lies free in them given back.

glibc gives threads heaps of their own, up to eight for each core, and each of them keeps what it once needed most. A
session has some fifty threads, and whichever reads the thousands of lines of a load fills its heap once more, between
blocks that stay: what is freed there is not at the heap's end, and glibc keeps it. In six minutes of prompts and faults
over three machines (``python -m tests.faults.soak``) the blocks in use stayed at 20 MB while the heaps grew from 22 to
31 MB; ``malloc_trim`` gave 8 MB of them back. In an hour of that the process goes from 102 to 111 MB now,
where it went from 120 to 150 (by this, and by a leak for each reconnect that was mended beside it). A trim takes 4 to 14 ms
for 110 MB of blocks on a busy machine, and makes others that allocate wait. Python's lock lets one thread allocate at a time,
so threads have nothing to gain from many heaps.

Rejected: ``MALLOC_ARENA_MAX`` in the environment (read before we run, and every program that we start would inherit it);
another allocator (a library more); giving back after each load (what fills heaps without one would stay).
"""

from __future__ import annotations

import ctypes
import sys

from engine.ports import CancelToken

N_HEAPS = 2
"""One that grows in place, and one for when that is taken."""
GIVE_BACK_SECONDS = 60.0
"""Seldom beside what a trim takes; in a minute of faults the process grew by 1 to 3 MB."""
_M_ARENA_MAX = -8
"""malloc.h of glibc."""


def keep_heaps_few() -> bool:
    """For threads that start from now on. ``False`` where the C library knows no such setting (musl, macOS, Windows)."""
    libc = _glibc("mallopt")
    return libc is not None and bool(libc.mallopt(_M_ARENA_MAX, N_HEAPS) == 1)


def give_back_free_memory() -> bool:
    """Pages of the heaps in which nothing is in use go back to the system. ``False`` where nothing was, or cannot be."""
    libc = _glibc("malloc_trim")
    return libc is not None and bool(libc.malloc_trim(0) == 1)


def give_back_now_and_then(token: CancelToken) -> None:
    """Until cancelled."""
    while True:
        token.wait(GIVE_BACK_SECONDS)
        give_back_free_memory()


def _glibc(function: str) -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    try:
        libc = ctypes.CDLL(None)
    except OSError:
        return None
    return libc if hasattr(libc, function) else None
