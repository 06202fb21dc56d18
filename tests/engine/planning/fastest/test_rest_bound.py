"""What the rest costs at least is never more than what it costs."""

from __future__ import annotations

import numpy as np
import pytest

from engine.planning.fastest.any_order import AnyOrder
from engine.planning.fastest.rest_bound import RestBound
from tests.engine.planning.fastest.random_clusters import random_cluster
from tests.engine.planning.fastest.test_search_space import space_of


@pytest.mark.parametrize("prompt_share", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(10))
def test_it_is_below_the_rest_of_the_optimum_everywhere(seed: int, prompt_share: float) -> None:
    space = space_of(random_cluster(seed, n_workers=6, n_layers=14, equal=False, prompt_share=prompt_share))
    found, _ = AnyOrder(space, float("inf")).best()
    if found is None:
        return
    kinds = space.kinds
    kind_of = {place: number for number, kind in enumerate(kinds) for place in kind.places}
    for blend in space.blends:
        every = [space.sums(kind.device, blend) for kind in kinds]
        bound = RestBound(space, kinds, every)
        costs = []
        for seat in found.seats:
            sums = every[kind_of[seat.device]]
            is_last = seat is found.seats[-1]
            before, charge = (sums.last_before, sums.last_charge) if is_last else (sums.before, sums.charge)
            costs.append(before[seat.end] - before[seat.first] + charge)
        taken = np.zeros((1, len(kinds)), dtype=np.int64)
        for place, seat in enumerate(found.seats):
            assert bound.of(taken)[seat.first, 0] <= sum(costs[place:]) * (1 + 1e-9)
            taken[0, kind_of[seat.device]] += 1


def test_nothing_is_left_to_take_the_rest() -> None:
    space = space_of(random_cluster(1, n_workers=3, n_layers=6, equal=False))
    bound = RestBound(space, space.kinds, [space.sums(kind.device, space.blends[0]) for kind in space.kinds])
    everything = np.array([[len(kind.places) for kind in space.kinds]])
    assert bound.of(everything)[0, 0] > 100 * bound.at_start()
