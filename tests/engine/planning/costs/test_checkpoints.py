"""Where a prompt is broken for checkpoints, and what one costs on a worker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.planning.costs.checkpoints import checkpoint_depths, layers_checkpoint_seconds, prompt_pieces
from engine.planning.costs.cost_model import prefill_seconds
from engine.vocabulary.model import KvFacts, ModelFacts
from engine.vocabulary.plan import PlannedWorker, RunShape
from engine.vocabulary.worker import Link
from tests.engine.planning.planning_cases import GB, model_of, offer

SHAPE = RunShape(context_tokens=8192, ubatch_tokens=256)
PLAIN = KvFacts(k_elements_per_token=256, v_elements_per_token=256)
WINDOW = replace(PLAIN, sliding_window_tokens=512)
FAR = Link(rtt_seconds=0.005, bytes_per_second=1e8, receive_bytes_per_second=1e7)


def model_with(*caches: KvFacts) -> ModelFacts:
    model = model_of(*[GB] * len(caches))
    return replace(model, layers=tuple(replace(layer, kv=kv) for layer, kv in zip(model.layers, caches, strict=True)))


def test_a_prompt_is_broken_where_the_cache_cannot_be_rolled_back() -> None:
    """As llama-server's log shows it for gemma 3 with -ub 256: 1788, 2044, 2048 of 2048 tokens."""
    plain, broken = model_with(PLAIN, PLAIN), model_with(PLAIN, WINDOW)
    assert prompt_pieces(plain, SHAPE, 2048) == (2048,)
    assert checkpoint_depths(plain, SHAPE, 2048) == ()
    assert prompt_pieces(broken, SHAPE, 2048) == (1788, 256, 4)
    assert checkpoint_depths(broken, SHAPE, 2048) == (1788, 2044)
    assert prompt_pieces(broken, SHAPE, 100) == (96, 4)
    assert prompt_pieces(broken, SHAPE, 3) == (3,)


def test_only_what_cannot_be_rolled_back_is_read_and_each_tensor_waits() -> None:
    model = model_with(PLAIN, WINDOW, KvFacts(recurrent_bytes_per_sequence=1_000_000))
    plain, window, recurrent = layers_checkpoint_seconds(offer("a", link=FAR), model, SHAPE, 200)
    assert plain == 0.0
    assert window == pytest.approx(2 * 0.005 + 200 * 2 * 256 * 2 / 1e7)
    assert recurrent == pytest.approx(2 * 0.005 + 1_000_000 / 1e7)


def test_a_window_that_wrapped_around_is_read_in_two_runs() -> None:
    model = model_with(WINDOW)
    [at_its_end] = layers_checkpoint_seconds(offer("a", link=FAR), model, SHAPE, 768)
    [wrapped] = layers_checkpoint_seconds(offer("a", link=FAR), model, SHAPE, 769)
    assert at_its_end == pytest.approx(2 * 0.005 + 512 * 2 * 256 * 2 / 1e7)
    assert wrapped == pytest.approx(at_its_end + 2 * 0.005)


def test_transposed_values_are_read_row_by_row() -> None:
    [seconds] = layers_checkpoint_seconds(offer("a", link=FAR), model_with(WINDOW), replace(SHAPE, flash_attention=False), 100)
    assert seconds == pytest.approx((1 + 256) * 0.005 + 100 * 2 * 256 * 2 / 1e7)


def test_on_this_machine_only_the_bytes_count() -> None:
    [seconds] = layers_checkpoint_seconds(offer("a"), model_with(WINDOW), SHAPE, 512)
    assert 0 < seconds < 0.001


def test_a_prompt_takes_longer_by_its_checkpoints() -> None:
    far = offer("a", gb_per_s=1e6, tflops=1, overhead=0.0, link=FAR)
    plain, broken = model_with(PLAIN, PLAIN), model_with(WINDOW, WINDOW)
    alone = PlannedWorker(
        offer=far, first_layer=0, n_layers=2, holds_output=True, weights_bytes=0, kv_bytes=0, compute_bytes=0
    )
    saving = sum(sum(layers_checkpoint_seconds(far, broken, SHAPE, depth)) for depth in (252, 508))
    whole, pieces = prefill_seconds([alone], plain, SHAPE, 512), prefill_seconds([alone], broken, SHAPE, 512)
    assert whole is not None
    assert pieces is not None
    one_more_round_trip = 0.005  # three pieces instead of two micro-batches
    assert pieces - whole == pytest.approx(saving + one_more_round_trip, rel=0.05)
