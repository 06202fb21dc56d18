"""Amounts of memory and names of workers in the sentences of the planner. Decimal units: 1 GB = 1,000,000,000 bytes."""

from __future__ import annotations

from collections.abc import Iterable


def amount(size_bytes: int) -> str:
    """``3.2 GB``, ``450 MB``; rounded up to the last digit shown, so that a shortfall is never shown as zero."""
    if size_bytes >= 1_000_000_000:
        return f"{-(-size_bytes // 100_000_000) / 10:.1f} GB"
    return f"{-(-max(0, size_bytes) // 1_000_000)} MB"


def layers_in_words(count: int) -> str:
    """``1 layer``, ``10 layers``."""
    return "1 layer" if count == 1 else f"{count} layers"


def listed(names: Iterable[str]) -> str:
    """``a, b and c``."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
