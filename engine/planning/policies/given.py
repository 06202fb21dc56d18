"""Given: exactly the split that was said, or the sentences why it cannot be.

Rejected: bending it until it fits (it is asked for to compare or to reproduce: another split would answer another question).
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.planning.amounts import amount, layers_in_words, listed
from engine.planning.seats import Budgets, Placement
from engine.vocabulary.plan import GivenSplit, PlanRefused, Shortfall
from engine.vocabulary.worker import WorkerOffer


def given_placement(budgets: Budgets, given: GivenSplit) -> Placement | PlanRefused:
    """The placement, refused when a worker is missing, the layers do not add up, or somebody is over safe memory."""
    offers = {offer.id: offer for offer in budgets.request.offers}
    missing = [id_ for id_, _ in given.seats if id_ not in offers]
    if missing:
        return _refused(
            budgets, f"{given.name} needs {listed(missing)}, which {'is' if len(missing) == 1 else 'are'} not here."
        )
    last = len(given.seats) - 1
    seats = tuple((offers[id_], n) for place, (id_, n) in enumerate(given.seats) if n or place == last)
    placed = sum(n for _, n in seats)
    if not seats or placed != budgets.n_layers or any(n < 0 for _, n in seats):
        return _refused(budgets, f"{given.name} places {layers_in_words(placed)} and the model has {budgets.n_layers}.")
    if len(seats) > budgets.request.max_devices:
        return _refused(
            budgets, f"{given.name} uses {len(seats)} devices and llama.cpp takes {budgets.request.max_devices} at most."
        )
    shortfalls = tuple(_shortfalls(budgets, given, seats))
    if shortfalls:
        return _refused(budgets, *(shortfall.sentence for shortfall in shortfalls), shortfalls=shortfalls)
    return Placement(seats=seats)


def _shortfalls(budgets: Budgets, given: GivenSplit, seats: tuple[tuple[WorkerOffer, int], ...]) -> Iterator[Shortfall]:
    first = 0
    for place, (offer, count) in enumerate(seats):
        is_last = place == len(seats) - 1
        needed = _needed(budgets, first, count, is_last=is_last, alone=len(seats) == 1)
        first += count
        usable = budgets.usable_of(offer)
        if needed > usable:
            share = layers_in_words(count) + (" and the output head" if is_last else "")
            sentence = f"{given.name} puts {share} on {offer.id}: {amount(needed)} where {amount(usable)} are safe."
            yield Shortfall(worker_id=offer.id, needed_bytes=needed, safe_bytes=usable, sentence=sentence)


def _needed(budgets: Budgets, first: int, count: int, *, is_last: bool, alone: bool) -> int:
    needs = budgets.needs
    layers = needs.bytes_before[first + count] - needs.bytes_before[first]
    if alone:
        return layers + needs.head_bytes + needs.alone_compute_bytes
    return layers + (needs.head_bytes + needs.output_compute_bytes if is_last else needs.layer_compute_bytes)


def _refused(budgets: Budgets, *reasons: str, shortfalls: tuple[Shortfall, ...] = ()) -> PlanRefused:
    request = budgets.request
    return PlanRefused(policy=request.policy, layout=request.layout, reasons=reasons, shortfalls=shortfalls)
