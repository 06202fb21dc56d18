"""When to try again, and when to stop trying. Pure.

Two limits: starts in a row that did not come to serve, and crashes within the last minutes (a run that comes up and breaks by
its own doing, again and again). A run that served has no starts against it: at once where somebody else ended a process of it
or the network failed, else after it had served for a while. What others do to it is never a reason to give up.
"""

from __future__ import annotations

from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.process import ProcessOutcome

PAUSES_SECONDS = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Before each start in a row; after the last one it is given up."""

SERVED_WELL_SECONDS = 10.0
"""It served, so what breaks now is a new fault and not the same start failing again."""

WINDOW_SECONDS = 180.0
MOST_FAULTS_IN_WINDOW = 12
MOST_PORTS_TAKEN = 6

_OWN = frozenset(
    {
        FaultCause.WORKER_OUT_OF_MEMORY,
        FaultCause.COORDINATOR_OUT_OF_MEMORY,
        FaultCause.DEVICE_LOST,
        FaultCause.HANG,
        FaultCause.DISK_FULL,
        FaultCause.NEVER_ANSWERED,
        FaultCause.UNKNOWN,
    }
)
_STOPPED_BY_SIGNAL = (134, 137, 139, 143)
_NEVER_MENDED = (ProblemKind.BUG, ProblemKind.RUNTIME, ProblemKind.MODEL)


def pause_seconds(attempt: int) -> float | None:
    """Before the ``attempt``-th start in a row, counted from 1; ``None`` = no more."""
    return PAUSES_SECONDS[attempt - 1] if attempt <= len(PAUSES_SECONDS) else None


def within_window(faults_at_seconds: tuple[float, ...], now_seconds: float) -> tuple[float, ...]:
    """Those that still count."""
    return tuple(at for at in faults_at_seconds if now_seconds - at <= WINDOW_SECONDS)


def is_own_doing(fault: Fault, *, crashed: bool) -> bool:
    """Whether it would break so again, other than by a signal from outside or for the network."""
    return crashed or fault.cause in _OWN


def breaks_too_often(faults_at_seconds: tuple[float, ...]) -> bool:
    """Whether it comes up only to break again."""
    return len(faults_at_seconds) > MOST_FAULTS_IN_WINDOW


def is_hopeless(fault: Fault, problem: Problem | None, outcome: ProcessOutcome | None, *, ever_served: bool) -> bool:
    """Whether another start would end as this one did: a person who launches something that cannot run is told at once.

    A launch that served once is tried again whatever broke it, but for faults of ours.
    """
    if problem is not None and problem.kind in _NEVER_MENDED:
        return True
    if ever_served:
        return False
    if fault.cause is FaultCause.UNKNOWN:
        return True
    refused = outcome is not None and (outcome.exit_code or 0) > 0 and outcome.exit_code not in _STOPPED_BY_SIGNAL
    return fault.cause is FaultCause.COORDINATOR_ENDED and refused
