"""Memory: layers in proportion to what each worker can take; whole layers by largest remainder.

Proportional to what is left for layers (safe memory less buffers, less the output head on the last device), not to the bare
safe memory as llama.cpp's default is: there a 200 MiB head counts as one layer like any other.
"""

from __future__ import annotations

from collections.abc import Sequence


def proportional_counts(n_layers: int, capacities: Sequence[int]) -> tuple[int, ...]:
    """Whole numbers that sum to ``n_layers``, in proportion to ``capacities``; ties go to the first."""
    weights = [max(0, capacity) for capacity in capacities]
    total = sum(weights)
    if not total:
        return tuple(n_layers if position == 0 else 0 for position in range(len(weights)))
    counts = [n_layers * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(n_layers * weights[i] % total), i))
    for position in by_remainder[: n_layers - sum(counts)]:
        counts[position] += 1
    return tuple(counts)
