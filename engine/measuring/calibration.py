"""Calibration, pure: from what ``llama-bench`` prints to the effective speed of a worker.

Decode reads every active weight once per token, so the time of a token on one worker is
``overhead + active_bytes / read_bytes_per_second`` (section 3 of the planning notes, one device). Prefill is compute-bound:
``2 * parameters * tokens / seconds`` flops per second. Both are *effective* figures of llama.cpp on this device through the
very path that is used (rpc-server on loopback), not what a data sheet says.

A later version measures every quantisation type apart and the KV cache; this one measures the model that will be run, or
the small demo model when that one is too large for a quick run, and says which.
"""

from __future__ import annotations

import json

from engine.errors import RuntimeUnavailable
from engine.planning.layer_costs import flops_per_prompt_token
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.worker import Exposure, Speed, WorkerOffer

PROMPT_TOKENS = 256
DECODE_TOKENS = 24
REPETITIONS = 2

LOOPBACK_OVERHEAD_SECONDS = 0.0005
"""0.4-0.7 ms per loopback hop was measured with 1 to 15 workers."""


def active_bytes_of(model: ModelFacts) -> int:
    """Weights that one token reads: active layers and the output head. The input embedding is one row: nothing."""
    return sum(layer.active_bytes for layer in model.layers) + model.head_bytes


def rates_in(lines: tuple[str, ...]) -> tuple[float, float]:
    """(prefill, decode) tokens per second from ``llama-bench -o json``. Raises ``RuntimeUnavailable``."""
    prefill = decode = None
    for row in _rows(lines):
        if row.get("n_prompt"):
            prefill = row.get("avg_ts")
        elif row.get("n_gen"):
            decode = row.get("avg_ts")
    if not isinstance(prefill, float) or not isinstance(decode, float) or prefill <= 0 or decode <= 0:
        said = next((line for line in reversed(lines) if line.strip()), "nothing")
        raise RuntimeUnavailable(f"llama-bench did not measure anything; its last words: {said}", advice="See its log.")
    return prefill, decode


def _rows(lines: tuple[str, ...]) -> tuple[dict[str, object], ...]:
    """The JSON array in the output: from the line ``[`` to the line ``]``; other lines (stderr) stand before and after it."""
    try:
        begin = lines.index("[")
        rows = json.loads("\n".join(lines[begin : lines.index("]", begin) + 1]))
    except ValueError:
        return ()
    return tuple(row for row in rows if isinstance(row, dict))


def speed_of(prefill_tokens_per_second: float, decode_tokens_per_second: float, model: ModelFacts) -> Speed:
    """The effective speed of the one worker that was measured with this model.

    The inverse of the planner's cost model for one worker and one micro-batch (``planning.cost_model``), so that a prediction
    for the measured case gives back the measurement.
    """
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
    )


def speed_key(offer: WorkerOffer, runtime_id: str, model: ModelFacts) -> str:
    """Under which name a measurement is kept: another machine, device, thread count, build or model means another speed,
    and so does another way to it."""
    way = () if offer.exposure is Exposure.LOOPBACK else (offer.machine_id, offer.exposure)
    device = (offer.machine_name, offer.runtime_name, offer.description, str(offer.threads))
    return "|".join((*way, *device, runtime_id, model.name))
