"""The least of a window of rows, for every row at once: the inner step of the searches.

A device that ends at layer ``end`` may begin anywhere in ``earliest[end] .. end - 1``. With a sparse table (minima over powers
of two) that costs ``log2(longest window)`` numpy passes over all columns together. Rejected: a monotone queue (better on
paper, but a Python loop per column: 50 times slower at 32,768 sets of workers).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windows:
    """Where to look in the sparse table, per row."""

    n_levels: int
    first: Ints
    second: Ints
    empty: Ints
    """Rows whose window is empty."""


def windows_of(earliest: Ints) -> Windows:
    """Of windows ``earliest[end] .. end - 1``; empty where ``earliest[end] >= end``."""
    ends = np.arange(len(earliest), dtype=np.int64)
    lengths = np.maximum(ends - earliest, 0)
    levels = np.frexp(np.maximum(lengths, 1))[1].astype(np.int64) - 1
    offset = levels * len(earliest)
    is_empty = lengths == 0
    first = np.where(is_empty, 0, offset + np.minimum(earliest, ends))
    second = np.where(is_empty, 0, offset + ends - (1 << levels))
    return Windows(n_levels=int(levels.max()) + 1, first=first, second=second, empty=np.flatnonzero(is_empty))


def window_minimum(values: Floats, windows: Windows) -> Floats:
    """Per row ``end`` and column the least of ``values[earliest[end]:end]``; infinite where the window is empty."""
    n_rows = len(values)
    table = np.empty((windows.n_levels, *values.shape))
    table[0] = values
    for level in range(1, windows.n_levels):
        half = 1 << (level - 1)
        np.minimum(table[level - 1, : n_rows - half], table[level - 1, half:], out=table[level, : n_rows - half])
        table[level, n_rows - half :] = table[level - 1, n_rows - half :]
    flat = table.reshape(windows.n_levels * n_rows, *values.shape[1:])
    least: Floats = flat[windows.first]
    np.minimum(least, flat[windows.second], out=least)
    least[windows.empty] = np.inf
    return least
