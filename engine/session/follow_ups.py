"""What a change of the state entails by itself: what was measured before is looked up, approaches are compared, runs recorded.

Each is a job, begun once for every change; what it finds comes as an event. None of them decides what runs.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.session import events
from engine.session.jobs import Jobs, Token
from engine.session.outside import Outside
from engine.session.reducing.planned.replan import is_same_comparison
from engine.session.state import ClusterState, PlanVariant
from engine.session.working.measured import calibrate, record_run
from engine.session.working.measured.compare_plans import compare_plans

COMPARE_AFTER_SECONDS = 0.3
"""It computes for as long again, and would take the processor from the window that is about to show the plan itself. A plan
that is replaced meanwhile is not compared at all."""


class FollowUps:
    """One per session; ``act`` is called by its only writer."""

    def __init__(self, outside: Outside, jobs: Jobs, post: Callable[[events.Event], None]) -> None:
        self._outside = outside
        self._jobs = jobs
        self._post = post
        self._speeds_asked_for: object = None
        self._compared: tuple[PlanVariant, ...] = ()
        self._history_asked_for: object = None
        self._recorded_launch = 0

    def act(self, state: ClusterState) -> None:
        """Begin what this state entails and an earlier one did not."""
        self._look_for_speeds(state)
        self._look_back(state)
        self._compare_anew(state)
        self._record(state)

    def _look_for_speeds(self, state: ClusterState) -> None:
        """When other workers, another build or another model come up: what was measured of them before?"""
        if state.runtime is None or state.model is None or not state.offers:
            return
        workers = tuple((offer.id, offer.threads, offer.exposure, offer.description) for offer in state.offers)
        asked = (state.runtime.id, state.runtime.commit, state.model, workers)
        if asked != self._speeds_asked_for:
            self._speeds_asked_for = asked
            self._jobs.start("speeds", lambda _token: self._post_stored_speeds(state))

    def _post_stored_speeds(self, state: ClusterState) -> None:
        speeds = calibrate.stored_speeds(self._outside, state)
        if speeds:
            self._post(events.SpeedsMeasured(speeds=speeds))

    def _look_back(self, state: ClusterState) -> None:
        # By object: a file that is chosen again was forgotten in between (``choices_changed``), and may be another by now.
        if state.model is not None and self._history_asked_for is not state.model:
            self._history_asked_for = state.model
            self._jobs.start("history", lambda _token: record_run.read_history(self._outside, state, self._post))

    def _compare_anew(self, state: ClusterState) -> None:
        if state.variants and not is_same_comparison(self._compared, state.variants):
            self._compared = state.variants
            self._jobs.cancel("compare")
            self._jobs.start("compare", lambda token: self._compare(state, token))

    def _compare(self, state: ClusterState, token: Token) -> None:
        token.wait(COMPARE_AFTER_SECONDS)
        compare_plans(state, self._post)

    def _record(self, state: ClusterState) -> None:
        measured = state.run is not None and state.run.benchmark is not None and state.run.record_id is None
        if measured and self._recorded_launch != state.n_launches:
            self._recorded_launch = state.n_launches
            self._jobs.start("history", lambda _token: record_run.record_run(self._outside, state, self._post))
