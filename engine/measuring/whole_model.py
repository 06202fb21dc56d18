"""What a whole model did on one worker, and the speed that predicts exactly that. Pure.

The speed that made-up models gave (``probes``) is scaled: shapes of matrices, kinds of layers and attention heads that no
made-up model has are in it then. The model is run as the standard request will run it, with as long a prompt and as deep a
context, where that is quick; a shorter prompt and an empty context say less (attention grows with the prompt; on a CPU a token
at depth 512 took 12 to 22 % longer than the first).

Rejected: one fixed length for all models (too short to be told from noise for a small one, minutes for a large one).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.planning.costs.layer_costs import (
    HEADLINE_DEPTH_TOKENS,
    HEADLINE_PROMPT_TOKENS,
    cache_seconds,
    charge_seconds,
    compute_at,
    flops_per_prompt_token,
    head_seconds,
    layers_prefill_seconds,
    prefill_charge_seconds,
    weights_seconds,
)
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import RunShape
from engine.vocabulary.worker import Speed, WorkerOffer

QUICK_SECONDS = 2.0
"""So long may one prompt take, and all tokens of one generation."""
LEAST_PROMPT_TOKENS = 32
LEAST_DECODE_TOKENS, MOST_DECODE_TOKENS = 8, 32

LEAST_SCALE, MOST_SCALE = 0.2, 5.0
"""Further off than this, a made-up model and the real one did not measure the same thing: the real one is believed so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Of the prompt and the generation that are timed."""

    prompt_tokens: int
    decode_tokens: int
    depth_tokens: int
    """0 = only in an empty context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeRun:
    """What came out, in tokens per second."""

    lengths: Lengths
    prefill_tokens_per_second: float
    decode_tokens_per_second: float
    """From an empty context."""
    deep_decode_tokens_per_second: float | None = None
    """From ``lengths.depth_tokens`` on."""


def lengths_for(speed: Speed, model: ModelFacts) -> Lengths:
    """The standard request's, or what is quick, by a first guess of the speed."""
    compute = compute_at(speed, HEADLINE_PROMPT_TOKENS)
    per_token = flops_per_prompt_token(model) / compute if compute else 0.0
    prompt = HEADLINE_PROMPT_TOKENS
    while prompt > LEAST_PROMPT_TOKENS and prompt * per_token > QUICK_SECONDS:
        prompt //= 2
    reading = sum(weights_seconds(speed, layer) for layer in model.layers) + head_seconds(speed, model)
    decode = int(QUICK_SECONDS / reading) if reading else MOST_DECODE_TOKENS
    return Lengths(
        prompt_tokens=prompt,
        decode_tokens=min(MOST_DECODE_TOKENS, max(LEAST_DECODE_TOKENS, decode)),
        depth_tokens=prompt if prompt == HEADLINE_PROMPT_TOKENS else 0,
    )


def anchored(speed: Speed, offer: WorkerOffer, model: ModelFacts, run: WholeRun, shape: RunShape) -> Speed:
    """``speed`` scaled so that it predicts what this model did on this worker (as llama-bench measures: no sampling).

    ``shape`` is that of the run; its micro-batches count. Beside an empty context, a deep one gives the speed at which this
    model's cache is read.
    """
    shape = replace(shape, context_tokens=HEADLINE_DEPTH_TOKENS)  # llama-bench takes what it needs
    speed = _with_cache_speed(speed, model, run, shape)
    measured = replace(offer, speed=speed)
    calls = _active_layers(model) * speed.layer_overhead_seconds
    depth = run.lengths.depth_tokens if run.deep_decode_tokens_per_second else 0
    token_seconds = 1 / (run.deep_decode_tokens_per_second or run.decode_tokens_per_second)
    cache = cache_seconds(speed, model, shape, depth + run.lengths.decode_tokens // 2)
    reading = sum(weights_seconds(speed, layer) for layer in model.layers) + head_seconds(speed, model)
    faster = _scale(reading, token_seconds, (charge_seconds(measured, model, last=True) or 0.0) + calls + cache)
    speed = replace(
        speed,
        read_bytes_per_second=speed.read_bytes_per_second * faster,
        read_bytes_per_second_by_type=tuple((kind, rate * faster) for kind, rate in speed.read_bytes_per_second_by_type),
    )
    computing, fixed = _prompt_seconds(replace(offer, speed=speed), speed, model, run.lengths.prompt_tokens, shape)
    faster = _scale(computing, run.lengths.prompt_tokens / run.prefill_tokens_per_second, fixed)
    return replace(
        speed,
        compute_flops_per_second=None if speed.compute_flops_per_second is None else speed.compute_flops_per_second * faster,
        compute_by_ubatch=tuple((size, rate * faster) for size, rate in speed.compute_by_ubatch),
    )


def _with_cache_speed(speed: Speed, model: ModelFacts, run: WholeRun, shape: RunShape) -> Speed:
    """From what a deep context took longer; as it was where that was not measured."""
    if not run.deep_decode_tokens_per_second:
        return speed
    half = run.lengths.decode_tokens // 2
    deep, flat = (cache_seconds(speed, model, shape, depth) for depth in (run.lengths.depth_tokens + half, half))
    longer = 1 / run.deep_decode_tokens_per_second - 1 / run.decode_tokens_per_second
    if deep <= flat:  # a recurrent model: nothing grows with the context
        return speed
    rate = speed.kv_bytes_per_second or speed.read_bytes_per_second
    return replace(speed, kv_bytes_per_second=rate * _scale(deep - flat, max(longer, 0.0), 0.0))


def _prompt_seconds(offer: WorkerOffer, speed: Speed, model: ModelFacts, prompt: int, shape: RunShape) -> tuple[float, float]:
    """(computing, all else) of a prompt in micro-batches, on one worker."""
    calls = _active_layers(model) * speed.layer_overhead_seconds
    full, rest = divmod(prompt, shape.ubatch_tokens)
    computing, fixed = 0.0, head_seconds(speed, model)
    for size, times in ((shape.ubatch_tokens, full), (rest, 1 if rest else 0)):
        if times:
            computing += times * (sum(layers_prefill_seconds(speed, model, size) or (calls,)) - calls)
            fixed += times * ((prefill_charge_seconds(offer, model, size, cells=prompt) or 0.0) + calls)
    return computing, fixed


def _active_layers(model: ModelFacts) -> int:
    return sum(bool(layer.active_bytes) for layer in model.layers)


def _scale(predicted_seconds: float, measured_seconds: float, fixed_seconds: float) -> float:
    """By how much faster than predicted the part was that is not a charge."""
    left = max(measured_seconds - fixed_seconds, 0.1 * measured_seconds)
    if predicted_seconds <= 0:
        return 1.0
    return min(MOST_SCALE, max(LEAST_SCALE, predicted_seconds / left)) if left > 0 else MOST_SCALE
