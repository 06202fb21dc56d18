"""Calibration with a whole model alone, pure: from what ``llama-bench`` prints to the effective speed of a worker.

For where the made-up models (``probes``) cannot be run: one read speed and one compute speed are all that a model tells, and
are said to be that. The inverse of the planner's cost model for one worker, so that a prediction for the measured case gives
it back. Beside made-up models a whole one anchors what they gave: ``whole_model``.
"""

from __future__ import annotations

from engine.errors import RuntimeUnavailable
from engine.measuring.bench_rows import rows_in
from engine.planning.costs.layer_costs import flops_per_prompt_token
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.machine import Machine, MachineLoad
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.runtime import Runtime
from engine.vocabulary.worker import Exposure, Speed, WorkerOffer

PROMPT_TOKENS = 256
DECODE_TOKENS = 24
REPETITIONS = 2

LOAD_CHANGE_FRACTION = 0.3
"""A device that is by so much busier, or less busy, than when it was measured is measured again. A third of a processor: a
sample of two seconds sees bursts of a tenth or two on an idle desktop."""

LOOPBACK_OVERHEAD_SECONDS = 0.0005
"""0.4-0.7 ms per loopback hop was measured with 1 to 15 workers."""


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


def speed_of(
    prefill_tokens_per_second: float,
    decode_tokens_per_second: float,
    model: ModelFacts,
    source: str = "",
    *,
    overhead_seconds: float = LOOPBACK_OVERHEAD_SECONDS,
) -> Speed:
    """The effective speed of the one worker that was measured with this model, and with nothing else. ``overhead_seconds``:
    of a call, 0 for a device that llama-server uses itself."""
    token_seconds = 1 / decode_tokens_per_second
    reading_seconds = max(token_seconds - overhead_seconds, token_seconds * 0.1)
    read_bytes_per_second = active_bytes_of(model) / reading_seconds
    batch_seconds = PROMPT_TOKENS / prefill_tokens_per_second
    # Only the last token of a prompt goes through the output head, which is then read once.
    computing_seconds = batch_seconds - overhead_seconds - model.head_bytes / read_bytes_per_second
    computing_seconds = max(computing_seconds, batch_seconds * 0.1)
    return Speed(
        read_bytes_per_second=read_bytes_per_second,
        compute_flops_per_second=PROMPT_TOKENS * flops_per_prompt_token(model) / computing_seconds,
        overhead_seconds=overhead_seconds,
        measured=True,
        source=source,
    )


def busy_fraction(offer: WorkerOffer, machine: Machine | None, load: MachineLoad | None) -> float | None:
    """How busy the device of a worker is with other work; ``None`` = not known."""
    if load is None or machine is None:
        return None
    if offer.kind is DeviceKind.CPU:
        return load.cpu_busy_fraction
    busy = {gpu.runtime_name: fraction for gpu, fraction in zip(machine.gpus, load.gpu_busy_fractions, strict=False)}
    return busy.get(offer.runtime_name)


def is_outdated(speed: Speed, busy_now: float | None) -> bool:
    """Whether the device is now so much busier, or so much less busy, that what was measured says little."""
    if not speed.measured or speed.busy_fraction is None or busy_now is None:
        return False
    return abs(speed.busy_fraction - busy_now) > LOAD_CHANGE_FRACTION


def speed_key(offer: WorkerOffer, runtime: Runtime, model: ModelFacts) -> str:
    """Under which name a measurement is kept: another machine, device, thread count, build or model means another speed,
    and so does another way to it: a tunnel, or none at all for what llama-server uses itself. A model's name is that of all
    its quantisations (``general.name``), so its size stands beside it."""
    return part_key(offer, runtime, f"{model.name}, {model.total_bytes} bytes")


def part_key(offer: WorkerOffer, runtime: Runtime, part: str) -> str:
    """The same for a part of a calibration: ``calls``, ``type q4_K``."""
    way = () if offer.exposure is Exposure.LOOPBACK else (offer.machine_id, offer.exposure)
    device = (offer.machine_name, offer.runtime_name, offer.description, str(offer.threads))
    return "|".join((*way, *device, _build_key(runtime), part))


def _build_key(runtime: Runtime) -> str:
    """The folder alone would be the same after a newer llama.cpp was put into it, as an update of a package does."""
    commit = runtime.commit or str(runtime.build_number or "")
    return runtime.id if not commit or commit in runtime.id else f"{runtime.id} {commit}"
