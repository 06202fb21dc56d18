"""Says when the pause before the next start is over, and has machines looked at that did not answer.

On the session's thread, a few times a second; the rest of recovery is pure. Rejected: a timer of its own (one more thread that
would have to be told of every stop).
"""

from __future__ import annotations

from collections.abc import Callable

from engine.ports import Clock
from engine.session import events
from engine.session.reducing.processes_seen import alive
from engine.session.state import ClusterState
from engine.vocabulary.machine import MachineId
from engine.vocabulary.plan import Plan
from engine.vocabulary.running.recovery import RecoveryStep


class RecoveryClock:
    """Remembers what it asked for."""

    def __init__(self, clock: Clock, post: Callable[[events.Event], None], look_at: Callable[[MachineId], None]) -> None:
        self._clock = clock
        self._post = post
        self._look_at = look_at
        self._looked_at: frozenset[MachineId] = frozenset()

    def act(self, state: ClusterState) -> None:
        """After every batch of events, and while there are none."""
        lost = frozenset(state.recovery.lost)
        for machine_id in sorted(lost - self._looked_at):
            self._look_at(machine_id)
        self._looked_at = lost
        recovery = state.recovery
        if recovery.step is not RecoveryStep.WAITING or recovery.next_try_at_seconds is None or alive(state):
            return
        found = bool(recovery.missing) and isinstance(state.plan, Plan)  # who was missing is back
        if found or self._clock.now_seconds() >= recovery.next_try_at_seconds:
            self._post(events.TryAgainAsked())
