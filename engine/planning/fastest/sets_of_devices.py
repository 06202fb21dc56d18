"""Dynamic programming over sets of devices, one size of set after the other (see ``any_order``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from engine.planning.fastest.rest_bound import RestBound
from engine.planning.fastest.search_space import Blend, SearchSpace, Seat, Sums
from engine.planning.fastest.window_minimum import Floats, Ints, window_minimum, windows_of

OFFERS_WITH_BLENDS = 12
"""Placements that are looked at in full, per size of set, where sums only bound the objective."""


SETS_TOGETHER = 1024
"""In one numpy pass."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Level:
    """All sets of one size that are still worth it."""

    codes: Ints
    """Of each set its counts in mixed radix, ascending."""
    counts: Ints
    """``[set, kind]``."""
    rows: Floats
    """``[end, set]``: least cost of the first ``end`` layers on this set; infinite where it was given up."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _View:
    """One blend of the objective: what of the cost so far counts, what an ending adds, and what the rest costs at least."""

    share: float
    sums: list[Sums]
    rest: RestBound


class SetSearch:
    """The search for one blend of the objective (``SearchSpace.sums``).

    ``held_up`` (``SearchSpace.share_of_walks`` and its blend): the objective is the larger of the two, so endings are exact.
    """

    def __init__(self, space: SearchSpace, blend: Blend, *, held_up: tuple[float, Blend] | None = None) -> None:
        self._space = space
        self._kinds = space.kinds
        self._sums = [space.sums(kind.device, blend) for kind in self._kinds]
        self._have: Ints = np.array([len(kind.places) for kind in self._kinds], dtype=np.int64)
        self._strides: Ints = np.array(
            list(accumulate((int(have) + 1 for have in self._have[:-1]), lambda a, b: a * b, initial=1)), dtype=np.int64
        )
        self._n_offers = 1 if len(space.blends) == 1 or held_up else OFFERS_WITH_BLENDS
        self._earliest = [space.earliest(kind.device) for kind in self._kinds]
        self._ends_here = [kind.device.applies(blend) for kind in self._kinds]
        self._views = [self._view(1.0, self._sums)]
        if held_up is not None:
            share, last = held_up
            self._views.append(self._view(share, [space.sums(kind.device, last) for kind in self._kinds]))

    def _view(self, share: float, sums: list[Sums]) -> _View:
        return _View(share=share, sums=sums, rest=RestBound(self._space, self._kinds, sums))

    def run(self, ceiling: Callable[[], float], max_sets: int, offer: Callable[[tuple[Seat, ...]], None]) -> Floats:
        """Offer the best placements as they are found. Returns per kind of the last device and its first layer what no
        placement below the ceiling can beat (``[kind, first layer]``, infinite: there is none, 0: nothing is known)."""
        start = np.full((self._space.n_layers + 1, 1), np.inf)
        start[0, 0] = 0.0
        none: Ints = np.zeros(1, dtype=np.int64)
        levels = [_Level(codes=none, counts=np.zeros((1, len(self._kinds)), dtype=np.int64), rows=start)]
        bounds = np.full((len(self._kinds), self._space.n_layers + 1), np.inf)
        most = min(self._space.max_devices, len(self._space.devices))
        for size in range(1, most + 1):
            self._end(levels, bounds, ceiling, offer)
            if size == most:
                break
            level, given_up = self._cut(self._extend(levels[-1]), ceiling(), max_sets)
            np.minimum(bounds, given_up, out=bounds)
            if not len(level.codes):
                break
            levels.append(level)
        bounds[np.flatnonzero(np.logical_not(self._ends_here))] = 0.0
        return bounds

    def _extend(self, level: _Level) -> _Level:
        """Every set with one more device."""
        room = [np.flatnonzero(level.counts[:, kind] < have) for kind, have in enumerate(self._have)]
        codes = np.unique(np.concatenate([level.codes[sets] + self._strides[kind] for kind, sets in enumerate(room)]))
        rows = np.full((len(level.rows), len(codes)), np.inf)
        for alike, ends in _alike(level.rows):
            for kind, earliest in enumerate(self._earliest):
                sets = alike[level.counts[alike, kind] < self._have[kind]]
                # Only from the first layer at which one of these ends to the last one that this kind reaches.
                band = slice(int(ends[0]), int(np.searchsorted(earliest, ends[-1], side="right")))
                targets = np.searchsorted(codes, level.codes[sets] + self._strides[kind])
                part = rows[band]
                part[:, targets] = np.minimum(part[:, targets], self._reached(level.rows[band], sets, kind, band))
        return _Level(codes=codes, counts=(codes[:, None] // self._strides) % (self._have + 1), rows=rows)

    def _reached(self, rows: Floats, sets: Ints, kind: int, band: slice) -> Floats:
        sums = self._sums[kind]
        before = sums.before[band]
        windows = windows_of(np.maximum(self._earliest[kind][band] - band.start, 0))
        reached = window_minimum(rows[:, sets] - before[:, None], windows)
        reached += (before + sums.charge)[:, None]
        return reached

    def _cut(self, level: _Level, ceiling: float, max_sets: int) -> tuple[_Level, float]:
        """Without what cannot get below the ceiling; and the least bound of what was given up for want of room."""
        bounds = _largest([view.share * level.rows + view.rest.of(level.counts) for view in self._views])
        rows = np.where(bounds < ceiling, level.rows, np.inf)
        best = bounds.min(axis=0)
        kept = np.flatnonzero(best < ceiling)
        given_up = np.inf
        if len(kept) > max_sets:
            ranked = kept[np.argsort(best[kept], kind="stable")]
            given_up = float(best[ranked[max_sets]])
            kept = np.sort(ranked[:max_sets])
        return _Level(codes=level.codes[kept], counts=level.counts[kept], rows=rows[:, kept]), given_up

    def _end(
        self,
        levels: list[_Level],
        bounds: Floats,
        ceiling: Callable[[], float],
        offer: Callable[[tuple[Seat, ...]], None],
    ) -> None:
        """Put the rest and the output on one more device, in every way; write the least of each into ``bounds``."""
        level, ways = levels[-1], list[tuple[float, int, int, int]]()
        for kind in range(len(self._kinds)):
            start = self._space.earliest_as_last(self._kinds[kind].device)
            sets = np.flatnonzero(level.counts[:, kind] < self._have[kind])
            if start > self._space.n_layers or not len(sets) or not self._ends_here[kind]:
                continue
            rows = level.rows[start:, sets]
            totals = _largest([view.share * rows + _ending(view.sums[kind], start)[:, None] for view in self._views])
            places = totals.argmin(axis=1)
            least = totals[np.arange(len(places)), places]
            np.minimum(bounds[kind, start:], least, out=bounds[kind, start:])
            for row in np.argsort(least, kind="stable")[: self._n_offers]:
                ways.append((float(least[row]), kind, start + int(row), int(sets[places[row]])))
        for seconds, kind, start, column in sorted(ways)[: self._n_offers]:
            if seconds < ceiling():
                offer(self._walk_back(levels, column, start, kind))

    def _walk_back(self, levels: list[_Level], column: int, start: int, last: int) -> tuple[Seat, ...]:
        """The seats behind one ending."""
        waiting = [list(kind.places) for kind in self._kinds]
        seats = [Seat(device=waiting[last].pop(), first=start, end=self._space.n_layers)]
        end, level = start, levels[-1]
        for before in reversed(levels[:-1]):
            kind, column, first = self._came_from(before, int(level.codes[column]), level.counts[column], end)
            seats.append(Seat(device=waiting[kind].pop(), first=first, end=end))
            end, level = first, before
        return tuple(reversed(seats))

    def _came_from(self, before: _Level, code: int, counts: Ints, end: int) -> tuple[int, int, int]:
        """``(kind, set before, first layer)`` of the cheapest way to this set and this many layers."""
        ways = [
            (*self._cheapest_start(before.rows[:, column], kind, end), kind, column)
            for kind, column in self._sets_before(before, code, counts)
        ]
        _, first, kind, column = min(ways)
        return kind, column, first

    def _sets_before(self, before: _Level, code: int, counts: Ints) -> Iterator[tuple[int, int]]:
        for kind in np.flatnonzero(counts):
            wanted = code - int(self._strides[kind])
            column = int(np.searchsorted(before.codes, wanted))
            if column < len(before.codes) and before.codes[column] == wanted:
                yield int(kind), column

    def _cheapest_start(self, row: Floats, kind: int, end: int) -> tuple[float, int]:
        sums = self._sums[kind]
        earliest = int(self._earliest[kind][end])
        if earliest >= end:
            return np.inf, end
        costs = row[earliest:end] - sums.before[earliest:end]
        place = int(costs.argmin())
        return float(costs[place] + sums.before[end] + sums.charge), earliest + place


def _largest(each: list[Floats]) -> Floats:
    largest = each[0]
    for other in each[1:]:
        largest = np.maximum(largest, other)
    return largest


def _ending(sums: Sums, start: int) -> Floats:
    """What the layers from ``start`` on, from ``start + 1`` on, ... and the output add on the last device."""
    ending: Floats = sums.last_before[-1] - sums.last_before[start:] + sums.last_charge
    return ending


def _alike(rows: Floats) -> Iterator[tuple[Ints, Ints]]:
    """Sets that end at about the same layers together, and those layers: a set ends at few of all."""
    is_end = np.isfinite(rows)
    ranked = np.argsort(is_end.argmax(axis=0), kind="stable")
    for begin in range(0, len(ranked), SETS_TOGETHER):
        sets = ranked[begin : begin + SETS_TOGETHER]
        yield sets, np.flatnonzero(is_end[:, sets].any(axis=1))
