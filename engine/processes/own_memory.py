"""The memory of our own process: two heaps of the C library for all threads together.

glibc gives threads heaps of their own, up to eight for each core, and each of them keeps what it once needed most. A
session has some fifty threads, and whichever reads the thousands of lines of a load fills its heap once more. With two
heaps the process has 112 MB after ten minutes of prompts and faults over three machines, and 118 after twenty; without,
128 and 134 (``python -m tests.faults.soak``). It still grows then, by half a megabyte a minute and less and less, in the C
library's heap, while its Python objects and their memory stay the same (tracemalloc, smaps): the cause is not known.
Python's lock lets one thread allocate at a time, so threads have nothing to gain from many heaps. Rejected:
``MALLOC_ARENA_MAX`` in the environment (read before we run, and every program that we start would inherit it), another
allocator (a library more).
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
