"""The best in the listed order."""

from __future__ import annotations

from engine.planning.fastest.listed_order import ListedOrder
from engine.vocabulary.plan import PlanRequest
from tests.engine.planning.fastest.test_search_space import space_of
from tests.engine.planning.planning_cases import GB, model_of, offer


def seats_of(request: PlanRequest) -> list[tuple[str, int, int]]:
    space = space_of(request)
    found = ListedOrder(space).best()
    assert found is not None
    assert found.bound <= found.seconds
    return [(space.offers[seat.device].id, seat.first, seat.end) for seat in found.seats]


def test_it_keeps_the_order_and_fills_the_fast_ones() -> None:
    offers = (
        offer("slow", safe=9 * GB, gb_per_s=10),
        offer("fast", safe=2 * GB, gb_per_s=100),
        offer("end", safe=3 * GB, gb_per_s=90),
    )
    assert seats_of(PlanRequest(model=model_of(*[GB] * 6), offers=offers)) == [
        ("slow/cpu", 0, 1),
        ("fast/cpu", 1, 3),
        ("end/cpu", 3, 6),
    ]


def test_the_last_device_brings_its_machines_others_with_it() -> None:
    offers = (
        offer("a", "cpu", safe=GB, gb_per_s=50),
        offer("a", "cuda:0", safe=9 * GB // 2, gb_per_s=900),
        offer("b", safe=GB, gb_per_s=50),
    )
    request = PlanRequest(model=model_of(*[GB] * 4, head=2 * GB), offers=offers)
    assert seats_of(request) == [("b/cpu", 0, 1), ("a/cpu", 1, 2), ("a/cuda:0", 2, 4)]


def test_on_ties_the_listed_last_device_holds_the_output() -> None:
    offers = tuple(offer(f"m{i}", safe=2 * GB, gb_per_s=10) for i in range(4))
    assert [name for name, _, _ in seats_of(PlanRequest(model=model_of(*[GB] * 4), offers=offers))] == ["m0/cpu", "m3/cpu"]


def test_it_counts_devices_only_where_the_limit_binds() -> None:
    offers = tuple(offer(f"m{i}", safe=(1 + (i == 1)) * GB, gb_per_s=100 - 50 * (i == 1)) for i in range(4))
    request = PlanRequest(model=model_of(*[GB] * 3), offers=offers, max_devices=2)
    assert [name for name, _, _ in seats_of(request)] == ["m1/cpu", "m3/cpu"]
    assert ListedOrder(space_of(PlanRequest(model=model_of(*[GB] * 3), offers=offers, max_devices=1))).best() is None
