"""A file of ours that makes no sense is set aside, never overwritten and never in the way of a start.

It may hold what a person wants back. Rejected: refusing to start (the way out would be a file manager), and a copy (two
files of one content, and the disk may be full).
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path


def set_aside(path: Path, *, what: str, why: str, companions: tuple[str, ...] = (), now: datetime | None = None) -> str:
    """Rename ``path`` to ``NAME.damaged-DATE``; returns the sentence that a person is to be told. ``what``: how it calls the
    file; ``why``: as it ends. ``companions``: endings of files that belong to it and go along.

    Only to be called by who holds the file's lock and has seen the damage under it: another process may have set it aside
    meanwhile. Raises ``OSError``.
    """
    aside = _free_name(path, now or datetime.now(UTC))
    for ending in companions:  # first: what is begun anew must not find them
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
    path.rename(aside)
    return f"{what} was damaged ({why}): it is kept as {aside}, and a new one is begun."


def _free_name(path: Path, now: datetime) -> Path:
    plain = path.with_name(f"{path.name}.damaged-{now:%Y%m%d-%H%M%S}")
    number, free = 1, plain
    while free.exists():
        number += 1
        free = plain.with_name(f"{plain.name}-{number}")
    return free
