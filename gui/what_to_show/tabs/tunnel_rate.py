"""How fast the tunnels are carrying bytes to other machines now: from what they say they have carried so far.

The mean of the last few seconds; not known until two readings lie far enough apart.
"""

from __future__ import annotations

from collections import deque

from engine.session.state import ClusterState

_LEAST_SECONDS, _MOST_SECONDS = 1.0, 4.0


class TunnelRate:
    """Is shown every state in turn."""

    def __init__(self) -> None:
        self._launch = 0
        self._seen: deque[tuple[float, int]] = deque()
        """(When, bytes so far), not older than the mean reaches."""

    def see(self, state: ClusterState, now_seconds: float) -> float | None:
        """Bytes per second to all machines behind tunnels. ``now_seconds`` of one and the same monotonic clock."""
        if state.run is None or not state.run.tunnels or state.n_launches != self._launch:
            self._launch = state.n_launches
            self._seen.clear()
        if state.run is None or not state.run.sent:
            return None
        self._seen.append((now_seconds, sum(sent for _machine, sent in state.run.sent)))
        while len(self._seen) > 2 and self._seen[1][0] <= now_seconds - _MOST_SECONDS:
            self._seen.popleft()
        (then, before), (now, after) = self._seen[0], self._seen[-1]
        return (after - before) / (now - then) if now - then >= _LEAST_SECONDS else None
