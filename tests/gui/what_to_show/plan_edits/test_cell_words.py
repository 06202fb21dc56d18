"""What a cell says when it is pointed at."""

from dataclasses import replace

import pytest

from engine.planning.costs.cost_model import decode_seconds, layer_seconds
from engine.vocabulary.plan import Plan
from engine.vocabulary.worker import Speed
from gui.what_to_show.layer_map_content import layer_map_of
from tests.fakes.states import cluster_states as states
from tests.fakes.states import edited_states as edited

SPEED = Speed(read_bytes_per_second=20e9, overhead_seconds=0.001)


def with_speeds(state):
    """The same plan on workers whose speed is known."""
    assert isinstance(state.plan, Plan)
    workers = tuple(replace(w, offer=replace(w.offer, speed=SPEED)) for w in state.plan.workers)
    return replace(state, plan=replace(state.plan, workers=workers))


def test_bytes_of_weights_and_cache_and_the_share_of_a_tokens_time() -> None:
    state = with_speeds(states.plan_shown())
    place, memory, time = layer_map_of(state).words_of(0, 30).splitlines()
    assert place == "Layer 30: planned on cuda:0"
    assert memory == "Weights 301 MB, KV cache 17 MB (4k context, f16)"
    plan = state.plan
    seconds = layer_seconds(plan.used_workers[1], 30, plan.model, plan.shape)
    whole = decode_seconds(plan.used_workers, plan.model, plan.shape)
    assert seconds / whole == pytest.approx(1 / 64, rel=0.1)
    assert time == f"{seconds * 1000:.0f} ms of the {whole * 1000:,.0f} ms that a token takes: 1.5%, predicted"


def test_the_head_has_no_cache_and_is_slower_than_a_layer() -> None:
    words = layer_map_of(with_speeds(states.plan_shown())).words_of(0, 64)
    assert "Weights 644 MB; no KV cache" in words
    assert "32 ms of the" in words


def test_without_speeds_it_says_so() -> None:
    assert "share of a token's time is not known" in layer_map_of(states.plan_shown()).words_of(0, 0)


def test_of_what_does_not_fit_nothing_is_predicted() -> None:
    words = layer_map_of(edited.split_too_far()).words_of(0, 10)
    assert words.startswith("Layer 10: on cuda:0 in your split\nWeights 301 MB")
    assert words.endswith("No prediction: this split does not fit")


def test_a_layer_elsewhere_costs_what_nobody_knows() -> None:
    words = layer_map_of(states.map_mismatch()).words_of(1, 9)
    assert words == "Layer 9: on cuda:0, planned on CPU\nWeights 301 MB, KV cache 17 MB (4k context, f16)"


def test_a_cell_that_was_not_reported_says_only_that() -> None:
    assert layer_map_of(states.plan_shown()).words_of(1, 9) == "Layer 9: not reported yet"


def test_two_types_of_cache_are_both_named() -> None:
    state = states.plan_shown()
    shape = replace(state.plan.shape, cache_type_k="q8_0", cache_type_v="q4_0")
    words = layer_map_of(replace(state, plan=replace(state.plan, shape=shape))).words_of(0, 1)
    assert "(4k context, q8_0/q4_0)" in words
