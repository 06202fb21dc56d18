"""What one layer and one device cost in decode and in prefill, from a ``Speed``: the terms that ``cost_model`` adds up.

Pure functions without a plan, for planners that need arrays of costs. Everything is in seconds per decode step (one token of
every slot) or per micro-batch. Floating-point operations are two per parameter, and parameters follow from bytes and type,
so that a speed that was measured with one model holds for another.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log2
from types import MappingProxyType

from engine.llama_cpp.gguf.kv_cache import kv_bytes_read
from engine.llama_cpp.gguf.tensor_types import TENSOR_TYPES
from engine.vocabulary.model import LayerFacts, ModelFacts, of_each_layer
from engine.vocabulary.plan import RunShape
from engine.vocabulary.worker import Speed, WorkerOffer

HEADLINE_PROMPT_TOKENS, HEADLINE_DECODE_TOKENS = 512, 64
"""The request for which speeds are predicted: the standard request after start."""
HEADLINE_DEPTH_TOKENS = HEADLINE_PROMPT_TOKENS + HEADLINE_DECODE_TOKENS // 2
"""Depth of context at which decode is predicted: the middle of what that request generates."""
ASSUMED_RTT_SECONDS = 0.0003
ASSUMED_LINK_BYTES_PER_SECOND = 117_000_000.0
"""1 GbE as TCP delivers it; for links that are there but were not measured."""
ASSUMED_BYTES_PER_PARAMETER = 0.6
"""About Q4_K_M; only where the header does not give the number of parameters."""
LOOPBACK_BYTES_PER_SECOND = 2e9
"""TCP on one machine carried 3.3 GB/s; a copy at either end is counted in."""
HOST_SECONDS_PER_VOCABULARY_ENTRY = 2e-9
"""llama-server's own work per token: the samplers look at every entry (3 MB of candidates for 262k). Its loop is noise."""
SYNCHRONOUS_ROUND_TRIPS = 2
"""Per device and step with an RPC protocol below 6: computing is answered too."""
ACTIVATION_BYTES = 4
_MASK_BYTES = 2
"""Per token of a micro-batch and cell of the cache; every device gets the mask from the coordinator."""
_PARAMETERS_PER_BYTE = MappingProxyType({kind.name: kind.block_elements / kind.block_bytes for kind in TENSOR_TYPES.values()})


def layers_decode_seconds(
    speed: Speed,
    model: ModelFacts,
    shape: RunShape,
    *,
    layers: Sequence[LayerFacts] | None = None,
    depth_tokens: int = HEADLINE_DEPTH_TOKENS,
    slots: int = 1,
) -> tuple[float, ...]:
    """Seconds of one decode step per layer (of ``layers``: some of the model's) on a device of this speed, its context
    ``depth_tokens`` long in every slot."""

    def seconds(layer: LayerFacts) -> float:
        return layer_decode_seconds(speed, model, shape, layer, depth_tokens=depth_tokens, slots=slots)

    return tuple(of_each_layer(model.layers if layers is None else layers, seconds))


def layer_decode_seconds(
    speed: Speed,
    model: ModelFacts,
    shape: RunShape,
    layer: LayerFacts,
    *,
    depth_tokens: int = HEADLINE_DEPTH_TOKENS,
    slots: int = 1,
) -> float:
    """The same for one layer of the model."""
    return _layer_decode_seconds(speed, layer, model, slots) + slots * _cache_seconds(speed, layer, shape, depth_tokens)


def cache_seconds(speed: Speed, model: ModelFacts, shape: RunShape, depth_tokens: int) -> float:
    """Seconds of one token's reading of the caches of all layers."""
    return sum(of_each_layer(model.layers, lambda layer: _cache_seconds(speed, layer, shape, depth_tokens)))


def _cache_seconds(speed: Speed, layer: LayerFacts, shape: RunShape, depth_tokens: int) -> float:
    if not layer.active_bytes:
        return 0.0
    return kv_bytes_read(layer.kv, shape, depth_tokens) / (speed.kv_bytes_per_second or speed.read_bytes_per_second)


def _layer_decode_seconds(speed: Speed, layer: LayerFacts, model: ModelFacts, slots: int) -> float:
    if not layer.active_bytes:
        return 0.0
    weights = weights_seconds(speed, layer)
    if slots > 1:
        weights *= _bytes_read_by_batch(layer, model, slots) / layer.active_bytes
        compute = compute_at(speed, slots)
        weights = max(weights, _layer_flops(layer, model, slots) / compute if compute else 0.0)
    return speed.layer_overhead_seconds + weights


def weights_seconds(speed: Speed, layer: LayerFacts) -> float:
    """Seconds to read what one token reads of a layer's weights, each type at its own speed."""
    rates = dict(speed.read_bytes_per_second_by_type)
    typed = sum(size / rates.get(kind, speed.read_bytes_per_second) for kind, size in layer.active_bytes_by_type)
    rest = layer.active_bytes - sum(size for _, size in layer.active_bytes_by_type)
    return typed + rest / speed.read_bytes_per_second


def head_seconds(speed: Speed, model: ModelFacts) -> float:
    """Seconds of the output head on a device, once per token or prompt."""
    rates = dict(speed.read_bytes_per_second_by_type)
    return model.head_bytes / rates.get(model.head_type, speed.read_bytes_per_second)


def charge_seconds(
    offer: WorkerOffer, model: ModelFacts, *, last: bool, slots: int = 1, asynchronous: bool = True
) -> float | None:
    """What it costs to use a device at all in one decode step: call, round trips, what goes in and what comes out (logits from
    the last device), without layers and head. ``None`` when its speed is not known."""
    if offer.speed is None:
        return None
    hidden = ACTIVATION_BYTES * model.n_embd * slots
    back = ACTIVATION_BYTES * model.n_vocab * slots if last else hidden
    return offer.speed.overhead_seconds + path_seconds(offer, hidden, back, asynchronous=asynchronous)


def host_seconds(model: ModelFacts, *, slots: int = 1) -> float:
    """What llama-server itself does per decode step."""
    return slots * HOST_SECONDS_PER_VOCABULARY_ENTRY * model.n_vocab


def path_seconds(offer: WorkerOffer, sent_bytes: float, received_bytes: float, *, asynchronous: bool) -> float:
    """Round trips and transfers of one exchange with a device; what is not known of its link is assumed. Nothing for a device
    that llama-server uses itself: what little goes there and back is part of its measured charge."""
    if offer.is_native:
        return 0.0
    link = offer.link
    if link is None:
        return (sent_bytes + received_bytes) / LOOPBACK_BYTES_PER_SECOND
    rtt = ASSUMED_RTT_SECONDS if link.rtt_seconds is None else link.rtt_seconds
    forth = link.bytes_per_second or ASSUMED_LINK_BYTES_PER_SECOND
    back = link.receive_bytes_per_second or forth
    return (1 if asynchronous else SYNCHRONOUS_ROUND_TRIPS) * rtt + sent_bytes / forth + received_bytes / back


def layers_prefill_seconds(speed: Speed, model: ModelFacts, tokens: int) -> tuple[float, ...] | None:
    """Seconds of one micro-batch of ``tokens`` per layer; ``None`` when the compute speed is not known."""
    compute = compute_at(speed, tokens)
    if compute is None:
        return None

    def seconds(layer: LayerFacts) -> float:
        flops, active = _layer_flops(layer, model, tokens), layer.active_bytes
        read = weights_seconds(speed, layer) * _bytes_read_by_batch(layer, model, tokens) / active if active else 0.0
        return max(flops / compute, read) + speed.layer_overhead_seconds * bool(active)

    return tuple(of_each_layer(model.layers, seconds))


def prefill_charge_seconds(
    offer: WorkerOffer, model: ModelFacts, tokens: int, *, asynchronous: bool = True, cells: int | None = None
) -> float | None:
    """What a device costs per micro-batch beside its layers: call, round trip, hidden states both ways, the mask."""
    if offer.speed is None:
        return None
    hidden = tokens * ACTIVATION_BYTES * model.n_embd
    mask = tokens * (tokens if cells is None else cells) * _MASK_BYTES if model.n_embd else 0
    return offer.speed.overhead_seconds + path_seconds(offer, hidden + mask, hidden, asynchronous=asynchronous)


def compute_at(speed: Speed, tokens: int) -> float | None:
    """Flops per second with micro-batches of this size: between two measured sizes linear in the logarithm of the size."""
    points = speed.compute_by_ubatch
    if not points:
        return speed.compute_flops_per_second
    if tokens <= points[0][0]:
        return points[0][1]
    for (low, slower), (high, faster) in pairwise(points):
        if tokens <= high:
            return slower + (faster - slower) * log2(tokens / low) / log2(high / low)
    return points[-1][1]


def _layer_flops(layer: LayerFacts, model: ModelFacts, tokens: int) -> float:
    typed = sum(size * _PARAMETERS_PER_BYTE.get(kind, 0.0) for kind, size in layer.active_bytes_by_type)
    return 2.0 * tokens * (typed or layer.active_bytes * _parameters_per_byte(model))


def _bytes_read_by_batch(layer: LayerFacts, model: ModelFacts, tokens: int) -> float:
    """A batch wakes more experts than one token: ``E (1 - (1 - k/E)^n)`` of them on average."""
    if layer.active_bytes >= layer.weights_bytes or not model.n_experts:
        return float(layer.active_bytes)
    idle_share = (1.0 - model.n_experts_used / model.n_experts) ** tokens
    one_token_share = model.n_experts_used / model.n_experts
    experts = (layer.weights_bytes - layer.active_bytes) / (1.0 - one_token_share) if one_token_share < 1.0 else 0.0
    return layer.weights_bytes - experts * idle_share


def flops_per_prompt_token(model: ModelFacts) -> float:
    """Floating-point operations of one prompt token in the layers: two per active parameter. Without the head, which a prompt
    passes once. Calibration divides by the same figure, so that what was measured is predicted."""
    return sum(of_each_layer(model.layers, lambda layer: _layer_flops(layer, model, 1)))


def _parameters_per_byte(model: ModelFacts) -> float:
    if model.n_parameters and model.total_bytes:
        return model.n_parameters / model.total_bytes
    return 1.0 / ASSUMED_BYTES_PER_PARAMETER
