"""A program's output as whole lines, and the last ones of it. Pure: whoever reads the bytes hands them in.

Whole lines, because chunks are not lines (a reader that split chunks broke 96 of 448 messages in a program we looked at). Both
the line and the tail are bounded: a program that writes gigabytes without a line end costs us ``MAX_LINE_BYTES``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from threading import Lock

MAX_LINE_BYTES = 16 * 1024
"""Longer lines are cut and marked: llama.cpp's longest useful line (a device list) is far below."""
TAIL_LINES = 500
CUT_MARK = " [...]"


class LineSplitter:
    """Bytes in, whole lines out (decoded as UTF-8, what is not is replaced). Pure: no I/O."""

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max = max_line_bytes
        self._rest = b""
        self._skipping = False
        # True: the start of an over-long line was given out; what follows up to its end is dropped.

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that ``chunk`` completes."""
        pieces = (self._rest + chunk).split(b"\n")
        self._rest = pieces.pop()
        lines = []
        for piece in pieces:
            if self._skipping:
                self._skipping = False
            else:
                lines.append(self._decode(piece))
        lines.extend(self._cut_if_too_long())
        return lines

    def finish(self) -> list[str]:
        """What stood there without a line end when the stream ended."""
        rest, self._rest = self._rest, b""
        if not rest or self._skipping:
            return []
        return [self._decode(rest)]

    def _cut_if_too_long(self) -> list[str]:
        if self._skipping:
            self._rest = b""
            return []
        if len(self._rest) <= self._max:
            return []
        line, self._rest, self._skipping = self._decode(self._rest), b"", True
        return [line]

    def _decode(self, line: bytes) -> str:
        cut = len(line) > self._max
        text = line[: self._max].rstrip(b"\r").decode("utf-8", errors="replace")
        return text + CUT_MARK if cut else text


class Tail:
    """The last lines, readable from any thread."""

    def __init__(self, max_lines: int = TAIL_LINES) -> None:
        self._lines: deque[str] = deque(maxlen=max_lines)
        self._lock = Lock()

    def add(self, line: str) -> None:
        """Keep ``line``, forget the oldest when full."""
        with self._lock:
            self._lines.append(line)

    def lines(self) -> tuple[str, ...]:
        """Oldest first."""
        with self._lock:
            return tuple(self._lines)


def lines_in(chunks: Iterable[bytes]) -> Iterator[str]:
    """Every line of a stream until its end."""
    splitter = LineSplitter()
    for chunk in chunks:
        yield from splitter.feed(chunk)
    yield from splitter.finish()


def deliver(lines: Iterator[str], tail: Tail, on_line: Callable[[str], None]) -> None:
    """Hand out every line. If ``on_line`` raises (a bug), the rest is still read, so that the program never stalls on a full
    pipe, and the bug is then raised."""
    try:
        for line in lines:
            tail.add(line)
            on_line(line)
    finally:
        for line in lines:
            tail.add(line)
