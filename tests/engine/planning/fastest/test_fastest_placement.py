"""The fastest policy against brute force, and its limits."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.planning.costs.cost_model import decode_seconds
from engine.planning.device_order import device_order
from engine.planning.fastest.fastest_placement import WORTH_ANOTHER_ORDER, fastest_placement
from engine.planning.seats import budgets_of
from engine.planning.split_layers import split_layers
from engine.vocabulary.plan import MAX_DEVICES, Optimality, Plan, PlannedWorker, PlanRefused, PlanRequest
from engine.vocabulary.worker import Link
from tests.engine.planning.planning_cases import GB, model_of, offer


def brute_force_seconds(request: PlanRequest) -> float | None:
    """Every set of devices, every order, every way to cut: no buffers in these models, so budgets are plain."""
    sizes = [layer.weights_bytes for layer in request.model.layers]
    best = None
    for count in range(1, len(request.offers) + 1):
        for order in permutations(request.offers, count):
            for cuts in combinations(range(1, len(sizes) + 1), count - 1):
                edges = [0, *cuts, len(sizes)]
                workers = [
                    PlannedWorker(
                        offer=made,
                        first_layer=first if end > first else None,
                        n_layers=end - first,
                        holds_output=position == count - 1,
                        weights_bytes=sum(sizes[first:end]) + (request.model.head_bytes if position == count - 1 else 0),
                        kv_bytes=0,
                        compute_bytes=0,
                    )
                    for position, (made, first, end) in enumerate(zip(order, edges, edges[1:], strict=False))
                ]
                if any(worker.needed_bytes > worker.offer.safe_bytes for worker in workers):
                    continue
                seconds = decode_seconds(workers, request.model, request.shape)
                assert seconds is not None
                best = seconds if best is None else min(best, seconds)
    return best


@st.composite
def small_requests(draw: st.DrawFn) -> PlanRequest:
    offers = tuple(
        offer(
            f"m{index}",
            safe=draw(st.integers(0, 25)),
            gb_per_s=draw(st.sampled_from((1e-6, 2e-6, 5e-6))),
            link=draw(st.sampled_from((None, Link(rtt_seconds=0.002, bytes_per_second=1e7)))),
        )
        for index in range(draw(st.integers(1, 4)))
    )
    layers = draw(st.lists(st.integers(1, 8), min_size=1, max_size=6))
    return PlanRequest(model=model_of(*layers, head=draw(st.integers(0, 10)), n_vocab=5000), offers=offers)


@given(small_requests())
@settings(max_examples=150, deadline=None)
def test_it_agrees_with_brute_force(request: PlanRequest) -> None:
    best = brute_force_seconds(request)
    result = split_layers(request)
    if best is None:
        assert isinstance(result, PlanRefused)
        return
    assert isinstance(result, Plan)
    rate = result.predicted.decode_tokens_per_second
    assert rate is not None
    assert 1 / rate <= best * (1 + 2 * WORTH_ANOTHER_ORDER)
    assert 1 / rate >= best * (1 - 1e-9)


def test_equal_layers_are_optimal_beyond_the_small_cases() -> None:
    """Fastest first until it is full is optimal for equal layers when no device costs anything by itself."""
    offers = tuple(offer(f"m{i:02}", safe=(3 + i % 4) * GB, gb_per_s=10 + i, overhead=0.0) for i in range(14))
    plan = split_layers(PlanRequest(model=model_of(*[GB] * 20), offers=offers))
    assert isinstance(plan, Plan)
    left, best = 20, 0.0
    for made in reversed(offers):
        count = min(left, made.safe_bytes // GB)
        left -= count
        best += count * GB / (made.speed.read_bytes_per_second if made.speed else 1)
    assert plan.predicted.decode_tokens_per_second == pytest.approx(1 / best)


def test_it_never_uses_more_than_fifteen_devices() -> None:
    offers = tuple(offer(f"m{i:02}", safe=(5 if i % 2 else 4) * GB, gb_per_s=100 if i % 2 else 200) for i in range(30))
    plan = split_layers(PlanRequest(model=model_of(*[GB] * 70), offers=offers))
    assert isinstance(plan, Plan)
    assert len(plan.used_workers) == MAX_DEVICES
    assert isinstance(split_layers(PlanRequest(model=model_of(*[GB] * 76), offers=offers)), PlanRefused)


def test_identical_workers_count_together_so_that_any_order_stays_in_reach() -> None:
    offers = tuple(offer(f"m{i:02}", safe=7 * GB, gb_per_s=20) for i in range(14))
    layers = [GB + (i % 3) * GB // 4 for i in range(40)]
    plan = split_layers(PlanRequest(model=model_of(*layers), offers=offers))
    assert isinstance(plan, Plan)
    assert [worker.offer.safe_bytes >= worker.needed_bytes for worker in plan.used_workers] == [True] * len(plan.used_workers)


def test_another_order_is_found_when_only_that_fits() -> None:
    offers = (offer("small", safe=2, gb_per_s=1), offer("large", safe=9, gb_per_s=1), offer("middle", safe=6, gb_per_s=1))
    plan = split_layers(PlanRequest(model=model_of(5, 2, 9), offers=offers))
    assert isinstance(plan, Plan)
    assert [worker.id for worker in plan.used_workers] == ["middle/cpu", "small/cpu", "large/cpu"]


def test_the_order_of_the_request_is_kept_when_another_is_no_better() -> None:
    offers = tuple(offer(f"m{i}", safe=4, gb_per_s=1) for i in range(3))
    plan = split_layers(PlanRequest(model=model_of(2, 2, 1, 3, 4), offers=offers))
    assert isinstance(plan, Plan)
    assert [worker.id for worker in plan.used_workers] == ["m0/cpu", "m1/cpu", "m2/cpu"]


def test_a_worker_without_a_speed_is_not_its_business() -> None:
    request = PlanRequest(model=model_of(1), offers=(offer("a"),))
    with pytest.raises(ValueError, match="a/cpu"):
        fastest_placement(budgets_of(request), device_order(request))


def test_fewer_hops_win_over_a_slightly_faster_device() -> None:
    far = replace(offer("far", gb_per_s=12), link=Link(rtt_seconds=0.01, bytes_per_second=1e8))
    plan = split_layers(PlanRequest(model=model_of(*[GB // 100] * 8), offers=(offer("near", gb_per_s=10), far)))
    assert isinstance(plan, Plan)
    assert [worker.id for worker in plan.used_workers] == ["near/cpu"]


def test_without_a_compute_speed_prompts_do_not_count_and_the_plan_says_so() -> None:
    offers = (offer("a", safe=5, gb_per_s=1, tflops=1), offer("b", safe=5, gb_per_s=9))
    request = PlanRequest(model=model_of(2, 2), offers=offers)
    plan, documents = split_layers(request), split_layers(replace(request, prompt_share=1.0))
    assert isinstance(plan, Plan)
    assert isinstance(documents, Plan)
    assert documents.tensor_split == plan.tensor_split
    assert documents.notes[0] == "How fast b/cpu processes prompts is not known: planned for generated tokens alone."


def test_documents_take_the_device_that_computes_and_chat_the_one_that_reads() -> None:
    reads, computes = offer("reads", gb_per_s=900, tflops=1), offer("computes", gb_per_s=300, tflops=100)
    request = PlanRequest(model=model_of(*[GB // 10] * 8), offers=(reads, computes))
    chat, documents = split_layers(request), split_layers(replace(request, prompt_share=1.0))
    assert isinstance(chat, Plan)
    assert isinstance(documents, Plan)
    assert [worker.id for worker in chat.used_workers] == ["reads/cpu"]
    assert "computes/cpu" in [worker.id for worker in documents.used_workers]


def test_the_limit_on_devices_is_the_requests() -> None:
    offers = tuple(offer(f"m{i:02}", safe=GB, gb_per_s=10) for i in range(15))
    request = PlanRequest(model=model_of(*[GB] * 15), offers=offers)
    assert isinstance(split_layers(request), Plan)
    assert isinstance(split_layers(replace(request, max_devices=14)), PlanRefused)


def test_where_another_order_gains_next_to_nothing_the_listed_one_stays_and_counts_as_proven() -> None:
    offers = tuple(offer(f"m{i}", safe=14, gb_per_s=1 + i * 1e-5, overhead=0.0) for i in range(3))
    plan = split_layers(PlanRequest(model=model_of(5, 7, 8, 6), offers=offers))
    assert isinstance(plan, Plan)
    assert [worker.id for worker in plan.used_workers] == sorted(worker.id for worker in plan.used_workers)
    assert plan.optimality == Optimality(proven=True)
