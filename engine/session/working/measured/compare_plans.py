"""The comparison as a job: planning once more for every worker takes longer than a change of the state may."""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import BadInput
from engine.planning.comparing.compare import compare
from engine.session import events
from engine.session.reducing.planned.measured_before import with_measured
from engine.session.reducing.planned.replan import request_of
from engine.session.state import ClusterState
from engine.vocabulary.comparison import Comparison
from engine.vocabulary.plan import PlanRefused, Policy
from engine.vocabulary.worker import Layout


def compare_plans(state: ClusterState, post: Callable[[events.Event], None]) -> None:
    """Post ``Compared`` for the variants of this state."""
    comparison = comparison_of(state)
    if comparison is not None:
        post(events.Compared(variants=state.variants, comparison=comparison))


def comparison_of(state: ClusterState) -> Comparison | None:
    """The four approaches for what is chosen, with what the history measured; ``None`` without a model or workers."""
    request = request_of(state, Policy.FASTEST, Layout.PER_DEVICE)
    traditional = request_of(state, Policy.FASTEST, Layout.TRADITIONAL)
    if isinstance(request, PlanRefused) or isinstance(traditional, PlanRefused):
        return None
    try:
        return with_measured(compare(request, traditional.offers), state.history, state.model_hash, state.runtime)
    except BadInput:
        return None  # an impossible run shape: the plan says so
