"""What a share of the model takes on a worker: weights, output head, KV cache, compute buffers; and what is left for layers.

The searches work with prefix sums over layers and one number per worker (its budget for layers); ``share_of`` then reckons
the exact needs of a finished plan, which are never larger than what the search assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from operator import add

from engine.llama_cpp.gguf.kv_cache import kv_bytes_of_layer
from engine.planning.memory.compute_buffers import DeviceRole, compute_bytes, host_bytes
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.model import ModelFacts, of_each_layer
from engine.vocabulary.plan import PlannedWorker, PlanRequest, RunShape
from engine.vocabulary.worker import WorkerOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeeds:
    """Needs of a model under a shape. Prefix sums: entry ``i`` is the sum over the layers before layer ``i``."""

    weights_before: tuple[int, ...]
    kv_before: tuple[int, ...]
    bytes_before: tuple[int, ...]
    """Weights and KV together."""
    head_bytes: int
    layer_compute_bytes: int
    """Compute buffer of a worker that does not hold the output, at most."""
    output_compute_bytes: int
    """Compute buffer of the worker with the output, at most."""
    alone_compute_bytes: int
    """Compute buffer of a worker that holds everything: nothing is pipelined then."""

    @property
    def total_bytes(self) -> int:
        """Weights of all layers, the head and the whole KV cache, without compute buffers."""
        return self.bytes_before[-1] + self.head_bytes


def memory_needs(model: ModelFacts, shape: RunShape, *, outputs_per_slot: bool = False) -> MemoryNeeds:
    """Reckon it all once per plan."""
    rows = shape.slots if outputs_per_slot else None
    weights = tuple(accumulate((layer.weights_bytes for layer in model.layers), initial=0))
    kv = tuple(accumulate(of_each_layer(model.layers, lambda layer: kv_bytes_of_layer(layer.kv, shape)), initial=0))
    middle = DeviceRole(pipelined=True)
    output = DeviceRole(pipelined=True, holds_output=True)
    alone = DeviceRole(pipelined=False, is_first=True, holds_output=True)
    return MemoryNeeds(
        weights_before=weights,
        kv_before=kv,
        bytes_before=tuple(map(add, weights, kv)),
        head_bytes=model.head_bytes,
        layer_compute_bytes=compute_bytes(model, shape, middle, model.layers),
        output_compute_bytes=compute_bytes(model, shape, output, model.layers, logit_rows=rows),
        alone_compute_bytes=compute_bytes(model, shape, alone, model.layers, logit_rows=rows),
    )


def coordinator_bytes(model: ModelFacts, shape: RunShape, *, pipelined: bool = True) -> int:
    """RAM that llama-server takes: the input embedding, tensors of no layer, its own buffers."""
    return model.embedding_bytes + model.other_bytes + host_bytes(model, shape, pipelined=pipelined)


def usable_bytes(offer: WorkerOffer, request: PlanRequest, coordinator: int) -> int:
    """Safe memory of a worker, less its part of what llama-server takes from the coordinator machine's RAM.

    CPU workers of that machine share the charge, each in proportion to what it offers.
    """
    if offer.kind is not DeviceKind.CPU or offer.machine_id != request.coordinator_machine:
        return offer.safe_bytes
    cpu_bytes = [
        other.safe_bytes
        for other in request.offers
        if other.kind is DeviceKind.CPU and other.machine_id == request.coordinator_machine
    ]
    part = -(-coordinator * offer.safe_bytes // sum(cpu_bytes)) if sum(cpu_bytes) else coordinator
    return max(0, offer.safe_bytes - part)


def share_of(
    offer: WorkerOffer, needs: MemoryNeeds, request: PlanRequest, *, first: int, n_layers: int, role: DeviceRole
) -> PlannedWorker:
    """The share of one worker that is used, with its exact needs."""
    end = first + n_layers
    weights = needs.weights_before[end] - needs.weights_before[first]
    rows = request.shape.slots if request.outputs_per_slot else None
    return PlannedWorker(
        offer=offer,
        first_layer=first if n_layers else None,
        n_layers=n_layers,
        holds_output=role.holds_output,
        weights_bytes=weights + (needs.head_bytes if role.holds_output else 0),
        kv_bytes=needs.kv_before[end] - needs.kv_before[first],
        compute_bytes=compute_bytes(request.model, request.shape, role, request.model.layers[first:end], logit_rows=rows),
    )


def unused(offer: WorkerOffer) -> PlannedWorker:
    """A worker that is left out."""
    return PlannedWorker(
        offer=offer, first_layer=None, n_layers=0, holds_output=False, weights_bytes=0, kv_bytes=0, compute_bytes=0
    )
