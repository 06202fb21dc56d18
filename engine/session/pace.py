"""How long the session's thread waits for more events before it reduces what it has.

Events that arrive together are reduced together: one new state every 20 ms, not a thousand. The first after a silence waits
for nothing: somebody chose something and looks at the plan. Rejected: waiting before every event (a fifth of the time from an
edit to its picture).
"""

from __future__ import annotations

BATCH_SECONDS = 0.02


class Pace:
    """Of one thread."""

    def __init__(self) -> None:
        self._next_at_seconds = 0.0

    def pause_seconds(self, now_seconds: float) -> float:
        """From now (a monotonic clock) until the next reduction; it is taken to happen."""
        begins = max(now_seconds, self._next_at_seconds)
        self._next_at_seconds = begins + BATCH_SECONDS
        return begins - now_seconds
