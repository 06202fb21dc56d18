"""Over all orders: what it finds is better than the ceiling, and what it says of the rest holds."""

from __future__ import annotations

import pytest

from engine.planning.fastest.any_order import AnyOrder
from engine.vocabulary.plan import PlanRequest
from tests.engine.planning.fastest.random_clusters import random_cluster
from tests.engine.planning.fastest.test_search_space import space_of
from tests.engine.planning.planning_cases import model_of, offer


def test_it_finds_the_only_order_that_fits() -> None:
    offers = (offer("small", safe=2, gb_per_s=1), offer("large", safe=9, gb_per_s=1), offer("middle", safe=6, gb_per_s=1))
    found, bound = AnyOrder(space_of(PlanRequest(model=model_of(5, 2, 9), offers=offers)), float("inf")).best()
    assert found is not None
    assert [seat.device for seat in found.seats] == [2, 0, 1]
    assert bound == pytest.approx(found.seconds)


def test_there_is_nothing_below_the_optimum() -> None:
    space = space_of(random_cluster(4, n_workers=6, n_layers=14, equal=False))
    found, bound = AnyOrder(space, float("inf")).best()
    assert found is not None
    assert bound == pytest.approx(found.seconds)
    assert AnyOrder(space, found.seconds).best() == (None, found.seconds)


def test_beyond_its_reach_it_says_what_it_may_miss() -> None:
    space = space_of(random_cluster(0, n_workers=64, n_layers=20, equal=False))
    found, bound = AnyOrder(space, 1e9).best()
    assert found is None
    assert 0.0 < bound < 1e9
