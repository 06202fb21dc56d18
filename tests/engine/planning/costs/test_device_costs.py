"""What the solver is told adds up to what the cost model predicts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.planning.costs.cost_model import decode_seconds, prefill_seconds
from engine.planning.costs.device_costs import device_costs, prompt_passes
from engine.planning.costs.layer_costs import host_seconds
from engine.vocabulary.model import KvFacts, ModelFacts
from engine.vocabulary.plan import RunShape
from engine.vocabulary.worker import Link
from tests.engine.planning.planning_cases import GB, model_of, offer

MODEL = replace(model_of(*[GB, 2 * GB, GB], head=GB, n_vocab=1000), n_embd=64)


def alone(made):
    from engine.vocabulary.plan import PlannedWorker

    return PlannedWorker(
        offer=made, first_layer=0, n_layers=3, holds_output=True, weights_bytes=5 * GB, kv_bytes=0, compute_bytes=0
    )


WINDOWED = replace(
    MODEL,
    layers=tuple(
        replace(layer, kv=KvFacts(k_elements_per_token=64, v_elements_per_token=64, sliding_window_tokens=width))
        for layer, width in zip(MODEL.layers, (512, None, 128), strict=True)
    ),
)


@pytest.mark.parametrize("model", [MODEL, WINDOWED], ids=["plain", "windowed"])
@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize("ubatch_tokens", [64, 200, 256, 512, 1024])
def test_one_device_costs_what_the_cost_model_says(ubatch_tokens: int, model: ModelFacts, *, is_async: bool) -> None:
    made = offer("a", gb_per_s=50, tflops=3, link=Link(rtt_seconds=0.002, bytes_per_second=1e8))
    shape = RunShape(ubatch_tokens=ubatch_tokens, asynchronous_rpc=is_async)
    costs = device_costs(made, model, shape)
    assert costs is not None
    assert costs.stages is not None
    decode = costs.decode
    seconds = sum(decode.layer_seconds) + decode.output_charge_seconds + decode.head_seconds + host_seconds(model)
    assert seconds == pytest.approx(decode_seconds([alone(made)], model, shape))
    prompt = costs.once_seconds
    for stage, each in zip(costs.stages, prompt_passes(model, shape), strict=True):
        prompt += (each.walks + each.periods) * (sum(stage.layer_seconds) + stage.output_charge_seconds)
    assert prompt == pytest.approx(prefill_seconds([alone(made)], model, shape, 512))


def test_nothing_overlaps_before_a_checkpoint_or_without_asynchronous_rpc() -> None:
    assert [(each.tokens, each.walks, each.periods) for each in prompt_passes(MODEL, RunShape())] == [(256, 1, 1)]
    shape = RunShape(asynchronous_rpc=False)
    assert [(each.tokens, each.walks, each.periods) for each in prompt_passes(MODEL, shape)] == [(256, 2, 0)]
    windowed = replace(MODEL, layers=tuple(replace(layer, kv=KvFacts(sliding_window_tokens=512)) for layer in MODEL.layers))
    passes = prompt_passes(windowed, RunShape())
    assert sum(each.tokens * each.walks for each in passes if not each.saves) == 512
    assert not any(each.periods for each in passes)
    assert [each.tokens for each in passes if each.saves] == [252, 508]


def test_what_is_not_known_is_none() -> None:
    assert device_costs(offer("a"), MODEL, RunShape()) is None
    costs = device_costs(offer("a", gb_per_s=50), MODEL, RunShape())
    assert costs is not None
    assert costs.stages is None
