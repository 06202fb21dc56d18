"""Four ways to run one model on the same machines, side by side: traditional, hybrid, llama.cpp's default, fastest.

What ``fastest`` finds over all workers is never predicted slower than over the traditional ones: those are among them.
"""

from __future__ import annotations

from dataclasses import replace

from engine.planning.comparing.all_workers import all_workers_split
from engine.planning.comparing.default_split import default_split
from engine.planning.comparing.largest_context import largest_context
from engine.planning.comparing.worker_worth import worths
from engine.planning.seats import budgets_of
from engine.planning.split_layers import split_layers
from engine.planning.words.refusal import refuse, refuse_without_workers
from engine.vocabulary.comparison import Approach, Comparison, ComparisonRow
from engine.vocabulary.plan import MAX_DEVICES, GivenSplit, Plan, PlanRefused, PlanRequest, Policy
from engine.vocabulary.worker import Layout, WorkerOffer


def compare(request: PlanRequest, traditional_offers: tuple[WorkerOffer, ...]) -> Comparison:
    """``request.offers``: all workers, one per device; ``traditional_offers``: one per machine. Its policy does not matter."""
    request = replace(request, policy=Policy.FASTEST, layout=Layout.PER_DEVICE, given=None)
    fastest = split_layers(request)
    traditional = replace(request, offers=traditional_offers, layout=Layout.TRADITIONAL)
    hybrid_row = _row(Approach.HYBRID, request, _planned(request, hybrid_split(request)))
    rows = (
        _row(Approach.TRADITIONAL, traditional, split_layers(traditional)),
        hybrid_row,
        _default_row(request),
        replace(hybrid_row, approach=Approach.FASTEST, result=fastest),
    )
    return Comparison(rows=rows, workers=worths(request, fastest))


def hybrid_split(request: PlanRequest) -> GivenSplit | PlanRefused:
    """Every worker at work, or why not."""
    if not request.offers:
        return refuse_without_workers(request)
    return all_workers_split(request) or refuse(budgets_of(request))


def llama_cpp_split(request: PlanRequest) -> GivenSplit | PlanRefused:
    """As llama.cpp would split; refused beyond its own limit of devices."""
    if not request.offers:
        return refuse_without_workers(request)
    if len(request.offers) > MAX_DEVICES:
        reason = f"llama.cpp ends with an error when it is given {len(request.offers)} devices: {MAX_DEVICES} is the most."
        return PlanRefused(policy=request.policy, layout=request.layout, reasons=(reason,))
    return default_split(request.model.n_layers, request.offers)


def _planned(request: PlanRequest, split: GivenSplit | PlanRefused) -> Plan | PlanRefused:
    """A given split may still be over somebody's safe memory: then it is refused in words."""
    return split if isinstance(split, PlanRefused) else split_layers(replace(request, given=split))


def _default_row(request: PlanRequest) -> ComparisonRow:
    split = llama_cpp_split(request)
    context = None if isinstance(split, PlanRefused) else largest_context(replace(request, given=split))
    return ComparisonRow(
        approach=Approach.LLAMA_CPP,
        result=_planned(request, split),
        usable_bytes=usable_bytes_of(request),
        largest_context_tokens=context,
    )


def _row(approach: Approach, request: PlanRequest, result: Plan | PlanRefused) -> ComparisonRow:
    context = largest_context(request) if request.offers else None
    usable = usable_bytes_of(request)
    return ComparisonRow(approach=approach, result=result, usable_bytes=usable, largest_context_tokens=context)


def usable_bytes_of(request: PlanRequest) -> int:
    """Safe memory of all its workers. Workers that share one RAM were given parts of it, so their sum is the RAM once."""
    return sum(usable for _, usable in budgets_of(request).usable)
