"""Few sets or many: the bound is never above the optimum, and what is found is what was asked for."""

from __future__ import annotations

import pytest

from engine.planning.fastest.search_space import Seat
from engine.planning.fastest.sets_of_devices import SetSearch
from tests.engine.planning.fastest.random_clusters import random_cluster
from tests.engine.planning.fastest.test_search_space import space_of


def searched(seed: int, max_sets: int) -> tuple[float, float]:
    space = space_of(random_cluster(seed, n_workers=7, n_layers=15, equal=False))
    offered: list[tuple[Seat, ...]] = []
    bounds = SetSearch(space, space.blends[0]).run(lambda: float("inf"), max_sets, offered.append)
    for seats in offered:
        assert [seat.first for seat in seats] == [0, *[seat.end for seat in seats[:-1]]]
        assert len({seat.device for seat in seats}) == len(seats)
    return min((space.seconds(seats) for seats in offered), default=float("inf")), float(bounds.min())


@pytest.mark.parametrize("seed", range(10))
def test_few_sets_bound_what_all_sets_find(seed: int) -> None:
    best, exact = searched(seed, 10_000)
    assert exact == pytest.approx(best)
    some, bound = searched(seed, 3)
    assert bound <= best * (1 + 1e-9)
    assert some >= best * (1 - 1e-9)
