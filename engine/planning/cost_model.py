"""How fast a placement will be: seconds per generated token, and tokens per second of prompt processing.

Decode, one stream: a token walks through the workers in turn, so the times add up::

    T = sum over workers of [ overhead + RTT + transfers + (active weights + KV read at the depth) / read speed ]

RTT counts once per remote worker: only GET_TENSOR waits for an answer (measured: 2.05, 3.07, 4.3 RTT for 2, 3, 4 servers).
Transfers are one hidden state in and one out, on the last remote worker the logits instead.

Prefill of P tokens in m micro-batches of u: a stage takes ``S = max(flops / compute, weights / read) + RTT + transfers``;
llama.cpp keeps up to 4 micro-batches in flight, so ``T = sum S + (m - 1) * max(slowest stage, sum S / 4)``, and ``m * sum S``
with one device. Stages overlap only between processes: devices of one ``per-machine`` server compute strictly in turn, and CPU
workers of one machine share cores and memory bus (two of them gained 1.46 times, not 2), so both are bounded as groups.

Rejected: time = max over workers (a pipeline over requests): stock llama-server walks all slots as one batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.llama_cpp.gguf.kv_cache import kv_bytes_of_layer
from engine.planning.compute_buffers import PIPELINE_COPIES
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.model import LayerFacts, ModelFacts
from engine.vocabulary.plan import PlannedWorker, PredictedThroughput, RunShape
from engine.vocabulary.worker import WorkerOffer

HEADLINE_DEPTH_TOKENS = 256
"""Depth of context at which decode is predicted: about where the standard request after start stands."""
HEADLINE_PROMPT_TOKENS = 512
"""Length of prompt at which prefill is predicted: that of the standard request after start."""
ASSUMED_RTT_SECONDS = 0.0003
ASSUMED_LINK_BYTES_PER_SECOND = 117_000_000.0
"""1 GbE as TCP delivers it; for links that are there but were not measured."""
ASSUMED_BYTES_PER_PARAMETER = 0.6
"""About Q4_K_M; only where the header does not give the number of parameters."""
SAME_MACHINE_CPU_OVERLAP = 1.46
"""Measured: two CPU workers of one machine in prefill, against one after the other."""
_ACTIVATION_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeCost:
    """What decode costs on one worker, linear in the bytes read: ``charge + bytes / read speed``."""

    charge_seconds: float
    output_charge_seconds: float
    """The charge when it is the last device: logits instead of a hidden state go back; without the head itself."""
    seconds_per_byte: float


def read_bytes_per_layer(model: ModelFacts, shape: RunShape, depth_tokens: int = HEADLINE_DEPTH_TOKENS) -> tuple[int, ...]:
    """Bytes that one token reads per layer: active weights, and the KV of the context so far."""
    depth = max(1, min(depth_tokens, shape.context_tokens))
    at_depth = RunShape(
        context_tokens=depth,
        slots=1,
        ubatch_tokens=1,
        cache_type_k=shape.cache_type_k,
        cache_type_v=shape.cache_type_v,
        flash_attention=shape.flash_attention,
    )
    return tuple(layer.active_bytes + kv_bytes_of_layer(layer.kv, at_depth) for layer in model.layers)


def decode_cost(offer: WorkerOffer, model: ModelFacts) -> DecodeCost | None:
    """``None`` when the worker's speed is not known."""
    if offer.speed is None:
        return None
    rtt, link_speed = _link_of(offer)
    hidden = _ACTIVATION_BYTES * model.n_embd
    logits = _ACTIVATION_BYTES * model.n_vocab
    charge = offer.speed.overhead_seconds + rtt
    return DecodeCost(
        charge_seconds=charge + 2 * hidden / link_speed,
        output_charge_seconds=charge + (hidden + logits) / link_speed,
        seconds_per_byte=1.0 / offer.speed.read_bytes_per_second,
    )


def decode_seconds_of(offer: WorkerOffer, model: ModelFacts, read_bytes: int, *, holds_output: bool) -> float | None:
    """Seconds of every token that are spent on this worker; ``None`` when its speed is not known."""
    cost = decode_cost(offer, model)
    if cost is None:
        return None
    if holds_output:
        return cost.output_charge_seconds + (read_bytes + model.head_bytes) * cost.seconds_per_byte
    return cost.charge_seconds + read_bytes * cost.seconds_per_byte


def share_seconds(worker: PlannedWorker, model: ModelFacts, read_bytes: Sequence[int]) -> float | None:
    """``decode_seconds_of`` for a planned share."""
    first = worker.first_layer or 0
    read = sum(read_bytes[first : first + worker.n_layers])
    return decode_seconds_of(worker.offer, model, read, holds_output=worker.holds_output)


def decode_seconds(
    workers: Iterable[PlannedWorker], model: ModelFacts, shape: RunShape, depth_tokens: int = HEADLINE_DEPTH_TOKENS
) -> float | None:
    """Seconds per generated token, or ``None`` when the speed of a used worker is not known."""
    read = read_bytes_per_layer(model, shape, depth_tokens)
    total = 0.0
    for worker in workers:
        seconds = share_seconds(worker, model, read) if worker.used else 0.0
        if seconds is None:
            return None
        total += seconds
    return total


def prefill_seconds(workers: Sequence[PlannedWorker], model: ModelFacts, shape: RunShape, prompt_tokens: int) -> float | None:
    """Seconds to process a prompt, or ``None`` when a used worker's compute speed is not known."""
    tokens = min(shape.ubatch_tokens, prompt_tokens, shape.context_tokens)
    stages = [(worker, _stage_seconds(worker, model, tokens)) for worker in workers if worker.used]
    known = [(worker, seconds) for worker, seconds in stages if seconds is not None]
    if len(known) < len(stages) or not known or not tokens:
        return None
    n_batches = -(-prompt_tokens // tokens)
    walk = sum(seconds for _, seconds in known)
    head = _head_seconds(known[-1][0].offer, model)
    if len(known) == 1:
        return n_batches * walk + head
    return walk + (n_batches - 1) * max(_slowest_stage(known), walk / PIPELINE_COPIES) + head


def predict(workers: Sequence[PlannedWorker], model: ModelFacts, shape: RunShape) -> PredictedThroughput:
    """Tokens per second of a plan; ``None`` where a speed is missing, with the reason in ``basis``."""
    used = [worker for worker in workers if worker.used]
    silent = [worker.id for worker in used if worker.offer.speed is None]
    if silent:
        return PredictedThroughput(basis=f"No prediction: the speed of {', '.join(silent)} is not known.")
    if not any(layer.active_bytes for layer in model.layers):
        return PredictedThroughput(basis="No prediction: these layers have no size.")
    decode = decode_seconds(used, model, shape)
    prompt = min(HEADLINE_PROMPT_TOKENS, shape.context_tokens)
    prefill = prefill_seconds(used, model, shape, prompt)
    return PredictedThroughput(
        decode_tokens_per_second=1.0 / decode if decode else None,
        prefill_tokens_per_second=prompt / prefill if prefill else None,
        basis=_basis(used),
    )


def _basis(used: Sequence[PlannedWorker]) -> str:
    speeds = [worker.offer.speed for worker in used if worker.offer.speed is not None]
    measured = sum(speed.measured for speed in speeds)
    if measured == len(speeds):
        basis = "measured on these workers"
    elif measured:
        basis = f"measured on {measured} of {len(speeds)} workers, given for the others"
    else:
        basis = "speeds as given, not measured"
    links = [worker.offer.link for worker in used if worker.offer.link is not None]
    if any(link.rtt_seconds is None or link.bytes_per_second is None for link in links):
        basis += "; links assumed 1 Gbit/s with 0.3 ms"
    return basis


def _link_of(offer: WorkerOffer) -> tuple[float, float]:
    """RTT in seconds and bytes per second; loopback costs nothing beyond the overhead."""
    if offer.link is None:
        return 0.0, float("inf")
    rtt = ASSUMED_RTT_SECONDS if offer.link.rtt_seconds is None else offer.link.rtt_seconds
    return rtt, offer.link.bytes_per_second or ASSUMED_LINK_BYTES_PER_SECOND


def _stage_seconds(worker: PlannedWorker, model: ModelFacts, tokens: int) -> float | None:
    speed = worker.offer.speed
    if speed is None or speed.compute_flops_per_second is None:
        return None
    first = worker.first_layer or 0
    layers = model.layers[first : first + worker.n_layers]
    flops = 2.0 * tokens * sum(layer.active_bytes for layer in layers) * _parameters_per_byte(model)
    read = sum(_bytes_read_by_batch(layer, model, tokens) for layer in layers)
    rtt, link_speed = _link_of(worker.offer)
    compute = max(flops / speed.compute_flops_per_second, read / speed.read_bytes_per_second)
    return compute + speed.overhead_seconds + rtt + 2 * tokens * _ACTIVATION_BYTES * model.n_embd / link_speed


def _bytes_read_by_batch(layer: LayerFacts, model: ModelFacts, tokens: int) -> float:
    """A batch wakes more experts than one token: ``E (1 - (1 - k/E)^n)`` of them on average."""
    if layer.active_bytes >= layer.weights_bytes or not model.n_experts:
        return float(layer.active_bytes)
    idle_share = (1.0 - model.n_experts_used / model.n_experts) ** tokens
    one_token_share = model.n_experts_used / model.n_experts
    experts = (layer.weights_bytes - layer.active_bytes) / (1.0 - one_token_share) if one_token_share < 1.0 else 0.0
    return layer.weights_bytes - experts * idle_share


def _head_seconds(offer: WorkerOffer, model: ModelFacts) -> float:
    """Only the last token of a prompt goes through the output head."""
    return model.head_bytes / offer.speed.read_bytes_per_second if offer.speed is not None else 0.0


def flops_per_prompt_token(model: ModelFacts) -> float:
    """Floating-point operations of one prompt token in the layers: two per active parameter. Without the head, which a prompt
    passes once. Calibration divides by the same figure, so that what was measured is predicted."""
    return 2.0 * sum(layer.active_bytes for layer in model.layers) * _parameters_per_byte(model)


def _parameters_per_byte(model: ModelFacts) -> float:
    if model.n_parameters and model.total_bytes:
        return model.n_parameters / model.total_bytes
    return 1.0 / ASSUMED_BYTES_PER_PARAMETER


def _slowest_stage(stages: Sequence[tuple[PlannedWorker, float]]) -> float:
    """The longest stage, where workers that cannot overlap count together."""
    groups = [seconds for _, seconds in stages]
    endpoints = {worker.offer.endpoint for worker, _ in stages}
    groups += [sum(s for worker, s in stages if worker.offer.endpoint == endpoint) for endpoint in sorted(endpoints)]
    for machine in sorted({worker.offer.machine_id for worker, _ in stages}):
        shared = [s for w, s in stages if w.offer.machine_id == machine and w.kind is DeviceKind.CPU]
        groups.append(sum(shared) / SAME_MACHINE_CPU_OVERLAP if len(shared) > 1 else 0.0)
    return max(groups)
