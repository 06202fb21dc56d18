"""Hybrid with all workers: the fastest split in which every worker holds at least one layer.

When everybody takes part the charge of each device is paid anyway, so what remains is linear: with equal layers, filling up
fastest first is the optimum (exchange argument), for each worker that may be last. Unequal layers are brought under the
budgets by the nearest split that fits. Rejected: shares by memory (it would show hybrid slower than it need be).
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.planning.costs.cost_model import DecodeCost, decode_cost, read_bytes_per_layer
from engine.planning.device_order import device_order, ending_with
from engine.planning.policies.memory_share import proportional_counts
from engine.planning.policies.nearest_counts import nearest_counts
from engine.planning.seats import Budgets, Placement, budgets_of, most_usable
from engine.vocabulary.comparison import Approach
from engine.vocabulary.plan import MAX_DEVICES, GivenSplit, PlanRequest
from engine.vocabulary.worker import WorkerOffer

_NEVER = float("inf")


def all_workers_split(request: PlanRequest) -> GivenSplit | None:
    """The split; ``None`` when nothing fits. Of more workers than layers, or than llama.cpp takes, those with most memory."""
    budgets = budgets_of(request)
    order = most_usable(budgets, device_order(request))
    if len(order) > budgets.n_layers:
        ranked = sorted(order, key=lambda offer: -budgets.usable_of(offer))[: max(1, min(budgets.n_layers, MAX_DEVICES))]
        order = tuple(offer for offer in order if offer in ranked)
    placement = _best(budgets, order)
    if placement is None:
        return None
    return GivenSplit(name=Approach.HYBRID.value, seats=tuple((offer.id, count) for offer, count in placement.seats))


def _best(budgets: Budgets, order: Sequence[WorkerOffer]) -> Placement | None:
    """The best last worker by the estimate first; the others only where that one cannot be."""
    if not order:
        return None
    read = read_bytes_per_layer(budgets.request.model, budgets.request.shape)
    mean_read = sum(read) / max(1, budgets.n_layers)
    costs = {offer.id: decode_cost(offer, budgets.request.model) for offer in order}
    tried = []
    for last in reversed(order):
        candidate = ending_with(order, last)
        counts, seconds = _counts(budgets, candidate, [costs[offer.id] for offer in candidate], mean_read)
        tried.append((seconds, candidate, counts))
    tried.sort(key=lambda entry: entry[0])
    return next((found for _, candidate, counts in tried if (found := nearest_counts(budgets, candidate, counts))), None)


def _counts(
    budgets: Budgets, order: Sequence[WorkerOffer], costs: Sequence[DecodeCost | None], mean_read: float
) -> tuple[tuple[int, ...], float]:
    """Wanted layers of each, and about how many seconds a token then takes (infinite: too small, or speeds not known)."""
    n_layers, last = budgets.n_layers, len(order) - 1
    layer_bytes = max(1, budgets.needs.bytes_before[-1] // n_layers) if n_layers else 1
    spaces = [budgets.for_layers(offer) for offer in order[:-1]] + [budgets.for_layers_with_output(order[-1])]
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        return proportional_counts(n_layers, spaces), _NEVER
    counts = [1] * len(order)
    left = n_layers - len(order)
    for place in sorted(range(len(order)), key=lambda place: known[place].seconds_per_byte):
        more = max(0, min(left, spaces[place] // layer_bytes - 1))
        counts[place] += more
        left -= more
    seconds = sum(cost.charge_seconds + n * mean_read * cost.seconds_per_byte for cost, n in zip(known, counts, strict=True))
    output = known[last].output_charge_seconds - known[last].charge_seconds
    seconds += output + budgets.request.model.head_bytes * known[last].seconds_per_byte
    return tuple(counts), seconds if left <= 0 else seconds + _NEVER
