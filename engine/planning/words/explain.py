"""One sentence of truth per worker: what it holds and what that costs, or why it is left out and what it would cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from engine.planning.costs.cost_model import decode_seconds, layer_seconds, share_seconds
from engine.planning.words.amounts import amount
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.plan import Plan, PlannedWorker, PlanRefused

WORTH_SAYING_FRACTION = 0.005
"""Of the decode rate; below it a difference is noise."""


def sentence_about(worker: PlannedWorker, plan: Plan, without: Plan | PlanRefused | None = None) -> str:
    """For the card of a worker. ``without`` is the plan that the same request gives without this worker, where known."""
    if not worker.used:
        return why_left_out(worker, plan) or "left out: the others hold everything."
    return f"{_holds(worker, plan)}; {_costs(worker, plan, without)}."


def why_left_out(worker: PlannedWorker, plan: Plan, gifts: Gifts | None = None) -> str | None:
    """``left out: it would cost 6.2 tok/s``; ``None`` for a used worker, or where nothing can be said. ``gifts``: of this
    plan, where several are asked about."""
    if worker.used:
        return None
    if plan.native_cpu is not None:
        return f"left out: {plan.native_cpu.id} alone, in llama-server itself, is predicted to be at least as fast."
    loss = loss_if_used(worker, plan, gifts)
    if loss is None:
        return None
    if loss < WORTH_SAYING_FRACTION * (plan.predicted.decode_tokens_per_second or 0.0):
        return "left out: it would not make decode faster."
    return f"left out: it would cost {_rate(loss)}."


def how_sure(plan: Plan) -> str | None:
    """How much faster another plan could be at most; ``None`` where this is proven to be the fastest, or none was sought."""
    if plan.optimality is None or plan.optimality.proven:
        return None
    if plan.optimality.gap is None:
        return "Another plan may be faster: there are too many workers to try them all."
    return f"This is the fastest plan that was found; no other can save more than {plan.optimality.gap:.2%} of its time."


@dataclass(frozen=True, slots=True, kw_only=True)
class Gifts:
    """What the workers of a plan could hand to one that is left out: the same for all of those, and reckoned once."""

    token_seconds: float | None
    layers: tuple[tuple[int, float], ...]
    """Of every kind of layer the one whose giver saves most by it, and those seconds per token."""


def gifts_of(plan: Plan) -> Gifts:
    """One of the outer layers of each. Nobody whose speed is not known gives any."""
    best: dict[int, tuple[int, float]] = {}
    for layer, saved in (gift for giver in plan.used_workers for gift in _gifts(giver, plan)):
        kind = id(plan.model.layers[layer])
        if kind not in best or saved > best[kind][1]:
            best[kind] = (layer, saved)
    return Gifts(token_seconds=decode_seconds(plan.used_workers, plan.model, plan.shape), layers=tuple(best.values()))


def _gifts(giver: PlannedWorker, plan: Plan) -> Iterator[tuple[int, float]]:
    """(layer, seconds per token that it saves the giver)."""
    first, last = giver.first_layer, giver.last_layer
    if first is None or last is None:
        return
    whole = giver.n_layers == 1 and not giver.holds_output  # it is then not used at all
    for layer in {first, last}:
        share = share_seconds(giver, plan.model, plan.shape) if whole else layer_seconds(giver, layer, plan.model, plan.shape)
        if share is not None:
            yield layer, share


def loss_if_used(worker: PlannedWorker, plan: Plan, gifts: Gifts | None = None) -> float | None:
    """Decode tokens per second that are lost, at least, by giving it one layer of another worker; ``None`` = not known.
    ``gifts``: of this plan, where several are asked about."""
    if plan.native_cpu is not None:
        return None  # llama.cpp cannot split between its own CPU and other devices so that this plan would go on
    gifts = gifts or gifts_of(plan)
    added = [(_seconds_with(worker, layer, plan), saved) for layer, saved in gifts.layers]
    changes = [ours - saved for ours, saved in added if ours is not None]
    if not gifts.token_seconds or not changes:
        return None
    return max(0.0, 1.0 / gifts.token_seconds - 1.0 / (gifts.token_seconds + min(changes)))


def _seconds_with(worker: PlannedWorker, layer: int, plan: Plan) -> float | None:
    """Seconds per token of an unused worker with this one layer."""
    return share_seconds(replace(worker, first_layer=layer, n_layers=1, holds_output=False), plan.model, plan.shape)


def _rate(tokens_per_second: float) -> str:
    return f"{tokens_per_second:.1f} tok/s" if tokens_per_second >= 0.1 else f"{tokens_per_second:.2g} tok/s"


def _holds(worker: PlannedWorker, plan: Plan) -> str:
    things = []
    if worker.first_layer is not None:
        last = worker.last_layer
        things.append(f"layer {last}" if worker.n_layers == 1 else f"layers {worker.first_layer}-{last}")
    if worker.holds_output:
        things.append("the output head")
    where = f" {worker.offer.exposure.value}" if worker.offer.is_native else ""
    memory = f"{amount(worker.needed_bytes)} of {amount(worker.offer.safe_bytes)}" if plan.model.total_bytes else ""
    return f"holds {' and '.join(things)}{where}" + (f" ({memory})" if memory else "")


def _costs(worker: PlannedWorker, plan: Plan, without: Plan | PlanRefused | None) -> str:
    if isinstance(without, PlanRefused):
        return "without it the model does not fit"
    change = _change_without(plan, without)
    if change is not None:
        adds = f"adds {amount(worker.offer.safe_bytes)} of {'RAM' if worker.kind is DeviceKind.CPU else 'GPU memory'}"
        if abs(change) < WORTH_SAYING_FRACTION * (plan.predicted.decode_tokens_per_second or 0.0):
            return f"{adds} and costs no speed"
        return f"{adds} and {'costs' if change > 0 else 'gains'} {_rate(abs(change))}"
    seconds = share_seconds(worker, plan.model, plan.shape)
    total = decode_seconds(plan.used_workers, plan.model, plan.shape)
    if seconds is None or not total or not plan.model.total_bytes:
        return "its speed is not known yet" if worker.offer.speed is None else "its share of the time is not known"
    return f"{seconds * 1000:.1f} ms of the {total * 1000:.1f} ms that a token takes"


def _change_without(plan: Plan, without: Plan | None) -> float | None:
    """Tokens per second that the plan without it has more than this one; ``None`` = not known."""
    if without is None:
        return None
    here, there = plan.predicted.decode_tokens_per_second, without.predicted.decode_tokens_per_second
    return None if here is None or there is None else there - here
