"""From what a whole model did to the speed that predicts it."""

from dataclasses import replace

import pytest

from engine.measuring.whole_model import (
    LEAST_DECODE_TOKENS,
    LEAST_PROMPT_TOKENS,
    MOST_DECODE_TOKENS,
    MOST_SCALE,
    Lengths,
    WholeRun,
    anchored,
    lengths_for,
)
from engine.planning.costs.cost_model import decode_seconds, prefill_seconds
from engine.planning.costs.layer_costs import HEADLINE_DEPTH_TOKENS, flops_per_prompt_token, host_seconds
from engine.planning.split_layers import split_layers
from engine.vocabulary.plan import PlanRequest, RunShape
from engine.vocabulary.worker import Speed
from tests.engine.planning.planning_cases import offer
from tests.fakes.states.cluster_pieces import a_model

GUESS = Speed(
    read_bytes_per_second=2e9,
    read_bytes_per_second_by_type=(("q4_K", 1e9),),
    compute_flops_per_second=1e11,
    compute_by_ubatch=((8, 5e10), (256, 1e11)),
    overhead_seconds=0.001,
    layer_overhead_seconds=0.0001,
    kv_bytes_per_second=1e9,
)
SHAPE = RunShape(context_tokens=1024, ubatch_tokens=256)
QUICK = Lengths(prompt_tokens=512, decode_tokens=64, depth_tokens=512)
SLOW = Lengths(prompt_tokens=256, decode_tokens=24, depth_tokens=0)


def used_workers(model, worker, speed):
    return split_layers(PlanRequest(model=model, offers=(replace(worker, speed=speed),), shape=SHAPE)).used_workers


def test_an_anchored_speed_predicts_what_the_model_did():
    model, worker = a_model(), offer("a", safe=10**12)
    seconds = decode_seconds(used_workers(model, worker, GUESS), model, SHAPE, depth_tokens=12)
    run = WholeRun(
        lengths=SLOW, prefill_tokens_per_second=6e10 / flops_per_prompt_token(model), decode_tokens_per_second=0.5 / seconds
    )
    speed = anchored(GUESS, worker, model, run, SHAPE)
    workers = used_workers(model, worker, speed)
    decode = decode_seconds(workers, model, SHAPE, depth_tokens=12) - host_seconds(model)
    assert decode == pytest.approx(1 / run.decode_tokens_per_second)
    assert prefill_seconds(workers, model, SHAPE, 256) == pytest.approx(256 / run.prefill_tokens_per_second, rel=1e-3)
    assert speed.read_bytes_per_second_by_type[0][1] / 1e9 == pytest.approx(speed.read_bytes_per_second / 2e9)
    assert (speed.overhead_seconds, speed.layer_overhead_seconds, speed.kv_bytes_per_second) == (0.001, 0.0001, 1e9)


def test_a_deep_context_tells_how_fast_the_cache_is_read():
    model, worker = a_model(), offer("a", safe=10**12)
    guessed = used_workers(model, worker, replace(GUESS, kv_bytes_per_second=3e8))
    flat, deep = (decode_seconds(guessed, model, SHAPE, depth_tokens=depth) - host_seconds(model) for depth in (32, 544))
    run = WholeRun(
        lengths=QUICK,
        prefill_tokens_per_second=6e10 / flops_per_prompt_token(model),
        decode_tokens_per_second=1 / flat,
        deep_decode_tokens_per_second=1 / deep,
    )
    speed = anchored(GUESS, worker, model, run, SHAPE)
    assert speed.kv_bytes_per_second == pytest.approx(3e8, rel=1e-6)
    assert speed.read_bytes_per_second == pytest.approx(GUESS.read_bytes_per_second, rel=1e-6)
    workers = used_workers(model, worker, speed)
    assert decode_seconds(workers, model, SHAPE) - host_seconds(model) == pytest.approx(deep)
    assert QUICK.depth_tokens + QUICK.decode_tokens // 2 == HEADLINE_DEPTH_TOKENS
    assert prefill_seconds(workers, model, SHAPE, 512) == pytest.approx(512 / run.prefill_tokens_per_second, rel=2e-3)


def test_a_deep_context_faster_than_an_empty_one_is_noise():
    model, worker = a_model(), offer("a", safe=10**12)
    run = WholeRun(
        lengths=QUICK, prefill_tokens_per_second=1.0, decode_tokens_per_second=1.0, deep_decode_tokens_per_second=1.1
    )
    speed = anchored(GUESS, worker, model, run, SHAPE)
    assert speed.kv_bytes_per_second == 1e9 * MOST_SCALE


def test_an_anchor_that_cannot_be_is_believed_only_so_far():
    run = WholeRun(lengths=SLOW, prefill_tokens_per_second=1e9, decode_tokens_per_second=1e9)
    speed = anchored(GUESS, offer("a"), a_model(), run, SHAPE)
    assert speed.read_bytes_per_second == pytest.approx(2e9 * MOST_SCALE)
    assert speed.compute_flops_per_second <= 1e11 * MOST_SCALE * 1.001


def test_a_quick_model_is_run_as_the_standard_request_is():
    fast = replace(GUESS, compute_by_ubatch=(), compute_flops_per_second=1e15, read_bytes_per_second_by_type=())
    lengths = lengths_for(replace(fast, read_bytes_per_second=1e13), a_model())
    assert lengths == Lengths(prompt_tokens=512, decode_tokens=MOST_DECODE_TOKENS, depth_tokens=512)


def test_a_slow_model_is_run_shortly():
    slow = Speed(read_bytes_per_second=1e6, compute_flops_per_second=1e6)
    lengths = lengths_for(slow, a_model())
    assert lengths == Lengths(prompt_tokens=LEAST_PROMPT_TOKENS, decode_tokens=LEAST_DECODE_TOKENS, depth_tokens=0)
