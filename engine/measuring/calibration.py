"""Calibration with a whole model, pure: from what ``llama-bench`` prints to the effective speed of a worker.

Two uses. *Anchored*: the speed that the made-up models gave (``probes``) is scaled so that it predicts exactly what the model
in question did on this worker; shapes of matrices and kinds of layers that no made-up model has are in it then. *Alone*: where
the made-up models cannot be run, one read speed and one compute speed are all that a model tells, and are said to be that.
Both are the inverse of the planner's cost model for one worker, so that a prediction for the measured case gives it back.
"""

from __future__ import annotations

from dataclasses import replace

from engine.errors import RuntimeUnavailable
from engine.measuring.bench_rows import rows_in
from engine.planning.layer_costs import (
    charge_seconds,
    flops_per_prompt_token,
    head_seconds,
    layers_decode_seconds,
    layers_prefill_seconds,
    prefill_charge_seconds,
)
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import RunShape
from engine.vocabulary.worker import Exposure, Speed, WorkerOffer

PROMPT_TOKENS = 256
DECODE_TOKENS = 24
REPETITIONS = 2

LOOPBACK_OVERHEAD_SECONDS = 0.0005
"""0.4-0.7 ms per loopback hop was measured with 1 to 15 workers."""

LEAST_SCALE, MOST_SCALE = 0.2, 5.0
"""Further off than this, a made-up model and the real one did not measure the same thing: the real one is believed so far."""


def active_bytes_of(model: ModelFacts) -> int:
    """Weights that one token reads: active layers and the output head. The input embedding is one row: nothing."""
    return sum(layer.active_bytes for layer in model.layers) + model.head_bytes


def rates_in(lines: tuple[str, ...]) -> tuple[float, float]:
    """(prefill, decode) tokens per second from ``llama-bench -o json``. Raises ``RuntimeUnavailable``."""
    rows = rows_in(lines)
    prefill = [row.tokens_per_second for row in rows if row.prompt_tokens]
    decode = [row.tokens_per_second for row in rows if row.decode_tokens]
    if not prefill or not decode:
        said = next((line for line in reversed(lines) if line.strip()), "nothing")
        raise RuntimeUnavailable(f"llama-bench did not measure anything; its last words: {said}", advice="See its log.")
    return prefill[-1], decode[-1]


def anchored(
    speed: Speed, offer: WorkerOffer, model: ModelFacts, prefill_tokens_per_second: float, decode_tokens_per_second: float
) -> Speed:
    """``speed`` scaled so that it predicts what this model did on this worker (as llama-bench measures: no sampling)."""
    measured = replace(offer, speed=speed)
    shape = RunShape(context_tokens=max(PROMPT_TOKENS, DECODE_TOKENS))
    layers = sum(layers_decode_seconds(speed, model, shape, depth_tokens=DECODE_TOKENS // 2))
    calls = _active_layers(model) * speed.layer_overhead_seconds
    fixed = (charge_seconds(measured, model, last=True) or 0.0) + calls
    reading = layers - calls + head_seconds(speed, model)
    faster = _scale(reading, 1 / decode_tokens_per_second, fixed)
    speed = replace(
        speed,
        read_bytes_per_second=speed.read_bytes_per_second * faster,
        read_bytes_per_second_by_type=tuple((kind, rate * faster) for kind, rate in speed.read_bytes_per_second_by_type),
    )
    charge = prefill_charge_seconds(measured, model, PROMPT_TOKENS) or 0.0
    fixed = charge + calls + head_seconds(speed, model)
    computing = sum(layers_prefill_seconds(speed, model, PROMPT_TOKENS) or (0.0,)) - calls
    faster = _scale(computing, PROMPT_TOKENS / prefill_tokens_per_second, fixed)
    return replace(
        speed,
        compute_flops_per_second=None if speed.compute_flops_per_second is None else speed.compute_flops_per_second * faster,
        compute_by_ubatch=tuple((size, rate * faster) for size, rate in speed.compute_by_ubatch),
    )


def _active_layers(model: ModelFacts) -> int:
    return sum(bool(layer.active_bytes) for layer in model.layers)


def _scale(predicted_seconds: float, measured_seconds: float, fixed_seconds: float) -> float:
    """By how much faster than predicted the part was that is not a charge."""
    left = max(measured_seconds - fixed_seconds, 0.1 * measured_seconds)
    return min(MOST_SCALE, max(LEAST_SCALE, predicted_seconds / left)) if predicted_seconds > 0 else 1.0


def speed_of(prefill_tokens_per_second: float, decode_tokens_per_second: float, model: ModelFacts, source: str = "") -> Speed:
    """The effective speed of the one worker that was measured with this model, and with nothing else."""
    token_seconds = 1 / decode_tokens_per_second
    reading_seconds = max(token_seconds - LOOPBACK_OVERHEAD_SECONDS, token_seconds * 0.1)
    read_bytes_per_second = active_bytes_of(model) / reading_seconds
    batch_seconds = PROMPT_TOKENS / prefill_tokens_per_second
    # Only the last token of a prompt goes through the output head, which is then read once.
    computing_seconds = batch_seconds - LOOPBACK_OVERHEAD_SECONDS - model.head_bytes / read_bytes_per_second
    computing_seconds = max(computing_seconds, batch_seconds * 0.1)
    return Speed(
        read_bytes_per_second=read_bytes_per_second,
        compute_flops_per_second=PROMPT_TOKENS * flops_per_prompt_token(model) / computing_seconds,
        overhead_seconds=LOOPBACK_OVERHEAD_SECONDS,
        measured=True,
        source=source,
    )


def speed_key(offer: WorkerOffer, runtime_id: str, model: ModelFacts) -> str:
    """Under which name a measurement is kept: another machine, device, thread count, build or model means another speed,
    and so does another way to it."""
    return part_key(offer, runtime_id, model.name)


def part_key(offer: WorkerOffer, runtime_id: str, part: str) -> str:
    """The same for a part of a calibration: ``calls``, ``type q4_K``."""
    way = () if offer.exposure is Exposure.LOOPBACK else (offer.machine_id, offer.exposure)
    device = (offer.machine_name, offer.runtime_name, offer.description, str(offer.threads))
    return "|".join((*way, *device, runtime_id, part))
