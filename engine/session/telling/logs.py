"""What every process has printed: bounded, readable from any thread, cheap to append to.

Not in the state, because llama-server prints some 2,000 lines while it loads (verbosity 5 is needed to read the layer map).
Lines are numbered over all processes, so that one reader can follow everything in the order of arrival.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile

KEPT_LINES = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line, with when it reached us (not when it was printed: clocks of machines differ)."""

    number: int
    """Counts over all processes, from 1."""
    process_id: str
    text: str
    arrived_at_seconds: float
    """Since the epoch."""


class LogBook:
    """Lines by process. Old ones are forgotten; numbers go on counting."""

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        """``wall_clock``: seconds since the epoch."""
        self._wall_clock = wall_clock
        self._lock = threading.Lock()
        self._lines: dict[str, deque[LogLine]] = {}
        self._counts: dict[str, int] = {}
        self._last = 0

    def append(self, process_id: str, line: str) -> None:
        """Add one line."""
        now = self._wall_clock()
        with self._lock:
            self._last += 1
            kept = LogLine(number=self._last, process_id=process_id, text=line, arrived_at_seconds=now)
            self._lines.setdefault(process_id, deque(maxlen=KEPT_LINES)).append(kept)
            self._counts[process_id] = self._counts.get(process_id, 0) + 1

    def lines(self, process_id: str, after: int = 0) -> tuple[int, tuple[str, ...]]:
        """Lines printed after number ``after`` that are still kept, and the number of the last one."""
        with self._lock:
            kept = self._lines.get(process_id)
            count = self._counts.get(process_id, 0)
            if kept is None or after >= count:
                return count, ()
            new = min(len(kept), count - after)
            return count, tuple(line.text for line in tuple(kept)[-new:])

    def since(self, number: int) -> tuple[LogLine, ...]:
        """Lines of all processes that arrived after ``LogLine.number`` and are still kept, in the order of arrival."""
        with self._lock:
            if number >= self._last:
                return ()
            found = [line for kept in self._lines.values() for line in _after(kept, number)]
        return tuple(sorted(found, key=lambda line: line.number))

    def forget(self, process_id: str) -> None:
        """Drop the lines of an earlier process of that name."""
        with self._lock:
            self._lines.pop(process_id, None)
            self._counts.pop(process_id, None)


def _after(kept: deque[LogLine], number: int) -> Iterator[LogLine]:
    """From the newest back: costs what is new, not what is kept."""
    return takewhile(lambda line: line.number > number, reversed(kept))
