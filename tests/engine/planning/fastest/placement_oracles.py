"""Two judges of the planner that share no code with its search: brute force, and a mixed-integer programme for HiGHS.

They ask the cost model for seconds and the model for bytes, and know nothing of prefix sums, bounds or orders. For models
without buffers (``n_embd`` 0) and workers of their own machines and servers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import highspy

from engine.planning.costs.cost_model import decode_seconds, output_seconds, prefill_seconds, share_seconds
from engine.planning.costs.layer_costs import HEADLINE_PROMPT_TOKENS, layers_prefill_seconds, prefill_charge_seconds
from engine.vocabulary.plan import PlannedWorker, PlanRequest
from engine.vocabulary.worker import WorkerOffer


def share(request: PlanRequest, worker: WorkerOffer, first: int, end: int, *, last: bool) -> PlannedWorker:
    """A worker with the layers ``first .. end - 1``."""
    layers = sum(layer.weights_bytes for layer in request.model.layers[first:end])
    return PlannedWorker(
        offer=worker,
        first_layer=first if end > first else None,
        n_layers=end - first,
        holds_output=last,
        weights_bytes=layers + (request.model.head_bytes if last else 0),
        kv_bytes=0,
        compute_bytes=0,
    )


def mix_seconds(request: PlanRequest, workers: Sequence[PlannedWorker]) -> float:
    """Seconds per token of the mix that the request asks for, straight from the cost model."""
    decode = decode_seconds(workers, request.model, request.shape)
    assert decode is not None
    if not request.prompt_share:
        return decode
    prefill = prefill_seconds(workers, request.model, request.shape, HEADLINE_PROMPT_TOKENS)
    assert prefill is not None
    return (1 - request.prompt_share) * decode + request.prompt_share * prefill / HEADLINE_PROMPT_TOKENS


def brute_force_seconds(request: PlanRequest) -> float | None:
    """Every set of workers, every order, every way to cut; ``None`` = nothing fits."""
    placements = (workers for workers in _placements(request) if all(w.needed_bytes <= w.offer.safe_bytes for w in workers))
    return min((mix_seconds(request, workers) for workers in placements), default=None)


def _placements(request: PlanRequest) -> Iterator[list[PlannedWorker]]:
    n_layers = len(request.model.layers)
    for count in range(1, min(request.max_devices, len(request.offers)) + 1):
        for order in permutations(request.offers, count):
            for cuts in combinations(range(1, n_layers + 1), count - 1):
                edges = [0, *cuts, n_layers]
                yield [
                    share(request, worker, first, end, last=place == count - 1)
                    for place, (worker, first, end) in enumerate(zip(order, edges, edges[1:], strict=False))
                ]


@dataclass(frozen=True)
class Arc:
    """A worker that takes the layers ``first .. end - 1``; ``last``: the output too."""

    worker: int
    first: int
    end: int
    last: bool
    decode: float
    stage: float
    """Seconds of one full micro-batch."""


def arcs_of(request: PlanRequest) -> list[Arc]:
    """All that fit."""
    n_layers, found = len(request.model.layers), []
    for number, worker in enumerate(request.offers):
        for first in range(n_layers + 1):
            ends = [(end, False) for end in range(first + 1, n_layers + 1)] + [(n_layers, True)]
            for end, last in ends:
                planned = share(request, worker, first, end, last=last)
                if planned.needed_bytes <= worker.safe_bytes:
                    seconds = share_seconds(planned, request.model, request.shape)
                    assert seconds is not None
                    stage = stage_seconds(request, worker, first, end)
                    found.append(Arc(worker=number, first=first, end=end, last=last, decode=seconds, stage=stage))
    return found


def stage_seconds(request: PlanRequest, worker: WorkerOffer, first: int, end: int) -> float:
    """One full micro-batch; 0 where prompts do not count."""
    if not request.prompt_share:
        return 0.0
    tokens = request.shape.ubatch_tokens
    assert worker.speed is not None
    layers = layers_prefill_seconds(worker.speed, request.model, tokens)
    charge = prefill_charge_seconds(worker, request.model, tokens, cells=HEADLINE_PROMPT_TOKENS)
    assert layers is not None
    assert charge is not None
    return charge + sum(layers[first:end])


def highs_seconds(request: PlanRequest) -> float | None:
    """The optimum by HiGHS to a gap of 0: arcs form a path from layer 0 to the output, one arc per worker at most."""
    arcs = arcs_of(request)
    solver = highspy.Highs()
    solver.silent()
    for option in ("mip_rel_gap", "mip_abs_gap"):
        solver.setOptionValue(option, 0.0)
    solver.setOptionValue("threads", 1)
    weight = request.prompt_share / HEADLINE_PROMPT_TOKENS
    taken = [(solver.addBinary(obj=_arc_cost(request, arc, weight)), arc) for arc in arcs]
    if not any(arc.first == 0 for arc in arcs) or not any(arc.last for arc in arcs):
        return None
    _a_path(solver, taken, len(request.model.layers))
    _every_worker_once(solver, taken, request)
    if weight:
        _with_period(solver, taken, weight, request.shape.ubatch_tokens)
    solver.minimize()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        assert solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible
        return None
    values = solver.getSolution().col_value
    path = [arc for arc, value in zip(arcs, values, strict=False) if value > 0.5]
    path.sort(key=lambda arc: (arc.first, arc.last))
    return mix_seconds(
        request, [share(request, request.offers[arc.worker], arc.first, arc.end, last=arc.last) for arc in path]
    )


def _a_path(solver, taken, n_layers: int) -> None:
    for node in range(1, n_layers + 1):
        into = [x for x, arc in taken if arc.end == node and not arc.last]
        out = [x for x, arc in taken if arc.first == node]
        if into or out:
            solver.addConstr(solver.qsum(into) - solver.qsum(out) == 0)
    solver.addConstr(solver.qsum([x for x, arc in taken if arc.last]) == 1)
    solver.addConstr(solver.qsum([x for x, arc in taken if arc.first == 0]) == 1)


def _every_worker_once(solver, taken, request: PlanRequest) -> None:
    solver.addConstr(solver.qsum([x for x, _ in taken]) <= request.max_devices)
    for number in range(len(request.offers)):
        own = [x for x, arc in taken if arc.worker == number]
        if own:
            solver.addConstr(solver.qsum(own) <= 1)


def _with_period(solver, taken, weight: float, ubatch_tokens: int) -> None:
    """The period of the pipeline, in milliseconds: all but the last one, or the last one."""
    micro_batches, rest = divmod(HEADLINE_PROMPT_TOKENS, ubatch_tokens)
    assert not rest
    period = solver.addVariable(lb=0.0, obj=weight * (micro_batches - 1))
    for last in (True, False):
        side = [1000 * arc.stage * x for x, arc in taken if arc.last is last]
        if side:
            solver.addConstr(solver.qsum(side) - period <= 0)


def _arc_cost(request: PlanRequest, arc: Arc, weight: float) -> float:
    """In milliseconds: HiGHS's tolerances are absolute."""
    once = output_seconds(request.offers[arc.worker], request.model) if arc.last else 0.0
    return 1000 * ((1 - request.prompt_share) * arc.decode + weight * (arc.stage + once))
