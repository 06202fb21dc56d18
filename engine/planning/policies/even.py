"""Even: the same number of layers on every worker, remainders to the first; less where memory is short."""

from __future__ import annotations


def even_counts(n_layers: int, n_workers: int) -> tuple[int, ...]:
    """40 over 4 = 10 each; 41 over 4 = 11, 10, 10, 10."""
    share, rest = divmod(n_layers, n_workers)
    return tuple(share + (position < rest) for position in range(n_workers))
