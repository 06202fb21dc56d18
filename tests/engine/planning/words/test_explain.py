"""One sentence per worker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.planning.abstract_model import abstract_model
from engine.planning.split_layers import split_layers
from engine.planning.words.amounts import amount, layers_in_words, listed
from engine.planning.words.explain import gifts_of, how_sure, loss_if_used, sentence_about
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import Optimality, Plan, PlanRefused, PlanRequest, Policy
from engine.vocabulary.worker import WorkerOffer
from tests.engine.planning.planning_cases import GB, model_of, offer


def plan_of(model: ModelFacts, *offers: WorkerOffer, policy: Policy = Policy.EVEN) -> Plan:
    plan = split_layers(PlanRequest(model=model, offers=offers, policy=policy))
    assert isinstance(plan, Plan)
    return plan


def test_what_it_holds_and_its_part_of_the_time() -> None:
    plan = plan_of(
        model_of(*[GB // 10] * 10, head=GB // 10), offer("a", gb_per_s=10, overhead=0.0), offer("b", gb_per_s=20, overhead=0.0)
    )
    first, last = plan.workers
    assert sentence_about(first, plan) == "holds layers 0-4 (500 MB of 8.0 GB); 50.0 ms of the 80.0 ms that a token takes."
    assert sentence_about(last, plan).startswith("holds layers 5-9 and the output head (600 MB of 8.0 GB); 30.0 ms")


def test_a_single_layer_and_an_unknown_speed() -> None:
    plan = plan_of(model_of(GB), offer("a"))
    assert sentence_about(plan.workers[0], plan) == (
        "holds layer 0 and the output head (1.0 GB of 8.0 GB); its speed is not known yet."
    )


def test_layers_without_a_size() -> None:
    plan = plan_of(abstract_model(3), offer("a", gb_per_s=1))
    assert sentence_about(plan.workers[0], plan) == "holds layers 0-2 and the output head; its share of the time is not known."


def test_what_it_adds_and_what_it_costs() -> None:
    model = model_of(*[GB // 10] * 10)
    fast, slow = offer("a", "cuda:0", gb_per_s=100, overhead=0.0), offer("a", gb_per_s=10, overhead=0.0)
    plan = plan_of(model, slow, fast)
    without_cpu, without_gpu = plan_of(model, fast), plan_of(model, slow)
    cpu, card = plan.workers
    assert sentence_about(cpu, plan, without_cpu).endswith("; adds 8.0 GB of RAM and costs 81.8 tok/s.")
    assert sentence_about(card, plan, without_gpu).endswith("; adds 8.0 GB of GPU memory and gains 8.2 tok/s.")
    assert sentence_about(cpu, plan, plan).endswith("; adds 8.0 GB of RAM and costs no speed.")


def test_a_worker_that_is_needed_says_so() -> None:
    plan = plan_of(model_of(*[GB] * 10), offer("a"), offer("b"))
    refused = split_layers(PlanRequest(model=plan.model, offers=(offer("a"),), policy=Policy.EVEN))
    assert isinstance(refused, PlanRefused)
    assert sentence_about(plan.workers[0], plan, refused).endswith("; without it the model does not fit.")


def test_why_it_is_left_out() -> None:
    model = model_of(*[GB // 10] * 10)
    fast, slow = offer("a", "cuda:0", gb_per_s=100, overhead=0.0), offer("a", gb_per_s=10, overhead=0.0)
    plan = plan_of(model, slow, fast, policy=Policy.FASTEST)
    left_out = plan.workers[-1]
    assert loss_if_used(left_out, plan) == 1 / 0.01 - 1 / 0.019
    assert sentence_about(left_out, plan) == "left out: it would cost 47.4 tok/s."
    assert loss_if_used(replace(left_out, offer=offer("c")), plan) is None
    assert sentence_about(replace(left_out, offer=offer("c")), plan) == "left out: the others hold everything."


def test_it_is_given_the_layer_that_changes_least_by_whoever_it_is() -> None:
    model = model_of(GB // 10, *[GB // 5] * 8)
    fast, middle = offer("a", "cuda:0", gb_per_s=100, overhead=0.0, safe=GB), offer("b", gb_per_s=50, overhead=0.0, safe=GB)
    plan = plan_of(model, fast, middle, offer("c", gb_per_s=10, overhead=0.0, safe=2 * GB), policy=Policy.FASTEST)
    left_out = plan.workers[-1]
    assert [worker.used for worker in plan.workers] == [True, True, False]
    seconds = 1 / plan.predicted.decode_tokens_per_second
    first, second = (worker.offer.speed.read_bytes_per_second for worker in plan.used_workers)
    small = min(GB // 10 / 10e9 - GB // 10 / first, GB // 5 / 10e9 - GB // 5 / second)
    assert loss_if_used(left_out, plan) == pytest.approx(1 / seconds - 1 / (seconds + small))
    assert loss_if_used(left_out, plan, gifts_of(plan)) == loss_if_used(left_out, plan)


def test_a_tie_is_not_called_a_cost() -> None:
    twin = (offer("a", gb_per_s=10, overhead=0.0), offer("b", gb_per_s=10, overhead=0.0))
    plan = plan_of(model_of(*[GB // 10] * 10), *twin, policy=Policy.FASTEST)
    assert sentence_about(plan.workers[-1], plan) == "left out: it would not make decode faster."


def test_small_rates_keep_their_digits() -> None:
    fast, slow = offer("a", "cuda:0", gb_per_s=0.1, overhead=0.0), offer("a", gb_per_s=0.05, overhead=0.0)
    plan = plan_of(model_of(*[GB // 10] * 10), slow, fast, policy=Policy.FASTEST)
    assert sentence_about(plan.workers[-1], plan) == "left out: it would cost 0.0091 tok/s."


def test_amounts_round_up_so_that_nothing_missing_is_zero() -> None:
    assert [amount(size) for size in (0, 1, 999_999_999, 1_000_000_000, 18_010_000_000)] == [
        "0 MB",
        "1 MB",
        "1000 MB",
        "1.0 GB",
        "18.1 GB",
    ]
    assert layers_in_words(1) == "1 layer"
    assert layers_in_words(2) == "2 layers"
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def test_how_sure_a_plan_is() -> None:
    plan = split_layers(PlanRequest(model=model_of(1, 2), offers=(offer("a", safe=9, gb_per_s=1),)))
    assert isinstance(plan, Plan)
    assert plan.optimality == Optimality(proven=True)
    assert how_sure(plan) is None
    unsure = replace(plan, optimality=Optimality(proven=False, gap=0.0123))
    assert how_sure(unsure) == "This is the fastest plan that was found; no other can save more than 1.23% of its time."
    assert how_sure(replace(plan, optimality=Optimality(proven=False))) == (
        "Another plan may be faster: there are too many workers to try them all."
    )
    assert how_sure(replace(plan, optimality=None)) is None
