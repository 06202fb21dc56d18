"""Exactly the given split, or sentences why not."""

import pytest

from engine.planning.split_layers import split_layers
from engine.vocabulary.plan import GivenSplit, Plan, PlanRefused, PlanRequest
from engine.vocabulary.worker import WorkerId
from tests.engine.planning.planning_cases import GB, model_of, offer


def planned(*seats: tuple[str, int], safe: int = 8 * GB, n: int = 3) -> Plan | PlanRefused:
    offers = tuple(offer(f"m{index}", safe=safe) for index in range(n))
    split = GivenSplit(name="The split", seats=tuple((WorkerId(f"{name}/cpu"), count) for name, count in seats))
    return split_layers(PlanRequest(model=model_of(*[1 * GB] * 6, head=2 * GB), offers=offers, given=split))


def test_it_is_taken_as_it_is_in_its_own_order():
    plan = planned(("m2", 4), ("m0", 2))
    assert isinstance(plan, Plan)
    assert [(worker.id, worker.n_layers) for worker in plan.workers] == [("m2/cpu", 4), ("m0/cpu", 2), ("m1/cpu", 0)]
    assert plan.tensor_split == (4, 3)


def test_a_worker_without_layers_is_dropped_unless_it_holds_the_head():
    plan = planned(("m0", 0), ("m1", 6), ("m2", 0))
    assert isinstance(plan, Plan)
    assert [worker.id for worker in plan.used_workers] == ["m1/cpu", "m2/cpu"]


@pytest.mark.parametrize(
    ("seats", "words"),
    [
        ((("m0", 3), ("gone", 3)), "The split needs gone/cpu, which is not here."),
        ((("gone", 3), ("m9", 3)), "The split needs gone/cpu and m9/cpu, which are not here."),
        ((("m0", 3), ("m1", 2)), "The split places 5 layers and the model has 6."),
        ((("m0", 7), ("m1", -1)), "The split places 6 layers and the model has 6."),
        ((), "The split places 0 layers and the model has 6."),
        (
            (("m0", 3), ("m0", 3)),  # each share fits, both together are 8 of 5 GB
            "The split names m0/cpu more than once: every worker holds one run of layers.",
        ),
    ],
)
def test_it_is_refused_in_words(seats, words):
    refused = planned(*seats, safe=5 * GB)
    assert isinstance(refused, PlanRefused)
    assert refused.reasons == (words,)


def test_over_safe_memory_is_refused_with_numbers():
    refused = planned(("m0", 1), ("m1", 5), safe=6 * GB)
    assert isinstance(refused, PlanRefused)
    words = "The split puts 5 layers and the output head on m1/cpu: 7.0 GB where 6.0 GB are safe, 1.0 GB too much."
    assert refused.reasons == (words,)
    assert [(s.worker_id, s.needed_bytes, s.safe_bytes) for s in refused.shortfalls] == [("m1/cpu", 7 * GB, 6 * GB)]
    alone = planned(("m0", 6), safe=7 * GB)
    assert isinstance(alone, PlanRefused)


def test_what_does_not_fit_is_told_share_by_share():
    refused = planned(("m0", 1), ("m1", 5), safe=6 * GB)
    assert isinstance(refused, PlanRefused)
    assert [(w.id, w.first_layer, w.n_layers, w.holds_output, w.needed_bytes) for w in refused.wished] == [
        ("m0/cpu", 0, 1, False, 1 * GB),
        ("m1/cpu", 1, 5, True, 7 * GB),
    ]
    nowhere = planned(("gone", 6))
    assert isinstance(nowhere, PlanRefused)
    assert nowhere.wished == ()


def test_workers_that_it_leaves_out_have_no_other_reason():
    plan = planned(("m2", 4), ("m0", 2))
    assert isinstance(plan, Plan)
    assert plan.notes == ()


def test_more_than_llama_cpp_takes_is_refused():
    offers = tuple(offer(f"m{index}") for index in range(16))
    split = GivenSplit(name="It", seats=tuple((one.id, 1) for one in offers))
    refused = split_layers(PlanRequest(model=model_of(*[1] * 16), offers=offers, given=split))
    assert isinstance(refused, PlanRefused)
    assert refused.reasons == ("It uses 16 devices and llama.cpp takes 15 at most.",)
