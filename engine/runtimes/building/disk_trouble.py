"""A disk that is full, or a folder that may not be written, while something large is made: one sentence, not a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import RuntimeUnavailable


@contextmanager
def disk_trouble(what: str) -> Iterator[None]:
    """For a block or a function. ``what`` is made there. Raises ``RuntimeUnavailable`` for an ``OSError``."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise RuntimeUnavailable(
            f"{what} could not be written: {error.strerror or error}{where}.",
            advice="Free some space, or set CROSSPLY_DATA to a folder on another disk.",
        ) from error
