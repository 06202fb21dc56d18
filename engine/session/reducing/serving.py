"""What a client of the API can expect now, from the state. Pure: the only place that translates phases of a run for it."""

from __future__ import annotations

from engine.session.state import ClusterState, RunPhase, RunSeen
from engine.vocabulary.running.api import Serving, ServingPhase
from engine.vocabulary.running.recovery import RecoveryStep

_COMING = {
    RunPhase.STARTING_WORKERS: "The workers are starting.",
    RunPhase.LOADING_MODEL: "The model is loading.",
}
_NOTHING = {
    RunPhase.STOPPED: "No model is being served: it is stopped.",
    RunPhase.STOPPING: "No model is being served: it is being stopped.",
    RunPhase.FAILED: "No model is being served: the last run failed.",
}
FIRST_ESTIMATE_FRACTION = 0.1
"""Of the load: the first bytes say nothing about the rest."""


def serving_of(state: ClusterState) -> Serving:
    """Ready at a URL, coming (and when, as far as that is known), or nothing."""
    if state.closing:
        return Serving(phase=ServingPhase.NOTHING, doing="Crossply is closing.")
    if state.run_phase is RunPhase.READY and state.run is not None:
        return Serving(phase=ServingPhase.READY, url=state.run.coordinator_url)
    if state.run_phase is RunPhase.RECOVERING:
        return _while_recovering(state)
    if state.run_phase in _COMING:
        expected = None if state.run is None else _load_seconds_left(state.run, state.now_seconds)
        return Serving(phase=ServingPhase.COMING, doing=_COMING[state.run_phase], expected_seconds=expected)
    return Serving(phase=ServingPhase.NOTHING, doing=_NOTHING.get(state.run_phase, "No model is being served."))


def _while_recovering(state: ClusterState) -> Serving:
    """Its next start is known where one is planned; while a person is asked nothing is promised."""
    if state.recovery.step is RecoveryStep.ASKING:
        return Serving(phase=ServingPhase.NOTHING, doing="The run broke, and a person is asked whether it goes on.")
    expected = None
    took = None if state.run is None else state.run.ready_after_seconds
    if took is not None:
        expected = took + max(0.0, (state.recovery.next_try_at_seconds or 0.0) - state.now_seconds)
    broke = state.recovery.fault is not None
    doing = "The run broke and is being started again." if broke else "The run is being started again on more machines."
    return Serving(phase=ServingPhase.COMING, doing=doing, expected_seconds=expected)


def _load_seconds_left(run: RunSeen, now_seconds: float) -> float | None:
    """As fast as so far, the start of the workers included."""
    if run.load is None or run.load.fraction < FIRST_ESTIMATE_FRACTION:
        return None
    elapsed = now_seconds - run.started_at_seconds
    return elapsed * (1 - run.load.fraction) / run.load.fraction
