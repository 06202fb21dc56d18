"""The window's "Measure the best plans": a job that drives the session it belongs to.

Cancelling it, or pressing Stop, ends it; what was chosen before is chosen again, and what was measured so far is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.errors import EngineError
from engine.session import events
from engine.session.jobs import Token
from engine.session.outside import Outside
from engine.session.plan_runs.driver import Commands, Driver, failure_of
from engine.session.plan_runs.measure_plans import best_subjects, measure_interleaved
from engine.session.state import ClusterState, RunPhase
from engine.session.working.machines.look import problem_of
from engine.vocabulary.running.problem import ProblemKind

MEASURE_PLANS = "measure plans"
TOP, ROUNDS, REPETITIONS = 3, 2, 3
"""Two launches of three plans: a few minutes with a model of some gigabytes, enough to see the spread."""
_LOOK_SECONDS = 0.1


class JobDriver(Driver):
    """On a job's thread; raises ``Cancelled`` from any wait once the job is asked to stop."""

    def __init__(self, session: Commands, token: Token) -> None:
        self.session = session
        self._token = token
        self._n_launches_before = session.snapshot().n_launches

    def wait_for(self, reached: Callable[[ClusterState], bool], title: str) -> ClusterState:
        """Looks ten times a second."""
        del title
        while True:
            state = self.session.snapshot()
            if reached(state):
                return state
            if state.run_phase is RunPhase.FAILED and state.n_launches > self._n_launches_before:
                raise failure_of(state)  # of a run of ours: that an earlier one failed is no reason not to measure
            self._token.wait(_LOOK_SECONDS)

    def tell(self, step: str, fraction: float) -> None:
        """As an activity with progress."""
        title = "Measuring the best plans"
        self.session.post(events.ActivityProgressed(id=MEASURE_PLANS, title=title, fraction=fraction, detail=step))


def measure_best_plans(session: Commands, outside: Outside, token: Token) -> None:
    """The chosen plan and the best predicted others, in turn. A run that fails ends it: the session has told why."""
    before = session.snapshot()
    if before.run_wanted or before.model is None:
        return
    driver = JobDriver(session, token)
    try:
        measure_interleaved(driver, outside, best_subjects(before, TOP), rounds=ROUNDS, repetitions=REPETITIONS)
    except EngineError as error:
        if session.snapshot().run_phase is not RunPhase.FAILED:
            problem = problem_of(error, ProblemKind.COORDINATOR, MEASURE_PLANS)
            session.post(events.ProblemHappened(problem=problem))
    finally:
        _as_before(session, before)
        session.post(events.ActivityEnded(id=MEASURE_PLANS))


def _as_before(session: Commands, before: ClusterState) -> None:
    """Nothing runs, and the same column is chosen; what else was chosen meanwhile stays."""
    now = session.snapshot()
    if now.closing:
        return
    if now.run_wanted:
        session.stop()
    chosen = before.choices
    as_chosen = replace(now.choices, policy=chosen.policy, layout=chosen.layout, given=chosen.given, recovery=chosen.recovery)
    if now.choices != as_chosen:
        session.choose(as_chosen)
