"""The split that the layer map draws: of the run, of the plan on the table, or one that was wished for and does not fit.

A split by hand that is refused is drawn all the same, or a boundary that is dragged too far would take the map away with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.planning.policies.moved_boundary import Seats, seats_of_workers
from engine.session.plan_runs.in_background import MEASURE_PLANS
from engine.session.state import ClusterState
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import PlannedWorker, PlanRefused, RunShape
from engine.vocabulary.worker import WorkerId
from gui.what_to_show.cards.placed import shown_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnSplit:
    """Who holds which layers."""

    model: ModelFacts
    shape: RunShape
    seats: Seats
    workers: tuple[PlannedWorker, ...]
    """With their needs, in the order of the seats; empty when a worker of the split is not here."""
    over_bytes: tuple[tuple[WorkerId, int], ...] = ()
    """Workers that are over their safe memory, and by how much."""
    fits: bool = True

    @property
    def n_layers(self) -> int:
        """Layers without the output head."""
        return self.model.n_layers

    def holder_of(self, layer: int) -> WorkerId:
        """Who holds a layer; ``n_layers`` is the output head, always on the last worker."""
        end = 0
        for worker, count in self.seats:
            end += count
            if layer < end:
                return worker
        return self.seats[-1][0]

    def worker_of(self, layer: int) -> PlannedWorker | None:
        """The same with its needs; ``None`` when it is not here."""
        holder = self.holder_of(layer)
        return next((worker for worker in self.workers if worker.id == holder), None)


def drawn_split_of(state: ClusterState) -> DrawnSplit | None:
    """``None`` when there is nothing to draw."""
    plan = shown_plan(state)
    if plan is not None:
        used = plan.used_workers
        return DrawnSplit(model=plan.model, shape=plan.shape, seats=seats_of_workers(used), workers=used)
    given, model = state.choices.given, state.model
    if not isinstance(state.plan, PlanRefused) or given is None or model is None:
        return None
    seats = tuple(seat for place, seat in enumerate(given.seats) if seat[1] or place == len(given.seats) - 1)
    if not seats or sum(count for _, count in seats) != model.n_layers or any(count < 0 for _, count in seats):
        return None
    over = tuple((s.worker_id, s.needed_bytes - s.safe_bytes) for s in state.plan.shortfalls if s.worker_id is not None)
    return DrawnSplit(
        model=model, shape=state.choices.shape, seats=seats, workers=state.plan.wished, over_bytes=over, fits=False
    )


def can_edit(state: ClusterState) -> bool:
    """Whether the plan may be changed now: nothing runs with it, or is about to."""
    measuring = any(activity.id == MEASURE_PLANS for activity in state.activities)
    return state.model is not None and not (state.run_wanted or state.closing or measuring)


def is_on_the_table(state: ClusterState) -> bool:
    """Whether what is drawn is the plan that would be launched, and not what runs."""
    plan = shown_plan(state)
    return plan is None or plan is state.plan
