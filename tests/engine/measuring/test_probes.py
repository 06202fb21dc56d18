"""From times of made-up models to the speed of a worker: a device whose figures are known is measured, and found again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.measuring import probes
from engine.measuring.bench_rows import BenchRow
from engine.measuring.synthetic_model import synthetic_facts
from engine.planning.costs.layer_costs import (
    charge_seconds,
    compute_at,
    head_seconds,
    layers_decode_seconds,
    layers_prefill_seconds,
    prefill_charge_seconds,
)
from engine.vocabulary.model import LayerFacts
from engine.vocabulary.plan import RunShape
from engine.vocabulary.worker import Link, Speed
from tests.engine.planning.planning_cases import model_of, offer

KINDS = ("q4_K", "q6_K")
TRUE = Speed(
    read_bytes_per_second=20e9,
    read_bytes_per_second_by_type=(("q4_K", 10e9), ("q6_K", 15e9), ("q8_0", 20e9)),
    compute_by_ubatch=((8, 100e9), (64, 300e9), (256, 400e9)),
    overhead_seconds=0.0006,
    layer_overhead_seconds=0.00003,
    kv_bytes_per_second=2e9,
)
CACHE = probes.cached(4)
FACTS = {
    model.name: synthetic_facts(model, model.file_name)
    for model in (
        probes.SHORT,
        probes.LONG,
        CACHE,
        *(probes.reader(kind) for kind in KINDS),
        *(probes.computer(kind) for kind in KINDS),
    )
}


def timed(worker, *, without=()):
    """What llama-bench would print about a worker of exactly the speed ``TRUE``."""
    worker = replace(worker, speed=TRUE)
    rows = []
    for name, model in FACTS.items():
        if name in without:
            continue
        charge = charge_seconds(worker, model, last=True) + head_seconds(TRUE, model)
        for depth in (0, probes.DEPTH_TOKENS) if name == CACHE.name else (0,):
            at = RunShape(context_tokens=8192)
            layers = layers_decode_seconds(
                replace(TRUE, kv_bytes_per_second=2e9 if depth else 1e15), model, at, depth_tokens=depth
            )
            rows.append(row(name, decode=16, depth=depth, seconds=charge + sum(layers)))
        for ubatch in probes.UBATCHES:
            batch = prefill_charge_seconds(worker, model, ubatch, cells=probes.PROMPT_TOKENS)
            batch += sum(layers_prefill_seconds(TRUE, model, ubatch))
            rows.append(row(name, prompt=256, ubatch=ubatch, seconds=batch / ubatch))
    return tuple(rows)


def row(name, *, prompt=0, decode=0, depth=0, ubatch=256, seconds):
    return BenchRow(
        file_name=f"{name}.gguf",
        prompt_tokens=prompt,
        decode_tokens=decode,
        depth_tokens=depth,
        ubatch_tokens=ubatch,
        tokens_per_second=1 / seconds,
    )


@pytest.mark.parametrize("link", [None, Link(rtt_seconds=0.005, bytes_per_second=1e8)])
def test_a_known_device_is_found_again(link):
    worker = offer("a", link=link)
    calls = probes.calls_of(timed(worker), worker, FACTS, CACHE)
    assert calls.overhead_seconds == pytest.approx(TRUE.overhead_seconds, rel=0.2)
    assert calls.layer_overhead_seconds == pytest.approx(TRUE.layer_overhead_seconds, rel=0.7)  # its few weights count in
    assert calls.kv_bytes_per_second == pytest.approx(2e9, rel=0.01)
    for kind, true in TRUE.read_bytes_per_second_by_type[:2]:
        speed = probes.type_speed(kind, timed(worker), worker, calls, FACTS)
        assert speed.read_bytes_per_second == pytest.approx(true, rel=0.05)
        for size, rate in TRUE.compute_by_ubatch[1:]:
            assert compute_at(speed, size) == pytest.approx(rate, rel=0.1)


def test_a_missing_row_is_no_measurement():
    worker = offer("a")
    calls = probes.calls_of(timed(worker), worker, FACTS, CACHE)
    for missing in (probes.SHORT, probes.LONG, CACHE):
        assert probes.calls_of(timed(worker, without=(missing.name,)), worker, FACTS, CACHE) is None
    for missing in (probes.reader("q4_K"), probes.computer("q4_K")):
        assert probes.type_speed("q4_K", timed(worker, without=(missing.name,)), worker, calls, FACTS) is None


def layered(**by_type):
    layer = LayerFacts(
        weights_bytes=sum(by_type.values()), active_bytes=sum(by_type.values()), active_bytes_by_type=tuple(by_type.items())
    )
    return replace(model_of(1), layers=(layer,) * 4)


def test_types_worth_measuring():
    model = replace(layered(q4_K=900, q6_K=95, f32=5), head_type="q8_0", head_bytes=400)
    assert probes.types_of(model) == ("q4_K", "q8_0", "q6_K")
    assert probes.types_of(layered(strange=100)) == ()
    assert probes.types_of(model_of(1, 2)) == ()


def test_a_speed_for_a_mixture():
    one = Speed(read_bytes_per_second=10.0, compute_by_ubatch=tuple((size, 100.0) for size in probes.UBATCHES))
    two = Speed(read_bytes_per_second=30.0, compute_flops_per_second=300.0)
    model = layered(f16=100, f32=300, i8=4)
    speed = probes.combined(model, TRUE, {"f16": one, "f32": two}, "measured today")
    assert speed.read_bytes_per_second == pytest.approx(400 / (100 / 10 + 300 / 30))
    assert dict(speed.read_bytes_per_second_by_type) == {"f16": 10.0, "f32": 30.0}
    # 50 parameters in f16 and 75 in f32
    assert speed.compute_by_ubatch == tuple((size, pytest.approx(125 / (50 / 100 + 75 / 300))) for size in probes.UBATCHES)
    assert (speed.overhead_seconds, speed.source, speed.measured) == (TRUE.overhead_seconds, "measured today", True)


def test_made_up_models_are_larger_than_caches_and_quick_to_send():
    for kind in ("f32", "f16", "q8_0", "q4_K", "mxfp4"):
        assert 60e6 < synthetic_facts(probes.reader(kind), "").total_bytes < 110e6
    assert synthetic_facts(probes.reader("iq1_s"), "").total_bytes < 40e6


@pytest.mark.parametrize(
    ("n_head", "n_head_kv", "expected"), [(16, 8, 2), (4, 1, 4), (32, 32, 1), (64, 1, 32), (40, 8, 4), (0, 0, 4)]
)
def test_the_cache_is_read_by_as_many_queries_as_in_the_model(n_head, n_head_kv, expected):
    model = replace(FACTS[CACHE.name], n_head=n_head, n_head_kv=n_head_kv)
    assert probes.queries_per_key(model) == expected
    made = probes.cached(expected)
    assert (made.n_head // made.n_head_kv, made.n_head) == (expected, CACHE.n_head)
