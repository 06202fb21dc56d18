"""What every process has printed: bounded, readable from any thread, cheap to append to.

Not in the state, because llama-server prints some 2,000 lines while it loads (verbosity 5 is needed to read the layer map).
"""

from __future__ import annotations

import threading
from collections import deque

KEPT_LINES = 5000


class LogBook:
    """Lines by process. Old ones are forgotten; numbers go on counting."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[str, deque[str]] = {}
        self._counts: dict[str, int] = {}

    def append(self, process_id: str, line: str) -> None:
        """Add one line."""
        with self._lock:
            self._lines.setdefault(process_id, deque(maxlen=KEPT_LINES)).append(line)
            self._counts[process_id] = self._counts.get(process_id, 0) + 1

    def lines(self, process_id: str, after: int = 0) -> tuple[int, tuple[str, ...]]:
        """Lines printed after number ``after`` that are still kept, and the number of the last one."""
        with self._lock:
            kept = self._lines.get(process_id)
            count = self._counts.get(process_id, 0)
            if kept is None or after >= count:
                return count, ()
            new = min(len(kept), count - after)
            return count, tuple(kept)[-new:]

    def forget(self, process_id: str) -> None:
        """Drop the lines of an earlier process of that name."""
        with self._lock:
            self._lines.pop(process_id, None)
            self._counts.pop(process_id, None)
