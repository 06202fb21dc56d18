"""Which phase may follow which, for one process. A table, so that it can be read and tested as one.

An illegal transition raises: in a test that is a failure, in production the session turns it into a ``Problem``.
"""

from __future__ import annotations

from engine.vocabulary.running.process import ProcessOutcome, ProcessPhase

_MAY_FOLLOW: dict[ProcessPhase, frozenset[ProcessPhase]] = {
    ProcessPhase.STARTING: frozenset({ProcessPhase.READY, ProcessPhase.STOPPING, ProcessPhase.FAILED, ProcessPhase.STOPPED}),
    # STOPPED without STOPPING: stopped as a last resort, without the state being asked.
    ProcessPhase.READY: frozenset({ProcessPhase.STOPPING, ProcessPhase.FAILED, ProcessPhase.STOPPED}),
    ProcessPhase.STOPPING: frozenset({ProcessPhase.STOPPED}),
    ProcessPhase.STOPPED: frozenset(),
    ProcessPhase.FAILED: frozenset(),
}

ENDED = frozenset({ProcessPhase.STOPPED, ProcessPhase.FAILED})


class IllegalTransition(AssertionError):
    """A bug of ours: a process cannot go from this phase to that one."""


def next_phase(now: ProcessPhase, then: ProcessPhase) -> ProcessPhase:
    """``then``, if it may follow ``now``. Raises ``IllegalTransition``."""
    if then not in _MAY_FOLLOW[now]:
        raise IllegalTransition(f"{now} -> {then}")
    return then


def phase_after_exit(now: ProcessPhase, outcome: ProcessOutcome) -> ProcessPhase:
    """Where a process is after it ended.

    An exit that nobody asked for is a failure whatever its code: rpc-server exits 0 on an unknown option, on a port in use
    and on a bad host (rpc-server.cpp:150-158, 199-259).
    """
    if now is ProcessPhase.STOPPING or outcome.stop_asked:
        return ProcessPhase.STOPPED
    return ProcessPhase.FAILED
