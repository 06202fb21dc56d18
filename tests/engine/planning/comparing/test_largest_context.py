"""The largest context, against trying them all."""

from dataclasses import replace

from engine.planning.comparing.default_split import default_split
from engine.planning.comparing.largest_context import largest_context
from engine.planning.split_layers import split_layers
from engine.vocabulary.model import KvFacts
from engine.vocabulary.plan import Plan, PlanRequest, RunShape
from tests.engine.planning.planning_cases import model_of, offer

MB = 1_000_000


def request(safe: int, training: int | None = 8192) -> PlanRequest:
    model = model_of(*[10 * MB] * 6)
    kv = KvFacts(k_elements_per_token=1000, v_elements_per_token=1000)
    layers = tuple(replace(layer, kv=kv) for layer in model.layers)
    model = replace(model, layers=layers, training_context_tokens=training)
    return PlanRequest(model=model, offers=(offer("a", safe=safe), offer("b", safe=safe // 2)), shape=RunShape())


def fits(asked: PlanRequest, context: int) -> bool:
    return isinstance(split_layers(replace(asked, shape=replace(asked.shape, context_tokens=context))), Plan)


def test_it_is_the_last_one_that_has_a_plan():
    for safe in (45 * MB, 70 * MB, 101 * MB):
        asked = request(safe)
        contexts = [context for context in range(256, 8193, 256) if fits(asked, context)]
        assert largest_context(asked) == max(contexts, default=None)


def test_not_beyond_what_the_model_was_trained_for_in_each_slot():
    assert largest_context(request(1000 * MB)) == 8192
    assert largest_context(replace(request(9000 * MB), shape=RunShape(slots=2))) == 16384
    assert largest_context(request(100_000 * MB, training=None)) == 1 << 17


def test_none_when_nothing_fits():
    assert largest_context(request(30 * MB)) is None


def test_of_a_given_split_only_that_one():
    asked = request(70 * MB)
    given = replace(asked, given=default_split(6, asked.offers))
    assert fits(given, largest_context(given))
    assert not fits(given, largest_context(given) + 256)
    assert largest_context(given) <= largest_context(asked)
