"""Devices as arrays, and bounds that are never above the objective."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from engine.planning.device_order import device_order
from engine.planning.fastest.search_space import SearchSpace, Seat
from engine.planning.seats import budgets_of
from engine.vocabulary.plan import PlanRequest, RunShape
from tests.engine.planning.fastest.judged_clusters import cluster
from tests.engine.planning.fastest.placement_oracles import mix_seconds, share
from tests.engine.planning.planning_cases import model_of, offer


def space_of(request: PlanRequest) -> SearchSpace:
    return SearchSpace(budgets_of(request), device_order(request))


def any_seats(space: SearchSpace, random: Random) -> list[Seat]:
    count = random.randint(1, min(len(space.devices), space.n_layers))
    devices = random.sample(range(len(space.devices)), count)
    edges = [0, *sorted(random.sample(range(1, space.n_layers + 1), count - 1)), space.n_layers]
    return [Seat(device=d, first=a, end=b) for d, a, b in zip(devices, edges, edges[1:], strict=False)]


@pytest.mark.parametrize("seed", range(60))
def test_the_objective_is_the_cost_models_and_no_blend_is_above_it(seed: int) -> None:
    request, random = cluster(seed), Random(seed)
    space = space_of(request)
    seats = any_seats(space, random)
    last = len(seats) - 1
    workers = [share(request, space.offers[s.device], s.first, s.end, last=i == last) for i, s in enumerate(seats)]
    seconds = space.seconds(seats)
    host = 2e-9 * request.model.n_vocab * (1 - request.prompt_share)
    assert seconds + host == pytest.approx(mix_seconds(request, workers))
    for blend in space.blends:
        if not space.devices[seats[-1].device].applies(blend):
            continue
        total = 0.0
        for place, seat in enumerate(seats):
            sums = space.sums(space.devices[seat.device], blend)
            before, charge = (sums.last_before, sums.last_charge) if place == last else (sums.before, sums.charge)
            total += before[seat.end] - before[seat.first] + charge
        assert total <= seconds * (1 + 1e-12)


def test_devices_with_equal_figures_are_one_kind() -> None:
    offers = (offer("a", safe=5, gb_per_s=1), offer("b", safe=9, gb_per_s=1), offer("c", safe=5, gb_per_s=1))
    space = space_of(PlanRequest(model=model_of(1, 2), offers=offers))
    assert [kind.places for kind in space.kinds] == [(0, 2), (1,)]


def test_workers_that_share_memory_are_no_kind_with_others_where_prompts_count() -> None:
    made = [
        offer(machine, name, safe=5, gb_per_s=1, tflops=1) for machine, name in (("a", "cpu"), ("a", "cpu-1"), ("b", "cpu"))
    ]
    request = PlanRequest(model=model_of(1, 2), offers=tuple(made))
    assert len(space_of(request).kinds) == 1
    assert [kind.places for kind in space_of(replace(request, prompt_share=0.5)).kinds] == [(0, 1), (2,)]


def test_where_a_device_may_begin() -> None:
    space = space_of(PlanRequest(model=model_of(3, 1, 2, 4, head=1), offers=(offer("a", safe=4, gb_per_s=1),)))
    assert space.earliest(space.devices[0]).tolist() == [0, 0, 0, 1, 3]
    assert space.earliest_as_last(space.devices[0]) == 4
    assert not space.layers_are_equal


def test_prompts_do_not_count_where_a_compute_speed_is_not_known() -> None:
    offers = (offer("a", safe=5, gb_per_s=1, tflops=1), offer("b", safe=5, gb_per_s=1))
    assert space_of(PlanRequest(model=model_of(1), offers=offers, prompt_share=1.0)).prompt_share == 0.0


def documents(*workers: str, ubatch: int = 256, share: float = 1.0) -> SearchSpace:
    offers = tuple(offer(*worker.split("/"), gb_per_s=50, tflops=1) for worker in workers)
    shape = RunShape(ubatch_tokens=ubatch)
    return space_of(PlanRequest(model=model_of(1, 2, 1), offers=offers, prompt_share=share, shape=shape))


def test_one_sum_decides_for_documents_in_micro_batches_of_one_size() -> None:
    assert documents("a/cpu", "b/cpu").share_of_walks == pytest.approx(1 / 2)
    assert documents("a/cpu", "b/cpu", ubatch=128).share_of_walks == pytest.approx(1 / 4)


def test_no_one_sum_decides_for_mixes_rests_and_shared_memory() -> None:
    assert documents("a/cpu", "b/cpu", share=0.9).share_of_walks is None
    assert documents("a/cpu", "b/cpu", ubatch=200).share_of_walks is None
    assert documents("a/cpu", "b/cpu", ubatch=512).share_of_walks is None
    assert documents("a/cpu-0", "a/cpu-1").share_of_walks is None
