"""Reads a pipe to its end and hands out its lines.

Until end of file, because a reader that stops at "ready" lets a chatty program stall on a full pipe. ``io.TextIOWrapper`` was
rejected: it has no bound on a line, and its lock can abort the interpreter when a daemon thread is reading at exit. Reading is
``os.read`` on the descriptor; the splitting is pure (``process_parts.output_lines``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from engine.process_parts.output_lines import Tail, deliver, lines_in

_CHUNK_BYTES = 64 * 1024


def lines_of(descriptor: int) -> Iterator[str]:
    """Every line of a pipe until its end. Blocks; a pipe that breaks counts as ended."""
    return lines_in(iter(lambda: _read(descriptor), b""))


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _CHUNK_BYTES)
    except OSError:  # EIO or a reset: nothing more will come
        return b""


def pump(descriptor: int, tail: Tail, on_line: Callable[[str], None]) -> None:
    """Read to the end of file, also when ``on_line`` raises (see ``deliver``)."""
    deliver(lines_of(descriptor), tail, on_line)
