"""Given: exactly the split that was said, or the sentences why it cannot be.

What does not fit is refused together with its shares, reckoned exactly as those of a plan: bars and sentences show one figure.
Rejected: bending it until it fits (it is asked for to compare or to reproduce: another split would answer another question).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.planning.seats import Budgets, Placement, shares_of
from engine.planning.words.amounts import amount, layers_in_words, listed
from engine.vocabulary.plan import GivenSplit, PlannedWorker, PlanRefused, Shortfall


def given_placement(budgets: Budgets, given: GivenSplit) -> Placement | PlanRefused:
    """The placement, refused when a worker is missing or named twice, the layers do not add up, or somebody is over safe
    memory."""
    offers = {offer.id: offer for offer in budgets.request.offers}
    missing = [id_ for id_, _ in given.seats if id_ not in offers]
    if missing:
        return _refused(
            budgets, f"{given.name} needs {listed(missing)}, which {'is' if len(missing) == 1 else 'are'} not here."
        )
    twice = list(dict.fromkeys(id_ for id_, _ in given.seats if sum(other == id_ for other, _ in given.seats) > 1))
    if twice:  # each share alone could fit, and both together not
        return _refused(budgets, f"{given.name} names {listed(twice)} more than once: every worker holds one run of layers.")
    last = len(given.seats) - 1
    seats = tuple((offers[id_], n) for place, (id_, n) in enumerate(given.seats) if n or place == last)
    placed = sum(n for _, n in seats)
    if not seats or placed != budgets.n_layers or any(n < 0 for _, n in seats):
        return _refused(budgets, f"{given.name} places {layers_in_words(placed)} and the model has {budgets.n_layers}.")
    if len(seats) > budgets.request.max_devices:
        return _refused(
            budgets, f"{given.name} uses {len(seats)} devices and llama.cpp takes {budgets.request.max_devices} at most."
        )
    wished = shares_of(budgets, Placement(seats=seats))
    shortfalls = tuple(_shortfalls(budgets, given, wished))
    if shortfalls:
        reasons = tuple(shortfall.sentence for shortfall in shortfalls)
        return replace(_refused(budgets, *reasons), shortfalls=shortfalls, wished=wished)
    return Placement(seats=seats)


def _shortfalls(budgets: Budgets, given: GivenSplit, wished: tuple[PlannedWorker, ...]) -> Iterator[Shortfall]:
    for worker in wished:
        needed, usable = worker.needed_bytes, budgets.usable_of(worker.offer)
        if needed > usable:
            share = layers_in_words(worker.n_layers) + (" and the output head" if worker.holds_output else "")
            sentence = (
                f"{given.name} puts {share} on {worker.id}: {amount(needed)} where {amount(usable)} are safe, "
                f"{amount(needed - usable)} too much."
            )
            yield Shortfall(worker_id=worker.id, needed_bytes=needed, safe_bytes=usable, sentence=sentence)


def _refused(budgets: Budgets, *reasons: str) -> PlanRefused:
    return PlanRefused(policy=budgets.request.policy, layout=budgets.request.layout, reasons=reasons)
