"""The memory of our own process: two heaps of the C library for all threads together.

glibc gives threads heaps of their own, up to eight for each core, and each of them keeps what it once needed most. A
session has some fifty threads, and whichever reads the thousands of lines of a load fills its heap once more: in an
hour with 179 recoveries over three machines the process went from 120 to 150 MB while its Python objects stayed the
same (tracemalloc). Python's lock lets one thread allocate at a time, so they have nothing to gain from many heaps.
Rejected: ``MALLOC_ARENA_MAX`` in the environment (read before we run, and every program that we start would inherit
it), another allocator (a library more), ``malloc_trim`` now and then (it frees whole pages only, and the heaps stay
apart).
"""

from __future__ import annotations

import ctypes
import sys

N_HEAPS = 2
"""One that grows in place, and one for when that is taken."""
_M_ARENA_MAX = -8
"""malloc.h of glibc."""


def keep_heaps_few() -> bool:
    """For threads that start from now on. ``False`` where the C library knows no such setting (musl, macOS, Windows)."""
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_ARENA_MAX, N_HEAPS) == 1)
