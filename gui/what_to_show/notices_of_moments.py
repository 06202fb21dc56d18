"""What is worth a notification: a model that is served now, a failure, plans that were measured.

Only what took over ten seconds, or failed: what is over at once was watched. Whether the window is in front is for the
caller to know.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.plan_runs.in_background import MEASURE_PLANS
from engine.session.state import ClusterState, RunPhase
from gui.texts.translation import tr
from gui.what_to_show.formatting import duration_text

LONG_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message."""

    title: str
    words: str
    failed: bool = False


class MomentWatch:
    """Is shown every state in turn and says what has come about since the last one."""

    def __init__(self) -> None:
        self._last: ClusterState | None = None
        self._measuring_since: float | None = None

    def see(self, state: ClusterState, now_seconds: float) -> tuple[Notification, ...]:
        """``now_seconds`` of one and the same monotonic clock. The first state says nothing: it came about before."""
        before, self._last = self._last, state
        measured = self._measured(state, now_seconds)
        if before is None or state.closing:
            return ()
        found = (_served(before, state), _failed(before, state), measured)
        return tuple(notification for notification in found if notification is not None)

    def _measured(self, state: ClusterState, now_seconds: float) -> Notification | None:
        """Plans: each of them is launched and stopped, so the launches themselves are no news meanwhile."""
        if _measures(state):
            self._measuring_since = now_seconds if self._measuring_since is None else self._measuring_since
            return None
        since, self._measuring_since = self._measuring_since, None
        took = 0.0 if since is None else now_seconds - since
        if took < LONG_SECONDS:
            return None
        return Notification(
            title=tr("Plans were measured"),
            words=tr(
                "It took {time}. What came out stands beside the predictions and in the history.", time=duration_text(took)
            ),
        )


def _measures(state: ClusterState) -> bool:
    return any(activity.id == MEASURE_PLANS for activity in state.activities)


def _served(before: ClusterState, state: ClusterState) -> Notification | None:
    run = state.run
    if run is None or state.run_phase is not RunPhase.READY or before.run_phase is RunPhase.READY or _measures(state):
        return None
    took = run.ready_after_seconds
    if took is None or took < LONG_SECONDS:
        return None
    name = run.plan.model.name
    return Notification(
        title=tr("{name} is being served", name=name),
        words=tr("At {api_url}, ready after {time}.", api_url=run.api_url, time=duration_text(took)),
    )


def _failed(before: ClusterState, state: ClusterState) -> Notification | None:
    if state.run_phase is not RunPhase.FAILED or before.run_phase is RunPhase.FAILED or _measures(state):
        return None
    problem = state.problems[-1] if state.problems else None
    words = tr("What happened is in the window.") if problem is None else f"{problem.happened} {problem.advice}".strip()
    return Notification(title=tr("The run failed"), words=words, failed=True)
