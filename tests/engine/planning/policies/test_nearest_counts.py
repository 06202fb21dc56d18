"""The nearest split that memory allows, against all splits that there are."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from engine.planning.policies.nearest_counts import nearest_counts
from engine.planning.seats import Budgets, budgets_of
from engine.vocabulary.plan import PlanRequest, Policy
from tests.engine.planning.planning_cases import model_of, offer


def test_no_split_that_fits_is_nearer() -> None:
    dice, found = random.Random(3), 0
    for _round in range(150):
        model = model_of(*(dice.randint(0, 9) for _layer in range(dice.randint(1, 7))), head=dice.randint(0, 5))
        offers = tuple(offer(name, safe=dice.randint(0, 25)) for name in "abc"[: dice.randint(1, 3)])
        budgets = budgets_of(PlanRequest(model=model, offers=offers, policy=Policy.EVEN, coordinator_machine=None))
        wanted = [dice.randint(0, 7) for _offer in offers]
        costs = [_cost(counts, wanted) for counts in _splits(model.n_layers, len(offers)) if _fits(budgets, counts)]
        placement = nearest_counts(budgets, offers, wanted)
        assert (placement is None) == (not costs)
        if placement is not None:
            held = dict(placement.seats)
            counts = [held.get(each, 0) for each in offers]
            assert _fits(budgets, counts)
            assert _cost(counts, wanted) == min(costs)
            found += 1
    assert found > 50


def _cost(counts: Sequence[int], wanted: Sequence[int]) -> int:
    return sum((count - each) ** 2 for count, each in zip(counts, wanted, strict=True))


def _splits(n_layers: int, n_devices: int) -> Iterator[tuple[int, ...]]:
    if n_devices == 1:
        yield (n_layers,)
        return
    for count in range(n_layers + 1):
        yield from ((count, *rest) for rest in _splits(n_layers - count, n_devices - 1))


def _fits(budgets: Budgets, counts: Sequence[int]) -> bool:
    """Nobody over budget; who holds nothing needs nothing, but for the last one, which has the output."""
    before, first, offers = budgets.needs.bytes_before, 0, budgets.request.offers
    for place, (each, count) in enumerate(zip(offers, counts, strict=True)):
        is_last = place == len(offers) - 1
        budget = budgets.for_layers_with_output(each) if is_last else budgets.for_layers(each)
        if (count or is_last) and before[first + count] - before[first] > budget:
            return False
        first += count
    return True
