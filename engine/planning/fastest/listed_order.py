"""The fastest placement with devices in the listed order, for every device that may be last: dynamic programming.

``table[end, last, used]`` is the least that the first ``end`` layers cost on ``used`` of the devices seen so far, ``last``
being kept for the end. All last devices are columns of one table; the others of its machine come just before a last device
(``device_order.ending_with``), so every device is met twice: for the columns of other machines, then for those of its own.
With equal layers the order does not matter: this is then the optimum over all. O(devices * last devices * limit * layers).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.planning.fastest.search_space import Blend, SearchSpace, Seat, Sums
from engine.planning.fastest.window_minimum import Floats, window_minimum

TIE = 1e-12
"""Relative: closer than this is the same."""
MAX_WALKS = 24
"""Placements that are looked at in full to close the gap between the objective and its bounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The best placement that a search saw, and what no placement of its kind can beat."""

    seconds: float
    bound: float
    seats: tuple[Seat, ...]


class ListedOrder:
    """One search. The output may stand on the listed last device, or on one of each kind."""

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._n = len(space.devices)
        kinds = {device: place for place, device in enumerate(space.devices)}
        self._lasts = tuple(dict.fromkeys([self._n - 1, *sorted(kinds.values(), reverse=True)]))
        self._machines = [offer.machine_id for offer in space.offers]
        # Without a limit that binds, nobody needs to count devices.
        self._counted = max(0, min(space.max_devices, self._n) - 1) if space.max_devices < self._n else None

    def best(self) -> Found | None:
        """The best placement, or ``None`` when nothing fits in this order."""
        blends = self._space.blends
        sums = {blend: [self._space.sums(device, blend) for device in self._space.devices] for blend in blends}
        endings = np.stack([np.where(self._applies(blend), self._endings(sums[blend]), 0.0) for blend in blends])
        bounds = endings.max(axis=0)
        best: Found | None = None
        for place in _ascending(bounds)[:MAX_WALKS]:
            last, start = divmod(int(place), self._space.n_layers + 1)
            bound = float(bounds[last, start])
            if not np.isfinite(bound) or (best is not None and bound >= best.seconds * (1.0 - TIE)):
                break
            for blend in blends:
                seats = self._walk_back(self._lasts[last], start, sums[blend])
                seconds = self._space.seconds(seats)
                if best is None or seconds < best.seconds * (1.0 - TIE):
                    best = Found(seconds=seconds, bound=min(seconds, float(bounds.min())), seats=seats)
        return best

    def _applies(self, blend: Blend) -> NDArray[np.bool_]:
        """The last devices of which the blend says something; where it does not, nothing costs less than 0."""
        return np.array([[self._space.devices[last].applies(blend)] for last in self._lasts])

    def _steps(self, lasts: tuple[int, ...]) -> Iterator[tuple[int, list[int]]]:
        """``(device, columns)`` in the order in which devices stand before the last ones of these columns."""
        for own_machine in (False, True):
            for device in range(self._n):
                machine = self._machines[device]
                columns = [
                    column
                    for column, last in enumerate(lasts)
                    if last != device and (self._machines[last] == machine) is own_machine
                ]
                if columns:
                    yield device, columns

    def _empty(self, n_lasts: int) -> Floats:
        table = np.full((self._space.n_layers + 1, n_lasts, 1 if self._counted is None else self._counted + 1), np.inf)
        table[0, :, 0] = 0.0
        return table

    def _with_device(self, table: Floats, device: int, sums: Sums) -> Floats:
        """The table with one more device to choose from."""
        used = table if self._counted is None else table[:, :, :-1]
        reached = window_minimum(used - sums.before[:, None, None], self._space.windows(self._space.devices[device]))
        reached += (sums.before + sums.charge)[:, None, None]
        extended = table.copy()
        target = extended if self._counted is None else extended[:, :, 1:]
        np.minimum(target, reached, out=target)
        return extended

    def _endings(self, sums: list[Sums]) -> Floats:
        """``[last, start]``: the least with the layers from ``start`` on, and the output, on that last device."""
        table = self._empty(len(self._lasts))
        for device, columns in self._steps(self._lasts):
            if len(columns) == len(self._lasts):
                table = self._with_device(table, device, sums[device])
            else:
                table[:, columns] = self._with_device(table[:, columns], device, sums[device])
        endings: Floats = table.min(axis=2).T
        for column, last in enumerate(self._lasts):
            own = sums[last]
            endings[column] += own.last_before[-1] - own.last_before + own.last_charge
            endings[column, : self._space.earliest_as_last(self._space.devices[last])] = np.inf
        return endings

    def _walk_back(self, last: int, start: int, sums: list[Sums]) -> tuple[Seat, ...]:
        """The seats behind ``_endings[last, start]``. On ties the later device stays out."""
        tables, devices = [self._empty(1)], []
        for device, _ in self._steps((last,)):
            tables.append(self._with_device(tables[-1], device, sums[device]))
            devices.append(device)
        seats = [Seat(device=last, first=start, end=self._space.n_layers)]
        end, used = start, int(tables[-1][start, 0].argmin())
        for device, before, after in zip(reversed(devices), reversed(tables[:-1]), reversed(tables[1:]), strict=True):
            if before[end, 0, used] <= after[end, 0, used] * (1.0 + TIE):
                continue
            used -= self._counted is not None
            first = self._first_of(before[:, 0, used], device, end, sums[device])
            seats.append(Seat(device=device, first=first, end=end))
            end = first
        return tuple(reversed(seats))

    def _first_of(self, before: Floats, device: int, end: int, sums: Sums) -> int:
        earliest = int(self._space.earliest(self._space.devices[device])[end])
        return earliest + int((before[earliest:end] - sums.before[earliest:end]).argmin())


def _ascending(bounds: Floats) -> list[int]:
    """Places by bound; what differs by rounding alone stays in place, so that the listed last device wins ties."""
    scale = float(bounds.min())
    comparable = np.round(bounds / scale, 11) if np.isfinite(scale) and scale > 0 else bounds
    return [int(place) for place in np.argsort(comparable, axis=None, kind="stable")]
