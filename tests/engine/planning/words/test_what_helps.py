"""Machines that are enough, the worker to add next, the one that helps least."""

from __future__ import annotations

from itertools import combinations

import pytest

from engine.planning.split_layers import split_layers
from engine.planning.words.what_helps import mix_tokens_per_second, smallest_set, with_each, without_each
from engine.vocabulary.plan import Plan, PlanRefused, PlanRequest
from engine.vocabulary.worker import Link
from tests.engine.planning.fastest.random_clusters import random_cluster
from tests.engine.planning.planning_cases import GB, model_of, offer

EIGHT_LAYERS = model_of(*[GB] * 8)
SLOW_LINK = Link(rtt_seconds=0.05, bytes_per_second=1e7)


def test_the_smallest_set_is_the_fewest_machines_and_of_those_the_fastest() -> None:
    offers = (
        offer("a", safe=3 * GB, gb_per_s=900),
        offer("b", safe=5 * GB, gb_per_s=10),
        offer("c", safe=5 * GB, gb_per_s=100),
        offer("d", safe=3 * GB, gb_per_s=50),
    )
    assert smallest_set(PlanRequest(model=EIGHT_LAYERS, offers=offers)) == ("a", "c")


def test_workers_of_one_machine_come_together() -> None:
    offers = (
        offer("a", safe=9 * GB, gb_per_s=1),
        offer("b", safe=4 * GB, gb_per_s=9),
        offer("b", "cuda:0", safe=5 * GB, gb_per_s=9),
    )
    assert smallest_set(PlanRequest(model=EIGHT_LAYERS, offers=offers)) == ("b",)


def test_there_is_no_set_when_all_machines_are_too_few() -> None:
    assert smallest_set(PlanRequest(model=EIGHT_LAYERS, offers=(offer("a", safe=7 * GB, gb_per_s=1),))) is None


@pytest.mark.parametrize("seed", range(12))
def test_no_smaller_set_has_a_plan(seed: int) -> None:
    request = random_cluster(seed, n_workers=6, n_layers=12, equal=True)
    chosen = smallest_set(request)
    if chosen is None:
        assert isinstance(split_layers(request), PlanRefused)
        return
    for machines in combinations(request.offers, len(chosen) - 1):
        assert isinstance(split_layers(PlanRequest(model=request.model, offers=machines)), PlanRefused)


def test_the_worker_that_helps_least_comes_first_and_one_that_is_needed_last() -> None:
    offers = (
        offer("needed", safe=6 * GB, gb_per_s=50),
        offer("helps", safe=3 * GB, gb_per_s=500),
        offer("idle", safe=3 * GB, gb_per_s=20),
    )
    found = without_each(PlanRequest(model=EIGHT_LAYERS, offers=offers))
    assert [each.worker_id for each in found] == ["idle/cpu", "helps/cpu", "needed/cpu"]
    assert found[0].gain_tokens_per_second == 0.0
    assert found[1].fits_without
    assert found[2].without_tokens_per_second is None
    assert not found[2].fits_without
    assert found[1].gain_tokens_per_second == pytest.approx(
        1 / (3 / 500 + 5 / 50 + 0.001) - 1 / (6 / 50 + 2 / 20 + 0.001), rel=0.01
    )


def test_the_worker_to_add_next_is_the_one_that_gains_most() -> None:
    request = PlanRequest(model=EIGHT_LAYERS, offers=(offer("here", safe=9 * GB, gb_per_s=50),))
    more = (
        offer("far", safe=9 * GB, gb_per_s=900, link=SLOW_LINK),
        offer("fast", safe=9 * GB, gb_per_s=900),
        offer("slow", safe=9 * GB, gb_per_s=10),
    )
    found = with_each(request, more)
    assert [each.worker_id for each in found] == ["fast/cpu", "far/cpu", "slow/cpu"]
    assert found[0].gain_tokens_per_second > found[1].gain_tokens_per_second > 0.0
    assert found[2].gain_tokens_per_second == 0.0


def test_a_worker_with_which_the_model_fits_at_last_gains_everything() -> None:
    request = PlanRequest(model=EIGHT_LAYERS, offers=(offer("here", safe=5 * GB, gb_per_s=50),))
    (found,) = with_each(request, (offer("more", safe=5 * GB, gb_per_s=50),))
    assert found.without_tokens_per_second is None
    assert found.gain_tokens_per_second == found.with_tokens_per_second


def test_the_rate_of_a_mix_is_the_harmonic_mean() -> None:
    request = PlanRequest(model=EIGHT_LAYERS, offers=(offer("here", safe=9 * GB, gb_per_s=50, tflops=1),), prompt_share=0.25)
    plan = split_layers(request)
    assert isinstance(plan, Plan)
    decode, prefill = plan.predicted.decode_tokens_per_second, plan.predicted.prefill_tokens_per_second
    assert decode is not None
    assert prefill is not None
    assert mix_tokens_per_second(plan, 0.25) == pytest.approx(1 / (0.75 / decode + 0.25 / prefill))
    assert mix_tokens_per_second(plan, 0.0) == pytest.approx(decode)


def test_what_is_not_known_is_not_made_up() -> None:
    request = PlanRequest(model=EIGHT_LAYERS, offers=(offer("here", safe=9 * GB),))
    assert mix_tokens_per_second(split_layers(request), 0.0) is None
    (found,) = without_each(request)
    assert found.gain_tokens_per_second == float("inf")
