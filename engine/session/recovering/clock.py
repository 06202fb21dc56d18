"""Says when the pause before the next start is over, has machines looked at that did not answer, and goes back to those that
are there again.

On the session's thread, a few times a second; the rest of recovery is pure. Rejected: a timer of its own (one more thread that
would have to be told of every stop).
"""

from __future__ import annotations

from collections.abc import Callable

from engine.ports import Clock
from engine.session import events
from engine.session.recovering.go_back import IDLE_SECONDS, better_plan, calm_seconds
from engine.session.reducing.processes_seen import alive
from engine.session.state import ClusterState
from engine.vocabulary.machine import MachineId
from engine.vocabulary.plan import Plan
from engine.vocabulary.running.recovery import RecoveryMode, RecoveryStep


class RecoveryClock:
    """Remembers what it asked for."""

    def __init__(
        self,
        clock: Clock,
        post: Callable[[events.Event], None],
        look_at: Callable[[MachineId], None],
        idle_seconds: Callable[[], float],
    ) -> None:
        """``idle_seconds``: since somebody last wanted something of the run."""
        self._clock = clock
        self._post = post
        self._look_at = look_at
        self._idle_seconds = idle_seconds
        self._looked_at: frozenset[MachineId] = frozenset()
        self._better_since_seconds: float | None = None

    def act(self, state: ClusterState) -> None:
        """After every batch of events, and while there are none."""
        lost = frozenset(state.recovery.lost)
        for machine_id in sorted(lost - self._looked_at):
            self._look_at(machine_id)
        self._looked_at = lost
        self._go_back(state)
        recovery = state.recovery
        if recovery.step is not RecoveryStep.WAITING or recovery.next_try_at_seconds is None or alive(state):
            return
        found = bool(recovery.missing) and isinstance(state.plan, Plan)  # who was missing is back
        if found or self._clock.now_seconds() >= recovery.next_try_at_seconds:
            self._post(events.TryAgainAsked())

    def _go_back(self, state: ClusterState) -> None:
        """Under the mode *automatic*, when nobody needs the run just now."""
        if state.choices.recovery is not RecoveryMode.AUTOMATIC or better_plan(state) is None:
            self._better_since_seconds = None
            return
        now = self._clock.now_seconds()
        if self._better_since_seconds is None:
            self._better_since_seconds = now
        calm = now - self._better_since_seconds >= calm_seconds(state.recovery)
        if calm and not state.activities and self._idle_seconds() >= IDLE_SECONDS:
            self._better_since_seconds = None
            self._post(events.GoBackAsked())
