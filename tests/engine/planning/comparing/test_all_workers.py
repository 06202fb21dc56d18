"""Everybody works, and as fast as that can be."""

from itertools import product

from engine.planning.comparing.all_workers import all_workers_split
from engine.planning.costs.cost_model import predict
from engine.planning.split_layers import split_layers
from engine.vocabulary.plan import GivenSplit, Plan, PlanRequest
from tests.engine.planning.planning_cases import GB, model_of, offer


def test_each_has_a_layer_and_the_fastest_the_rest():
    offers = (offer("slow", gb_per_s=5), offer("fast", gb_per_s=500), offer("mid", gb_per_s=50))
    split = all_workers_split(PlanRequest(model=model_of(*[1 * GB] * 8, head=1 * GB), offers=offers))
    assert split is not None
    assert dict(split.seats) == {"slow/cpu": 1, "fast/cpu": 6, "mid/cpu": 1}
    assert split.seats[-1][0] == "fast/cpu"  # the head is read there


def test_nothing_is_faster_with_all_at_work():
    offers = (offer("a", gb_per_s=7, safe=4 * GB), offer("b", gb_per_s=90, safe=3 * GB), offer("c", gb_per_s=40, safe=9 * GB))
    request = PlanRequest(model=model_of(*[1 * GB] * 7, head=1 * GB), offers=offers)
    split = all_workers_split(request)
    assert split is not None
    best = 0.0
    for counts, last in product(product(range(1, 6), repeat=3), range(3)):
        if sum(counts) != 7:
            continue
        seats = [(one.id, count) for one, count in zip(offers, counts, strict=True)]
        seats.append(seats.pop(last))
        plan = split_layers(PlanRequest(model=request.model, offers=offers, given=GivenSplit(name="x", seats=tuple(seats))))
        if isinstance(plan, Plan):
            best = max(best, plan.predicted.decode_tokens_per_second or 0.0)
    ours = split_layers(PlanRequest(model=request.model, offers=offers, given=split))
    assert isinstance(ours, Plan)
    assert predict(ours.workers, ours.model, ours.shape).decode_tokens_per_second == best


def test_without_speeds_by_memory():
    offers = (offer("a", safe=2 * GB), offer("b", safe=6 * GB))
    split = all_workers_split(PlanRequest(model=model_of(*[1 * GB] * 4), offers=offers))
    assert split is not None
    assert split.seats == (("a/cpu", 1), ("b/cpu", 3))


def test_more_workers_than_layers_or_than_llama_cpp_takes():
    offers = tuple(offer(f"m{index:02}", gb_per_s=10, safe=(index + 1) * GB) for index in range(20))
    two = all_workers_split(PlanRequest(model=model_of(1, 1), offers=offers))
    assert two is not None
    assert {id_ for id_, _ in two.seats} == {"m18/cpu", "m19/cpu"}
    many = all_workers_split(PlanRequest(model=model_of(*[1] * 30), offers=offers))
    assert many is not None
    assert len(many.seats) == 15


def test_nothing_fits():
    assert all_workers_split(PlanRequest(model=model_of(*[9 * GB] * 4), offers=(offer("a"), offer("b")))) is None
