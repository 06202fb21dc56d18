"""The memory-respecting split that is nearest to wanted layer counts: the one search behind ``even`` and ``memory``.

Least sum of squared differences over all contiguous splits in which nobody is over budget: exact, by dynamic programming over
(device, layers placed), O(devices * layers^2). Rejected: giving each its wanted count and pushing the surplus to neighbours:
it can end in "does not fit" although another split fits, because layers differ in size and must stay contiguous.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from engine.planning.seats import Budgets, Placement, placement_of
from engine.vocabulary.worker import WorkerOffer


def filled_in_order(budgets: Budgets, order: Sequence[WorkerOffer]) -> Placement | None:
    """Every device filled up in turn, the output on the last: finds a split exactly when this order has one, and cheaply."""
    sizes = budgets.needs.bytes_before
    counts, placed = [], 0
    for offer in order[:-1]:
        end = max(placed, bisect_right(sizes, sizes[placed] + budgets.for_layers(offer)) - 1)
        end = placed if budgets.for_layers(offer) < 0 else end
        counts.append(end - placed)
        placed = end
    if sizes[-1] - sizes[placed] > budgets.for_layers_with_output(order[-1]):
        return None
    return placement_of(order, [*counts, budgets.n_layers - placed])


def nearest_counts(budgets: Budgets, order: Sequence[WorkerOffer], wanted: Sequence[int]) -> Placement | None:
    """The split nearest to ``wanted`` with the output on the last of ``order``; ``None`` = nothing fits in this order."""
    if filled_in_order(budgets, order) is None:
        return None
    sizes = budgets.needs.bytes_before
    rows = [{0: (0, 0)}]
    for position, offer in enumerate(order):
        is_last = position == len(order) - 1
        budget = budgets.for_layers_with_output(offer) if is_last else budgets.for_layers(offer)
        rows.append(_extend(rows[-1], sizes, budget, wanted[position], must_hold=is_last))
    return placement_of(order, _walk_back(rows))


def _extend(
    reached: dict[int, tuple[int, int]], sizes: Sequence[int], budget: int, wanted: int, *, must_hold: bool
) -> dict[int, tuple[int, int]]:
    """``{layers placed: (cost, layers on this device)}`` after one more device. ``must_hold``: it carries the output."""
    extended: dict[int, tuple[int, int]] = {}
    for placed, (cost, _) in reached.items():
        for end in range(placed, len(sizes)):
            count = end - placed
            if (count or must_hold) and sizes[end] - sizes[placed] > budget:
                break
            total = cost + (count - wanted) ** 2
            if end not in extended or total < extended[end][0]:
                extended[end] = (total, count)
    return extended


def _walk_back(rows: Sequence[dict[int, tuple[int, int]]]) -> list[int]:
    counts: list[int] = []
    placed = max(rows[-1])
    for row in reversed(rows[1:]):
        counts.append(row[placed][1])
        placed -= row[placed][1]
    return counts[::-1]
