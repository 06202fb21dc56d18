"""States with a split that a person made: one that fits, one that does not. On top of the hand-made states."""

from __future__ import annotations

from dataclasses import replace

from engine.planning.policies.moved_boundary import moved_boundary, seats_of_workers
from engine.session.state import ClusterState, PlanVariant
from engine.vocabulary.plan import Plan, PlanRefused, Policy, Shortfall
from engine.vocabulary.worker import Layout
from tests.fakes.states.cluster_pieces import CUDA_ID, a_plan
from tests.fakes.states.cluster_states import plan_shown

TOO_MUCH = "Your split puts 46 layers on this-machine/cuda:0: 14.9 GB where 10.3 GB are safe, 4.6 GB too much."


def split_by_hand() -> ClusterState:
    """The first boundary was moved from layer 22 to 20."""
    plan = _moved_plan(20)
    return _with(plan, plan, 20, largest_context_tokens=16384)


def split_too_far() -> ClusterState:
    """The first boundary was moved to layer 4: too much for cuda:0."""
    plan = _moved_plan(4)
    over = Shortfall(worker_id=CUDA_ID, needed_bytes=14_900_000_000, safe_bytes=10_300_000_000, sentence=TOO_MUCH)
    refused = PlanRefused(
        policy=Policy.FASTEST,
        layout=Layout.PER_DEVICE,
        reasons=(TOO_MUCH,),
        shortfalls=(over,),
        wished=plan.used_workers,
    )
    return _with(plan, refused, 4, largest_context_tokens=None)


def _moved_plan(layer: int) -> Plan:
    base = plan_shown()
    assert isinstance(base.plan, Plan)
    split = moved_boundary(seats_of_workers(base.plan.used_workers), 0, layer)
    return a_plan(base.offers, tuple(count for _, count in split.seats), decode=17.1, prefill=501.0)


def _with(plan: Plan, result: Plan | PlanRefused, layer: int, *, largest_context_tokens: int | None) -> ClusterState:
    base = plan_shown()
    assert isinstance(base.plan, Plan)
    split = moved_boundary(seats_of_workers(base.plan.used_workers), 0, layer)
    added = PlanVariant(
        policy=Policy.FASTEST,
        layout=Layout.PER_DEVICE,
        result=result,
        given=split,
        largest_context_tokens=largest_context_tokens,
    )
    choices = replace(base.choices, given=split, shape=plan.shape)
    return replace(base, choices=choices, plan=result, variants=(*base.variants, added))
