"""What every device costs the solver: seconds per layer and per use, in decode and for one micro-batch of a prompt.

This is the contract between the cost model and the search. Costs add up: a device that holds the layers ``i..j`` takes
``charge + sum(layer_seconds[i..j])``, and as the last one ``output_charge + sum(...) + head``. Everything that depends on the
kind of tensor, of cache or of link is in these figures; the search knows none of it. Rejected: one speed per device (the
search would have to know bytes, and a device that reads q4_K slower than q8_0 could not be told).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.planning.costs.checkpoints import checkpoint_depths, layers_checkpoint_seconds, prompt_pieces
from engine.planning.costs.cost_model import output_seconds
from engine.planning.costs.layer_costs import (
    HEADLINE_PROMPT_TOKENS,
    charge_seconds,
    head_seconds,
    layers_decode_seconds,
    layers_prefill_seconds,
    prefill_charge_seconds,
)
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import RunShape
from engine.vocabulary.worker import WorkerOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class PassCosts:
    """Seconds of one pass through a device: of one token in decode, or of one micro-batch of a prompt."""

    layer_seconds: tuple[float, ...]
    charge_seconds: float
    """For using the device at all: call, round trip, what goes in and out."""
    output_charge_seconds: float
    """The same when it is the last device, without the head itself."""
    head_seconds: float
    """The output head on this device, of every pass. 0 in a micro-batch: a prompt passes the head once (``once_seconds``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCosts:
    """One device, for one model and shape."""

    decode: PassCosts
    stages: tuple[PassCosts, ...] | None
    """One micro-batch of each of ``prompt_passes``; ``None`` = the device's compute speed is not known."""
    once_seconds: float
    """As the last device, once per prompt: head and logits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptPass:
    """The micro-batches of one size in the headline prompt: ``walks * (sum of stages) + periods * (period of the stages)``.

    Or one checkpoint of the cache: a walk that computes nothing.
    """

    tokens: int
    """Of a micro-batch; of a checkpoint those that are in the cache by then."""
    walks: int
    """Micro-batches that nothing overlaps."""
    periods: int
    """Micro-batches that follow another in the pipeline (``cost_model.period_seconds``)."""
    saves: bool = False
    """A checkpoint."""


def headline_prompt_tokens(shape: RunShape) -> int:
    """Length of the prompt at which ``cost_model.predict`` predicts prefill."""
    return min(HEADLINE_PROMPT_TOKENS, shape.context_tokens)


def prompt_passes(model: ModelFacts, shape: RunShape) -> tuple[PromptPass, ...]:
    """The headline prompt in micro-batches and checkpoints, as ``cost_model.prefill_seconds`` reckons it."""
    walks: dict[int, int] = {}
    periods: dict[int, int] = {}
    prompt = headline_prompt_tokens(shape)
    for piece in prompt_pieces(model, shape, prompt):
        sizes = list(_micro_batches(piece, max(1, shape.ubatch_tokens)))
        for place, size in enumerate(sizes):
            overlapped = place > 0 and shape.asynchronous_rpc
            counted = periods if overlapped else walks
            counted[size] = counted.get(size, 0) + 1
    every = dict.fromkeys([*walks, *periods])
    batches = (PromptPass(tokens=size, walks=walks.get(size, 0), periods=periods.get(size, 0)) for size in every)
    saving = (PromptPass(tokens=depth, walks=1, periods=0, saves=True) for depth in checkpoint_depths(model, shape, prompt))
    return (*batches, *saving)


def _micro_batches(tokens: int, most: int) -> Iterator[int]:
    while tokens > 0:
        yield min(most, tokens)
        tokens -= most


def device_costs(
    offer: WorkerOffer, model: ModelFacts, shape: RunShape, passes: Sequence[PromptPass] | None = None
) -> DeviceCosts | None:
    """All costs of one device; ``None`` when its speed is not known. ``passes``: ``prompt_passes``, where they are known."""
    speed, is_async = offer.speed, shape.asynchronous_rpc
    charge = charge_seconds(offer, model, last=False, asynchronous=is_async)
    output_charge = charge_seconds(offer, model, last=True, asynchronous=is_async)
    if speed is None or charge is None or output_charge is None:
        return None
    decode = PassCosts(
        layer_seconds=layers_decode_seconds(speed, model, shape),
        charge_seconds=charge,
        output_charge_seconds=output_charge,
        head_seconds=head_seconds(speed, model),
    )
    stages = [
        _saving(offer, model, shape, each.tokens) if each.saves else _stage(offer, model, shape, each.tokens)
        for each in (prompt_passes(model, shape) if passes is None else passes)
    ]
    known = tuple(stage for stage in stages if stage is not None)
    return DeviceCosts(
        decode=decode, stages=known if len(known) == len(stages) else None, once_seconds=output_seconds(offer, model)
    )


def _stage(offer: WorkerOffer, model: ModelFacts, shape: RunShape, tokens: int) -> PassCosts | None:
    cells = headline_prompt_tokens(shape)
    charge = prefill_charge_seconds(offer, model, tokens, asynchronous=shape.asynchronous_rpc, cells=cells)
    layers = None if offer.speed is None else layers_prefill_seconds(offer.speed, model, tokens)
    if layers is None or charge is None:
        return None
    return PassCosts(layer_seconds=layers, charge_seconds=charge, output_charge_seconds=charge, head_seconds=0.0)


def _saving(offer: WorkerOffer, model: ModelFacts, shape: RunShape, depth_tokens: int) -> PassCosts:
    layers = layers_checkpoint_seconds(offer, model, shape, depth_tokens)
    return PassCosts(layer_seconds=layers, charge_seconds=0.0, output_charge_seconds=0.0, head_seconds=0.0)
