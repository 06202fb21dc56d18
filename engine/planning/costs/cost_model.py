"""How fast a placement will be: seconds per generated token, per prompt, to the first token, and to load.

Decode: a token walks through the workers in turn, so the times add up::

    T = host + sum over workers of [ overhead + r * RTT + transfers
                                     + sum over its layers of (layer overhead + weights by type / read speed + KV / KV speed) ]

``r`` is 1 where only GET_TENSOR waits for an answer (RPC protocol 6 and newer; measured 2.05, 3.07, 4.3 RTT for 2, 3, 4
servers) and 2 before that. Transfers are one hidden state in and one out, on the last device the logits instead. ``N`` slots
are one batch: weights are read once, and the rate is ``N / T(N)``.

Prefill in m micro-batches: a stage takes ``S = max(flops / compute, weights / read) + RTT + transfers``. The coordinator has
one thread, and it waits at every hand-over from one device to the next (ggml-backend.cpp: ``ggml_backend_synchronize`` of the
input's backend, as RPC has no ``cpy_tensor_async``). So only the *last* device computes beside the others, which is why
published prefill rates peak at two devices and fall with three and four (PR 18626)::

    T = sum S + (m - 1) * max(sum S of all but the last, S of the last)

Devices of one ``per-machine`` server compute strictly in turn, and CPU workers of one machine share cores and memory bus (two
of them gained 1.46 times, not 2). llama-server breaks a prompt where it keeps a checkpoint of a cache that cannot be rolled
back (sliding windows, recurrent states), and waits there: nothing overlaps over such a break, and the copy takes its time
(``checkpoints``).

Rejected: time = max over workers (a pipeline over requests: stock llama-server walks all slots as one batch), and a prefill
where up to four devices compute at once (only the copies of inputs are four).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.llama_cpp.gguf.kv_cache import kv_bytes_read
from engine.planning.costs.checkpoints import checkpoint_depths, layers_checkpoint_seconds, prompt_pieces
from engine.planning.costs.layer_costs import (
    ACTIVATION_BYTES,
    HEADLINE_DEPTH_TOKENS,
    HEADLINE_PROMPT_TOKENS,
    charge_seconds,
    head_seconds,
    host_seconds,
    layer_decode_seconds,
    layers_decode_seconds,
    layers_prefill_seconds,
    path_seconds,
    prefill_charge_seconds,
)
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.model import ModelFacts, of_each_layer
from engine.vocabulary.plan import PlannedWorker, PredictedThroughput, RunShape
from engine.vocabulary.worker import Speed, WorkerOffer

SAME_MACHINE_CPU_OVERLAP = 1.46
"""Measured: two CPU workers of one machine in prefill, against one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeCost:
    """What decode costs on one worker, linear in the bytes read: ``charge + bytes / read speed``."""

    charge_seconds: float
    output_charge_seconds: float
    """The charge when it is the last device: logits instead of a hidden state go back; without the head itself."""
    seconds_per_byte: float


def read_bytes_per_layer(model: ModelFacts, shape: RunShape, depth_tokens: int = HEADLINE_DEPTH_TOKENS) -> tuple[int, ...]:
    """Bytes that one token reads per layer: active weights, and the KV of the context so far."""
    return tuple(of_each_layer(model.layers, lambda layer: layer.active_bytes + kv_bytes_read(layer.kv, shape, depth_tokens)))


def decode_cost(offer: WorkerOffer, model: ModelFacts) -> DecodeCost | None:
    """``None`` when the worker's speed is not known."""
    charge = charge_seconds(offer, model, last=False)
    output_charge = charge_seconds(offer, model, last=True)
    if offer.speed is None or charge is None or output_charge is None:
        return None
    return DecodeCost(
        charge_seconds=charge,
        output_charge_seconds=output_charge,
        seconds_per_byte=1.0 / offer.speed.read_bytes_per_second,
    )


def share_seconds(
    worker: PlannedWorker,
    model: ModelFacts,
    shape: RunShape,
    *,
    depth_tokens: int = HEADLINE_DEPTH_TOKENS,
    slots: int = 1,
) -> float | None:
    """Seconds of every decode step that are spent on this worker; ``None`` when its speed is not known."""
    offer = worker.offer
    charge = charge_seconds(offer, model, last=worker.holds_output, slots=slots, asynchronous=shape.asynchronous_rpc)
    if offer.speed is None or charge is None:
        return None
    first = worker.first_layer or 0
    held = model.layers[first : first + worker.n_layers]
    layers = layers_decode_seconds(offer.speed, model, shape, layers=held, depth_tokens=depth_tokens, slots=slots)
    head = head_seconds(offer.speed, model) if worker.holds_output else 0.0
    return charge + head + sum(layers)


def layer_seconds(worker: PlannedWorker, layer: int, model: ModelFacts, shape: RunShape) -> float | None:
    """Seconds of every generated token that one layer (``n_layers``: the output head) takes on this worker, without the charge
    for using it at all; ``None`` when its speed is not known."""
    speed = worker.offer.speed
    if speed is None:
        return None
    return (
        head_seconds(speed, model)
        if layer == model.n_layers
        else layer_decode_seconds(speed, model, shape, model.layers[layer])
    )


def decode_seconds(
    workers: Iterable[PlannedWorker],
    model: ModelFacts,
    shape: RunShape,
    depth_tokens: int = HEADLINE_DEPTH_TOKENS,
    *,
    slots: int = 1,
) -> float | None:
    """Seconds per decode step, which gives every slot one token; ``None`` when the speed of a used worker is not known."""
    shares = [share_seconds(worker, model, shape, depth_tokens=depth_tokens, slots=slots) for worker in workers if worker.used]
    known = [seconds for seconds in shares if seconds is not None]
    return None if len(known) < len(shares) else sum(known) + (host_seconds(model, slots=slots) if known else 0.0)


def batch_tokens_per_second(
    workers: Iterable[PlannedWorker], model: ModelFacts, shape: RunShape, slots: int, depth_tokens: int = HEADLINE_DEPTH_TOKENS
) -> float | None:
    """Tokens per second of all slots together when all of them decode: ``N / T(N)``."""
    seconds = decode_seconds(workers, model, shape, depth_tokens, slots=slots)
    return slots / seconds if seconds else None


def prefill_seconds(workers: Sequence[PlannedWorker], model: ModelFacts, shape: RunShape, prompt_tokens: int) -> float | None:
    """Seconds to process a prompt, or ``None`` when a used worker's compute speed is not known."""
    used = [worker for worker in workers if worker.used]
    prompt = min(prompt_tokens, shape.context_tokens)
    if not used or prompt < 1:
        return None
    pieces = [_piece_seconds(used, model, shape, piece, prompt) for piece in prompt_pieces(model, shape, prompt)]
    known = [seconds for seconds in pieces if seconds is not None]
    if len(known) < len(pieces):
        return None
    saving = sum(_saving_seconds(used, model, shape, depth) for depth in checkpoint_depths(model, shape, prompt))
    return sum(known) + saving + output_seconds(used[-1].offer, model)


def _saving_seconds(used: Sequence[PlannedWorker], model: ModelFacts, shape: RunShape, depth_tokens: int) -> float:
    """One checkpoint, read back from one worker after the other."""
    total = 0.0
    for worker in used:
        first = worker.first_layer or 0
        total += sum(layers_checkpoint_seconds(worker.offer, model, shape, depth_tokens)[first : first + worker.n_layers])
    return total


def _piece_seconds(
    used: Sequence[PlannedWorker], model: ModelFacts, shape: RunShape, tokens: int, prompt: int
) -> float | None:
    full, rest = divmod(tokens, max(1, shape.ubatch_tokens))
    sizes = [shape.ubatch_tokens] * min(full, 1) + [rest] * (rest > 0)
    times: list[tuple[float, float]] = []
    for size in sizes:
        stages = _stages(used, model, shape, size, prompt)
        if stages is None:
            return None
        times.append(
            (sum(stages), period_seconds([worker.offer for worker in used], stages) if shape.asynchronous_rpc else sum(stages))
        )
    walk = times[0][0]
    repeated = times[0][1] * (full - 1) if full else 0.0
    return walk + repeated + (times[1][1] if len(times) > 1 else 0.0)


def _stages(used: Sequence[PlannedWorker], model: ModelFacts, shape: RunShape, tokens: int, prompt: int) -> list[float] | None:
    stages = []
    for worker in used:
        speed = worker.offer.speed
        layers = None if speed is None else layers_prefill_seconds(speed, model, tokens)
        charge = prefill_charge_seconds(worker.offer, model, tokens, asynchronous=shape.asynchronous_rpc, cells=prompt)
        if layers is None or charge is None:
            return None
        first = worker.first_layer or 0
        stages.append(charge + sum(layers[first : first + worker.n_layers]))
    return stages


def period_seconds(used: Sequence[WorkerOffer], stages: Sequence[float]) -> float:
    """Seconds from one micro-batch to the next while the pipeline is full: the coordinator waits for every device but the
    last, devices of one server take turns, and CPU workers of one machine hinder each other."""
    last = used[-1]
    one_server = [offer.endpoint == last.endpoint and not offer.is_native for offer in used]
    one_ram = [offer.kind is last.kind is DeviceKind.CPU and offer.machine_id == last.machine_id for offer in used]
    hindered = _sum_where(stages, one_ram) / SAME_MACHINE_CPU_OVERLAP if sum(one_ram) > 1 else 0.0
    return max(sum(stages[:-1]), stages[-1], _sum_where(stages, one_server), hindered)


def _sum_where(stages: Sequence[float], chosen: Sequence[bool]) -> float:
    return sum(seconds for seconds, is_chosen in zip(stages, chosen, strict=True) if is_chosen)


def output_seconds(offer: WorkerOffer, model: ModelFacts) -> float:
    """Seconds after the layers, once per prompt: only the last token of a prompt goes through the output head, its logits come
    back, and a token is sampled."""
    if offer.speed is None:
        return 0.0
    round_trip = path_seconds(offer, 0, 0, asynchronous=True)  # counted in its stage
    logits = path_seconds(offer, 0, ACTIVATION_BYTES * model.n_vocab, asynchronous=True) - round_trip
    return head_seconds(offer.speed, model) + logits + host_seconds(model)


def first_token_seconds(
    workers: Sequence[PlannedWorker], model: ModelFacts, shape: RunShape, prompt_tokens: int = HEADLINE_PROMPT_TOKENS
) -> float | None:
    """From a request to its first token: the whole prompt, whose last logits give that token."""
    return prefill_seconds(workers, model, shape, prompt_tokens)


def load_seconds(workers: Iterable[PlannedWorker], *, read_bytes_per_second: float = 1e9) -> float:
    """From the file to all workers: llama.cpp sends tensor after tensor, so the workers' times add up. Without what a worker's
    own file cache may already have."""
    total = 0.0
    for worker in workers:
        if worker.used:
            path = path_seconds(worker.offer, worker.weights_bytes, 0, asynchronous=True)
            total += path + worker.weights_bytes / read_bytes_per_second
    return total


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
    others = _words_for_not_measured(speeds)
    if measured == len(speeds):
        basis = "measured on these workers"
    elif measured:
        basis = f"measured on {measured} of {len(speeds)} workers, {others} for the others"
    else:
        basis = "speeds as given, not measured" if others == "given" else f"{others}, not measured"
    links = [worker.offer.link for worker in used if worker.offer.link is not None]
    if any(link.rtt_seconds is None or link.bytes_per_second is None for link in links):
        basis += "; links assumed 1 Gbit/s with 0.3 ms"
    return basis


def _words_for_not_measured(speeds: Iterable[Speed]) -> str:
    sources = {speed.source.startswith("published") for speed in speeds if not speed.measured}
    if sources == {True}:
        return "published figures"
    return "given or published figures" if True in sources else "given"
