"""One sentence with numbers per worker."""

from engine.planning.comparing.worker_worth import worths
from engine.planning.split_layers import split_layers
from engine.vocabulary.plan import Plan, PlanRequest
from engine.vocabulary.worker import WorkerOffer
from tests.engine.planning.planning_cases import GB, model_of, offer


def sentences(*offers: WorkerOffer, layers: int = 8) -> dict[str, str]:
    request = PlanRequest(model=model_of(*[1 * GB] * layers), offers=offers)
    return {worth.worker_id: worth.sentence for worth in worths(request, split_layers(request))}


def test_a_slow_one_that_is_not_needed_says_what_it_would_cost():
    said = sentences(offer("fast", safe=9 * GB, gb_per_s=100), offer("slow", gb_per_s=10, safe=18 * GB))
    # 8 GB at 100 GB/s and 0.5 ms: 12.4 tokens/s; one layer moved: 70 + 100 ms and 1 ms: 5.8 tokens/s.
    assert said["slow/cpu"] == "adds 18.0 GB, costs 6.6 tokens/s: left out"


def test_one_without_which_the_model_does_not_fit():
    said = sentences(offer("a", safe=5 * GB, gb_per_s=100), offer("b", safe=5 * GB, gb_per_s=10))
    assert said["b/cpu"] == "adds 5.0 GB; without it the model does not fit"


def test_one_that_makes_it_faster_by_the_difference_of_two_plans():
    offers = (offer("fast", safe=5 * GB, gb_per_s=100), offer("slow", gb_per_s=10, safe=18 * GB))
    request = PlanRequest(model=model_of(*[1 * GB] * 8), offers=offers)
    with_it, without = split_layers(request), split_layers(PlanRequest(model=request.model, offers=offers[1:]))
    assert isinstance(with_it, Plan)
    assert isinstance(without, Plan)
    gain = (with_it.predicted.decode_tokens_per_second or 0) - (without.predicted.decode_tokens_per_second or 0)
    worth = worths(request, with_it)[0]
    assert worth.gains_tokens_per_second == gain
    assert worth.sentence == f"adds 5.0 GB and makes decode {gain:.1f} tokens/s faster"
    assert not worth.needed


def test_equal_ones_cost_no_speed():
    said = sentences(*(offer(name, safe=9 * GB, gb_per_s=1, overhead=0.0) for name in "ab"))
    assert sorted(said.values()) == ["adds 9.0 GB and costs no speed", "adds 9.0 GB and no speed: left out"]


def test_speeds_that_are_not_known_are_said_to_be():
    said = sentences(offer("a", safe=9 * GB), offer("b", safe=9 * GB))
    assert said["a/cpu"] == "adds 9.0 GB; whether it makes decode faster is not known: measure the speeds"


def test_unused_without_speeds():
    said = sentences(offer("a", safe=9 * GB), *(offer(f"m{i:02}", safe=1 * GB) for i in range(15)), layers=2)
    assert "adds 1.0 GB, not needed: left out" in said.values()


def test_when_nothing_fits():
    assert sentences(offer("a", safe=1 * GB)) == {"a/cpu": "adds 1.0 GB, and still the model does not fit"}
