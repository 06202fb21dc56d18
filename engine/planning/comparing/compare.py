"""Four ways to run one model on the same machines, side by side: traditional, hybrid, llama.cpp's default, fastest.

What ``fastest`` finds over all workers is never predicted slower than over the traditional ones: those are among them.
"""

from __future__ import annotations

from dataclasses import replace

from engine.planning.comparing.all_workers import all_workers_split
from engine.planning.comparing.default_split import default_split
from engine.planning.comparing.largest_context import largest_context
from engine.planning.comparing.worker_worth import worths
from engine.planning.refusal import refuse
from engine.planning.seats import budgets_of
from engine.planning.split_layers import split_layers
from engine.vocabulary.comparison import Approach, Comparison, ComparisonRow
from engine.vocabulary.plan import MAX_DEVICES, Plan, PlanRefused, PlanRequest, Policy
from engine.vocabulary.worker import Layout, WorkerOffer


def compare(request: PlanRequest, traditional_offers: tuple[WorkerOffer, ...]) -> Comparison:
    """``request.offers``: all workers, one per device; ``traditional_offers``: one per machine. Its policy does not matter."""
    request = replace(request, policy=Policy.FASTEST, layout=Layout.PER_DEVICE, given=None)
    fastest = split_layers(request)
    traditional = replace(request, offers=traditional_offers, layout=Layout.TRADITIONAL)
    hybrid_row = _row(Approach.HYBRID, request, hybrid_plan(request))
    rows = (
        _row(Approach.TRADITIONAL, traditional, split_layers(traditional)),
        hybrid_row,
        _default_row(request),
        replace(hybrid_row, approach=Approach.FASTEST, result=fastest),
    )
    return Comparison(rows=rows, workers=worths(request, fastest))


def hybrid_plan(request: PlanRequest) -> Plan | PlanRefused:
    """Every worker at work."""
    split = all_workers_split(request) if request.offers else None
    if split is None:
        return refuse(budgets_of(request)) if request.offers else split_layers(request)
    return split_layers(replace(request, given=split))


def default_plan(request: PlanRequest) -> Plan | PlanRefused:
    """As llama.cpp would split, refused where that goes over safe memory or over its own limit of devices."""
    if not request.offers:
        return split_layers(request)
    if len(request.offers) > MAX_DEVICES:
        reason = f"llama.cpp ends with an error when it is given {len(request.offers)} devices: {MAX_DEVICES} is the most."
        return PlanRefused(policy=request.policy, layout=request.layout, reasons=(reason,))
    return split_layers(replace(request, given=default_split(request.model.n_layers, request.offers)))


def _default_row(request: PlanRequest) -> ComparisonRow:
    plan = default_plan(request)
    too_many = not request.offers or len(request.offers) > MAX_DEVICES
    given = None if too_many else default_split(request.model.n_layers, request.offers)
    context = None if given is None else largest_context(replace(request, given=given))
    return ComparisonRow(
        approach=Approach.LLAMA_CPP, result=plan, usable_bytes=usable_bytes_of(request), largest_context_tokens=context
    )


def _row(approach: Approach, request: PlanRequest, result: Plan | PlanRefused) -> ComparisonRow:
    context = largest_context(request) if request.offers else None
    usable = usable_bytes_of(request)
    return ComparisonRow(approach=approach, result=result, usable_bytes=usable, largest_context_tokens=context)


def usable_bytes_of(request: PlanRequest) -> int:
    """Safe memory of all its workers. Workers that share one RAM were given parts of it, so their sum is the RAM once."""
    return sum(usable for _, usable in budgets_of(request).usable)
