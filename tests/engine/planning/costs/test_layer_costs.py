"""Costs of one layer and one device, checked in the head."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.planning.costs.layer_costs import (
    LOOPBACK_BYTES_PER_SECOND,
    cache_seconds,
    charge_seconds,
    compute_at,
    flops_per_prompt_token,
    head_seconds,
    layers_decode_seconds,
    layers_prefill_seconds,
    path_seconds,
    prefill_charge_seconds,
    weights_seconds,
)
from engine.vocabulary.model import KvFacts, LayerFacts
from engine.vocabulary.plan import RunShape
from engine.vocabulary.worker import Link, Speed
from tests.engine.planning.planning_cases import GB, model_of, offer

SPEED = Speed(read_bytes_per_second=10e9, overhead_seconds=0.0)
TYPED = replace(SPEED, read_bytes_per_second_by_type=(("q4_K", 5e9), ("q6_K", 20e9)))
LAYER = LayerFacts(
    weights_bytes=GB, active_bytes=GB, active_bytes_by_type=(("q4_K", GB // 2), ("q6_K", GB // 4), ("f32", GB // 4))
)


def test_every_type_is_read_at_its_own_speed_and_unknown_ones_at_the_common_one() -> None:
    assert weights_seconds(TYPED, LAYER) == pytest.approx(0.5 / 5 + 0.25 / 20 + 0.25 / 10)
    assert weights_seconds(SPEED, LAYER) == pytest.approx(0.1)
    assert weights_seconds(TYPED, replace(LAYER, active_bytes_by_type=())) == pytest.approx(0.1)


def test_the_head_is_read_at_the_speed_of_its_type() -> None:
    model = replace(model_of(GB, head=GB), head_type="q6_K")
    assert head_seconds(TYPED, model) == pytest.approx(1 / 20)
    assert head_seconds(TYPED, replace(model, head_type="")) == pytest.approx(1 / 10)


def test_the_cache_has_its_own_speed_and_a_layer_its_own_charge() -> None:
    kv = KvFacts(k_elements_per_token=1_000_000, v_elements_per_token=1_000_000)
    model = replace(model_of(1), layers=(replace(LAYER, kv=kv), LAYER))
    speed = replace(SPEED, kv_bytes_per_second=1e9, layer_overhead_seconds=0.001)
    read = layers_decode_seconds(speed, model, RunShape(), depth_tokens=256)
    assert read == pytest.approx((0.1 + 256 * 4e6 / 1e9 + 0.001, 0.1 + 0.001))
    assert layers_decode_seconds(speed, model, RunShape(), depth_tokens=256, slots=3)[0] == pytest.approx(
        0.1 + 3 * 1.024 + 0.001
    )


def test_a_layer_that_is_not_run_costs_nothing() -> None:
    model = replace(model_of(1), layers=(LayerFacts(weights_bytes=GB, active_bytes=0),))
    speed = replace(SPEED, layer_overhead_seconds=1.0, compute_flops_per_second=1e12)
    assert layers_decode_seconds(speed, model, RunShape()) == (0.0,)
    assert layers_prefill_seconds(speed, model, 8) == (0.0,)


def test_more_slots_wake_more_experts() -> None:
    layer = LayerFacts(weights_bytes=8 * GB, active_bytes=GB)
    model = replace(model_of(1), layers=(layer,), n_experts=8, n_experts_used=1)
    assert layers_decode_seconds(SPEED, model, RunShape(), slots=2) == pytest.approx(((8 - 8 * (7 / 8) ** 2) / 10,))


def test_what_a_device_charges() -> None:
    model = model_of(GB, n_embd=1000, n_vocab=10_000)
    link = Link(rtt_seconds=0.002, bytes_per_second=1e6, receive_bytes_per_second=4e6)
    far = offer("a", gb_per_s=1, overhead=0.001, link=link)
    assert charge_seconds(far, model, last=False) == pytest.approx(0.001 + 0.002 + 0.004 + 0.001)
    assert charge_seconds(far, model, last=True, slots=2, asynchronous=False) == pytest.approx(0.001 + 0.004 + 0.008 + 0.02)
    assert charge_seconds(offer("a"), model, last=False) is None
    near = offer("a", gb_per_s=1, overhead=0.001)
    assert charge_seconds(near, model, last=False) == pytest.approx(0.001 + 8000 / LOOPBACK_BYTES_PER_SECOND)


def test_an_unknown_way_back_is_as_the_way_there() -> None:
    link = Link(rtt_seconds=0.0, bytes_per_second=1e6)
    assert path_seconds(offer("a", link=link), 1e6, 1e6, asynchronous=True) == pytest.approx(2.0)


def test_compute_between_measured_sizes() -> None:
    speed = replace(SPEED, compute_flops_per_second=9.0, compute_by_ubatch=((8, 100.0), (32, 300.0), (128, 500.0)))
    sizes = (1, 8, 16, 32, 64, 128, 512)
    assert [compute_at(speed, tokens) for tokens in sizes] == pytest.approx([100, 100, 200, 300, 400, 500, 500])
    assert compute_at(replace(speed, compute_by_ubatch=()), 7) == 9.0


def test_a_micro_batch_computes_or_reads_whatever_takes_longer() -> None:
    layer = LayerFacts(weights_bytes=144_000, active_bytes=144_000, active_bytes_by_type=(("q4_K", 144_000),))
    model = replace(model_of(1), layers=(layer,), n_parameters=0)
    assert flops_per_prompt_token(model) == pytest.approx(2 * 256_000)
    quick = replace(SPEED, compute_flops_per_second=1e15)
    slow = replace(SPEED, compute_flops_per_second=1e9)
    assert layers_prefill_seconds(quick, model, 100) == pytest.approx((144_000 / 10e9,))
    assert layers_prefill_seconds(slow, model, 100) == pytest.approx((2 * 256_000 * 100 / 1e9,))
    assert layers_prefill_seconds(SPEED, model, 100) is None


def test_a_micro_batch_takes_hidden_states_and_a_mask_along() -> None:
    link = Link(rtt_seconds=0.001, bytes_per_second=1e6)
    far = offer("a", gb_per_s=1, overhead=0.0, link=link)
    model = model_of(GB, n_embd=100)
    assert prefill_charge_seconds(far, model, 10, cells=50) == pytest.approx(0.001 + (4000 + 1000 + 4000) / 1e6)
    assert prefill_charge_seconds(offer("a"), model, 10) is None


def test_depth_stays_within_the_context() -> None:
    kv = KvFacts(k_elements_per_token=1000, v_elements_per_token=1000)
    model = replace(model_of(1), layers=(replace(LAYER, kv=kv),))
    short = RunShape(context_tokens=100)
    assert cache_seconds(SPEED, model, short, 256) == cache_seconds(SPEED, model, short, 100)
    assert cache_seconds(SPEED, model, short, 0) == pytest.approx(cache_seconds(SPEED, model, short, 100) / 100)
