"""Fastest: the placement with the least predicted time per token, under memory and the limit on devices.

Costs add up over devices whatever their neighbours are (llama.cpp's network is a star), so this is a shortest path:

- In a given order: exact by dynamic programming over (devices used, layers placed), O(devices * limit * layers) with a sliding
  window minimum, tried once per possible last device (it holds the output). With equal layers the order of the others does not
  matter, and this is the optimum.
- With unequal layers and up to ``MAX_ANY_ORDER_STATES`` sets of devices (10 different workers; identical ones count together):
  dynamic programming over (set of devices, layers placed), exact over all orders. It is taken only when it is more than
  ``WORTH_ANOTHER_ORDER`` better: people expect the order they listed.
- Beyond that: the given order only, a heuristic in the order alone.

Rejected: greedy fastest-first (1 % to 34 % worse on 25 of 185 random instances, no answer on 15, because of the charge per
device) and an ILP solver (exact too, seconds to minutes, a heavy dependency).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod

from engine.planning.cost_model import DecodeCost, decode_cost, read_bytes_per_layer
from engine.planning.device_order import ending_with
from engine.planning.seats import Budgets, Placement, layers_are_equal
from engine.vocabulary.plan import MAX_DEVICES
from engine.vocabulary.worker import WorkerOffer

MAX_ANY_ORDER_STATES = 1024
WORTH_ANOTHER_ORDER = 1e-3
MAX_LAST_CANDIDATES = 15
_NEVER = float("inf")
_ROUNDING = 1e-12
"""Relative: closer than this is a tie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Device:
    """One device as the search sees it; equal ones are interchangeable."""

    budget: int
    output_budget: int
    cost: DecodeCost
    head_bytes: int

    def output_seconds(self, read_bytes: float) -> float:
        """Its time per token as the last device."""
        return self.cost.output_charge_seconds + (read_bytes + self.head_bytes) * self.cost.seconds_per_byte


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    seconds: float
    seats: tuple[tuple[WorkerOffer, int], ...]


def fastest_placement(budgets: Budgets, order: Sequence[WorkerOffer]) -> Placement | None:
    """The fastest placement, or ``None`` when nothing fits. Every offer of ``order`` must have a speed."""
    search = _Search(budgets, order)
    found = search.in_given_order()
    if search.any_order_is_worth_a_look():
        other = search.in_any_order()
        if other and (found is None or other.seconds < found.seconds * (1.0 - WORTH_ANOTHER_ORDER)):
            found = other
    alone = search.alone()
    if alone and (found is None or alone.seconds <= found.seconds * (1.0 + _ROUNDING)):
        found = alone
    return Placement(seats=found.seats) if found else None


class _Search:
    def __init__(self, budgets: Budgets, order: Sequence[WorkerOffer]) -> None:
        self._budgets = budgets
        self._order = tuple(order)
        model = budgets.request.model
        self._sizes = budgets.needs.bytes_before
        self._reads = tuple(accumulate(read_bytes_per_layer(model, budgets.request.shape), initial=0))
        self._devices = {offer.id: self._device(offer) for offer in order}

    def _device(self, offer: WorkerOffer) -> _Device:
        cost = decode_cost(offer, self._budgets.request.model)
        if cost is None:
            raise ValueError(f"the fastest policy was asked about {offer.id}, which has no speed")
        return _Device(
            budget=self._budgets.for_layers(offer),
            output_budget=self._budgets.for_layers_with_output(offer),
            cost=cost,
            head_bytes=self._budgets.needs.head_bytes,
        )

    def any_order_is_worth_a_look(self) -> bool:
        """Layers differ, and there are few enough sets of devices to try them all."""
        states = prod(len(group) + 1 for group in self._groups().values())
        return not layers_are_equal(self._budgets.needs) and states <= MAX_ANY_ORDER_STATES

    def alone(self) -> _Found | None:
        """The whole model on one device: its buffers are smaller then, so it may fit only here."""
        fitting = [
            _Found(seconds=self._devices[offer.id].output_seconds(self._reads[-1]), seats=((offer, len(self._sizes) - 1),))
            for offer in self._order
            if self._budgets.fits_alone(offer)
        ]
        return min(fitting, key=lambda found: found.seconds, default=None)

    def in_given_order(self) -> _Found | None:
        """The best over all devices that may be last, the others in the given order."""
        best: _Found | None = None
        for last in self._last_candidates():
            found = self._with_last(ending_with(self._order, last))
            if found and (best is None or found.seconds < best.seconds * (1.0 - _ROUNDING)):
                best = found
        return best

    def _last_candidates(self) -> list[WorkerOffer]:
        """The given last device first (it wins ties), then one of each kind, cheapest head first."""
        kinds = {self._devices[offer.id]: offer for offer in self._order}
        cheapest = sorted(kinds.values(), key=lambda offer: self._devices[offer.id].output_seconds(0))
        return [self._order[-1], *cheapest[:MAX_LAST_CANDIDATES]]

    def _with_last(self, order: tuple[WorkerOffer, ...]) -> _Found | None:
        limit = min(MAX_DEVICES, len(order)) - 1
        table = [[0.0, *[_NEVER] * (len(self._sizes) - 1)]] + [[_NEVER] * len(self._sizes) for _ in range(limit)]
        steps: list[dict[tuple[int, int], int]] = []
        for offer in order[:-1]:
            table, step = self._one_more(table, self._devices[offer.id])
            steps.append(step)
        ending = self._cheapest_ending(table, self._devices[order[-1].id])
        if ending is None:
            return None
        seconds, used, start = ending
        seats = [(order[-1], len(self._sizes) - 1 - start)]
        for offer, step in zip(reversed(order[:-1]), reversed(steps), strict=True):
            if (used, start) in step:
                begin = step[used, start]
                seats.append((offer, start - begin))
                used, start = used - 1, begin
        return _Found(seconds=seconds, seats=tuple(reversed(seats)))

    def _one_more(self, table: list[list[float]], device: _Device) -> tuple[list[list[float]], dict[tuple[int, int], int]]:
        """The table with one more device to choose from; ``step[used, end] = start`` where it is better to use it."""
        extended = [row.copy() for row in table]
        step: dict[tuple[int, int], int] = {}
        for used in range(1, len(table)):
            for end, (seconds, start) in self._reach(table[used - 1], device).items():
                if seconds < extended[used][end]:
                    extended[used][end] = seconds
                    step[used, end] = start
        return extended, step

    def _reach(self, row: Sequence[float], device: _Device) -> dict[int, tuple[float, int]]:
        """``{end: (seconds, start)}`` after layers ``start..end`` on this device; sliding window minimum over ``start``."""
        window: deque[tuple[float, int]] = deque()
        best: dict[int, tuple[float, int]] = {}
        slope, charge = device.cost.seconds_per_byte, device.cost.charge_seconds
        for end in range(1, len(self._sizes)):
            start = end - 1
            if row[start] < _NEVER:
                value = row[start] - self._reads[start] * slope
                while window and window[-1][0] > value:
                    window.pop()
                window.append((value, start))
            while window and self._sizes[end] - self._sizes[window[0][1]] > device.budget:
                window.popleft()
            if window:
                best[end] = (window[0][0] + self._reads[end] * slope + charge, window[0][1])
        return best

    def _cheapest_ending(self, table: list[list[float]], device: _Device) -> tuple[float, int, int] | None:
        """``(seconds, devices before, first layer here)`` of the best way to end on this device with the output."""
        endings = [
            (row[start] + device.output_seconds(self._reads[-1] - self._reads[start]), used, start)
            for used, row in enumerate(table)
            for start in range(len(row))
            if row[start] < _NEVER and self._sizes[-1] - self._sizes[start] <= device.output_budget
        ]
        return min(endings, default=None)

    def _groups(self) -> dict[_Device, list[WorkerOffer]]:
        """Interchangeable devices together."""
        groups: dict[_Device, list[WorkerOffer]] = {}
        for offer in self._order:
            groups.setdefault(self._devices[offer.id], []).append(offer)
        return groups

    def in_any_order(self) -> _Found | None:
        """The best over all orders: ``rows[counts][layers]`` is the least time of placing the first layers on such a set."""
        groups = self._groups()
        kinds = list(groups)
        empty = (0,) * len(kinds)
        rows = {empty: [0.0, *[_NEVER] * (len(self._sizes) - 1)]}
        came: dict[tuple[tuple[int, ...], int], tuple[int, int]] = {}
        best: tuple[float, tuple[int, ...], int, int] | None = None
        for counts in _multisets([len(groups[kind]) for kind in kinds]):
            row = rows.setdefault(counts, [_NEVER] * len(self._sizes))
            self._arrive(row, counts, kinds, rows, came)
            best = min((b for b in (best, self._end_on(row, counts, groups)) if b is not None), default=None)
        return self._retrace(best, kinds, groups, came) if best else None

    def _arrive(
        self,
        row: list[float],
        counts: tuple[int, ...],
        kinds: Sequence[_Device],
        rows: dict[tuple[int, ...], list[float]],
        came: dict[tuple[tuple[int, ...], int], tuple[int, int]],
    ) -> None:
        for index, count in enumerate(counts):
            if not count:
                continue
            before = _less_one(counts, index)
            for end, (seconds, start) in self._reach(rows[before], kinds[index]).items():
                if seconds < row[end]:
                    row[end] = seconds
                    came[counts, end] = (index, start)

    def _end_on(
        self, row: list[float], counts: tuple[int, ...], groups: dict[_Device, list[WorkerOffer]]
    ) -> tuple[float, tuple[int, ...], int, int] | None:
        if sum(counts) >= MAX_DEVICES:
            return None
        endings = [
            (ending[0], counts, index, ending[2])
            for index, (kind, group) in enumerate(groups.items())
            if counts[index] < len(group) and (ending := self._cheapest_ending([row], kind)) is not None
        ]
        return min(endings, default=None)

    def _retrace(
        self,
        best: tuple[float, tuple[int, ...], int, int],
        kinds: Sequence[_Device],
        groups: dict[_Device, list[WorkerOffer]],
        came: dict[tuple[tuple[int, ...], int], tuple[int, int]],
    ) -> _Found:
        seconds, counts, last, start = best
        waiting = {kind: list(group) for kind, group in groups.items()}
        seats = [(waiting[kinds[last]].pop(), len(self._sizes) - 1 - start)]
        while start:
            index, begin = came[counts, start]
            seats.append((waiting[kinds[index]].pop(), start - begin))
            counts, start = _less_one(counts, index), begin
        return _Found(seconds=seconds, seats=tuple(reversed(seats)))


def _less_one(counts: tuple[int, ...], index: int) -> tuple[int, ...]:
    return (*counts[:index], counts[index] - 1, *counts[index + 1 :])


def _multisets(sizes: Sequence[int]) -> list[tuple[int, ...]]:
    """All counts up to ``sizes``, every one after those it contains."""
    found: list[tuple[int, ...]] = [()]
    for size in sizes:
        found = [(*counts, count) for counts in found for count in range(size + 1)]
    return found
