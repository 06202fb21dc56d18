"""Whether the coordinator's own devices are better used by llama-server itself than through an rpc-server on the loopback.

Three ways are searched and the fastest predicted one is taken, on a tie the one with fewer processes:

- every device through an rpc-server
- the coordinator's GPUs natively, all others through rpc-servers
- the whole model on the coordinator's CPU, natively and alone: no hop, and weights repacked for the CPU's own kernels, which
  llama.cpp does for no remote device (measured 13 % of a token with one worker)

Rejected: a native CPU beside other devices. llama.cpp has no CPU among its devices: ``-ngl`` below all keeps the *first*
layers there and never the last, and it stops pipelining. A CPU that shares the model goes on through its rpc-server.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from engine.planning.costs.layer_costs import compute_at
from engine.planning.device_order import device_order
from engine.planning.fastest.fastest_placement import Fastest, fastest_placement
from engine.planning.seats import Budgets, budgets_of
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.plan import Optimality, PlanRequest
from engine.vocabulary.worker import WorkerId, WorkerOffer

TIE = 1e-3
"""Relative: no person sees so small a difference, but they see a process less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One of the ways and its fastest plan."""

    budgets: Budgets
    """Its request holds the offers as this way uses them."""
    fastest: Fastest


def fastest_way(budgets: Budgets, order: Sequence[WorkerOffer]) -> Way | None:
    """The fastest plan over all ways; ``None`` when none fits. Every offer must have a speed (``ValueError``)."""
    request = budgets.request
    if not all(_knows_prompts(offer, request) for offer in order):
        request = replace(request, prompt_share=0.0)  # so that all ways are judged by the same measure
    natives = [offer for offer in _usable_natives(request) if _knows_prompts(offer, request)]
    found = [way for way in _ways(replace(budgets, request=request), order, natives) if way is not None]
    if not found:
        return None
    least = min(way.fastest.seconds for way in found)
    chosen = [way for way in found if way.fastest.seconds <= least * (1.0 + TIE)][-1]
    optimality = _optimality(chosen, found)
    return replace(chosen, fastest=replace(chosen.fastest, optimality=optimality))


def not_measured_natively(request: PlanRequest) -> tuple[WorkerId, ...]:
    """Workers whose speed was measured over RPC and not in llama-server itself: whether that is faster cannot be told."""
    measured = {offer.id for offer in request.offers if offer.speed is not None and offer.speed.measured}
    return tuple(
        offer.id
        for offer in request.native_offers
        if offer.id in measured and (offer.speed is None or not offer.speed.measured)
    )


def _ways(budgets: Budgets, order: Sequence[WorkerOffer], natives: Sequence[WorkerOffer]) -> Iterator[Way | None]:
    """In the order of fewer and fewer processes."""
    yield _way(budgets, order)
    gpus = [offer for offer in natives if offer.kind is DeviceKind.GPU]
    if gpus:
        mixed = budgets_of(with_natives(budgets.request, {gpu.id for gpu in gpus}))
        yield _way(mixed, device_order(mixed.request))
    for cpu in natives:
        if cpu.kind is DeviceKind.CPU:
            yield _way(budgets_of(with_natives(budgets.request, {cpu.id})), (cpu,))


def _way(budgets: Budgets, order: Sequence[WorkerOffer]) -> Way | None:
    fastest = fastest_placement(budgets, order)
    return None if fastest is None else Way(budgets=budgets, fastest=fastest)


def with_natives(request: PlanRequest, ids: Collection[WorkerId]) -> PlanRequest:
    """The request with these of its workers as llama-server would use them itself, where there are such."""
    by_id = {offer.id: offer for offer in request.native_offers if offer.id in ids}
    return replace(request, offers=tuple(by_id.get(offer.id, offer) for offer in request.offers))


def _usable_natives(request: PlanRequest) -> tuple[WorkerOffer, ...]:
    """Those whose worker takes part and whose speed is known as its speed over RPC is: a measured figure beside a data
    sheet's says nothing about which way is faster."""
    measured = {offer.id: offer.speed.measured for offer in request.offers if offer.speed is not None}
    return tuple(
        offer for offer in request.native_offers if offer.speed is not None and measured.get(offer.id) is offer.speed.measured
    )


def _knows_prompts(offer: WorkerOffer, request: PlanRequest) -> bool:
    if not request.prompt_share:
        return True
    return offer.speed is not None and compute_at(offer.speed, request.shape.ubatch_tokens) is not None


def _optimality(chosen: Way, found: Sequence[Way]) -> Optimality:
    """Against what no way can beat. A tie counts as the best, as another order of devices does."""
    judged = [way.fastest.optimality for way in found]
    if all(each.proven for each in judged):
        return Optimality(proven=True)
    if any(each.gap is None and not each.proven for each in judged):
        return Optimality(proven=False)
    bound = min(way.fastest.seconds * (1.0 - (way.fastest.optimality.gap or 0.0)) for way in found)
    return Optimality(proven=False, gap=max(0.0, 1.0 - bound / chosen.fastest.seconds) if chosen.fastest.seconds else 0.0)
