"""The memory-respecting split that is nearest to wanted layer counts: the one search behind ``even`` and ``memory``.

Least sum of squared differences over all contiguous splits in which nobody is over budget: exact, by dynamic programming over
(device, layers placed), O(devices * layers^2), one numpy pass per device. Rejected: giving each its wanted count and pushing
the surplus to neighbours: it can end in "does not fit" although another split fits, because layers differ in size and must
stay contiguous.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from engine.planning.fastest.window_minimum import Floats, Ints
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
    needed = _needed_between(budgets.needs.bytes_before)
    costs = np.full(len(needed), np.inf)
    costs[0] = 0.0
    counts = []
    for position, offer in enumerate(order):
        is_last = position == len(order) - 1
        budget = budgets.for_layers_with_output(offer) if is_last else budgets.for_layers(offer)
        costs, held = _extend(costs, needed, budget, wanted[position], must_hold=is_last)
        counts.append(held)
    return placement_of(order, _walk_back(counts))


def _needed_between(bytes_before: Sequence[int]) -> Floats:
    """Bytes of the layers ``first .. end - 1``, as ``[first, end]``; infinite where there are none such."""
    sizes = np.array(bytes_before, dtype=np.float64)  # exact: no model has 2**53 bytes
    needed: Floats = np.triu(sizes[None, :] - sizes[:, None])
    needed[np.tril_indices(len(sizes), -1)] = np.inf
    return needed


def _extend(costs: Floats, needed: Floats, budget: int, wanted: int, *, must_hold: bool) -> tuple[Floats, Ints]:
    """``costs[layers placed]`` after one more device, and how many layers it holds. ``must_hold``: it carries the output."""
    places = np.arange(len(costs))
    fits = needed <= budget
    if not must_hold:
        np.fill_diagonal(fits, val=True)
    totals = np.where(fits, costs[:, None] + (places[None, :] - places[:, None] - wanted) ** 2, np.inf)
    placed = totals.argmin(axis=0)
    return totals[placed, places], places - placed


def _walk_back(counts: Sequence[Ints]) -> list[int]:
    """From all layers to none."""
    found: list[int] = []
    placed = len(counts[-1]) - 1
    for held in reversed(counts):
        found.append(int(held[placed]))
        placed -= found[-1]
    return found[::-1]
