"""A boundary moved by hand: where it may stand, and what split it makes."""

import pytest

from engine.planning.policies.moved_boundary import YOURS, boundaries_of, moved_boundary, reach_of, seats_of_workers
from engine.planning.split_layers import split_layers
from engine.vocabulary.plan import Plan, PlanRefused, PlanRequest
from engine.vocabulary.worker import WorkerId
from tests.engine.planning.planning_cases import GB, model_of, offer

A, B, C = (WorkerId(f"{name}/cpu") for name in "abc")
SEATS = ((A, 4), (B, 3), (C, 3))


def counts(boundary: int, layer: int, seats=SEATS) -> tuple[int, ...]:
    split = moved_boundary(seats, boundary, layer)
    assert split.name == YOURS
    assert [worker for worker, _ in split.seats] == [worker for worker, _ in seats]
    return tuple(count for _, count in split.seats)


def test_boundaries_stand_between_workers():
    assert boundaries_of(SEATS) == (4, 7)
    assert boundaries_of(((A, 10),)) == ()


def test_a_move_gives_layers_to_one_neighbour_and_takes_them_from_the_other():
    assert counts(0, 5) == (5, 2, 3)
    assert counts(0, 3) == (3, 4, 3)
    assert counts(1, 6) == (4, 2, 4)


def test_it_stops_one_layer_before_its_neighbours():
    assert reach_of(SEATS, 0) == (1, 6)
    assert counts(0, 9) == (6, 1, 3)
    assert counts(0, -5) == (1, 6, 3)
    assert counts(1, 0) == (4, 1, 5)


def test_the_last_worker_may_keep_the_output_head_alone():
    assert reach_of(SEATS, 1) == (5, 10)
    assert counts(1, 99) == (4, 6, 0)
    assert counts(1, 9, ((A, 4), (B, 6), (C, 0))) == (4, 5, 1)


def test_to_where_it_stands_is_the_same_split():
    assert moved_boundary(SEATS, 0, 4).seats == SEATS


def test_there_is_no_boundary_after_the_last_worker():
    with pytest.raises(IndexError):
        moved_boundary(SEATS, 2, 5)
    with pytest.raises(IndexError):
        moved_boundary(((A, 10),), 0, 5)


def test_every_place_in_reach_is_planned_exactly_or_refused_with_its_shares():
    model = model_of(*[1 * GB] * 10, head=1 * GB)
    offers = (offer("a", safe=5 * GB), offer("b", safe=5 * GB), offer("c", safe=5 * GB))
    lowest, highest = reach_of(SEATS, 1)
    fitting = 0
    for layer in range(lowest, highest + 1):
        split = moved_boundary(SEATS, 1, layer)
        result = split_layers(PlanRequest(model=model, offers=offers, given=split))
        workers = result.used_workers if isinstance(result, Plan) else result.wished
        assert seats_of_workers(workers) == split.seats
        fitting += isinstance(result, Plan)
        if isinstance(result, PlanRefused):
            assert {shortfall.worker_id for shortfall in result.shortfalls} <= {B, C}
    assert 0 < fitting < highest + 1 - lowest
