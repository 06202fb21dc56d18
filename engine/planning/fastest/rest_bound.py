"""What the layers that are still to be placed cost at least, whoever of the devices left takes them.

Relaxation: layers are cut up at will, a device takes at most what its best run of layers amounts to, and its charge is spread
evenly over that. Then filling up cheapest first is the optimum, a linear programme; its dual gives, for every price per unit
of work, ``price * work left - sum over devices left of capacity * (price - cost per unit)+``. A handful of prices around the
one that is right at the start come near the best one everywhere, and each is one numpy expression over all sets at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.planning.fastest.search_space import Kind, SearchSpace, Sums
from engine.planning.fastest.window_minimum import Floats, Ints

_NEIGHBOURS = (-2, -1, 0, 1, 2, 4)
_WHEN_NOTHING_FITS = 1e3
"""Times the dearest cost per unit: work beyond all capacity is then out of the question."""


class RestBound:
    """The bound for one objective. ``sums`` belong to ``kinds``."""

    def __init__(self, space: SearchSpace, kinds: Sequence[Kind], sums: Sequence[Sums]) -> None:
        work = np.mean([each.before / max(float(each.before[-1]), 1e-300) for each in sums], axis=0)
        self._rest = work[-1] - work
        self._capacities = np.array([_capacity(space, kind, work) for kind in kinds])
        self._costs = np.array([_cost(each, work, capacity) for each, capacity in zip(sums, self._capacities, strict=True)])
        self._have: Ints = np.array([len(kind.places) for kind in kinds], dtype=np.int64)
        self._ending = np.min([_ending(space, kind, each, work) for kind, each in zip(kinds, sums, strict=True)], axis=0)
        prices = self._prices()
        self._prices_used = prices
        self._gains = np.array([self._capacities * np.maximum(price - self._costs, 0.0) for price in prices])

    def _prices(self) -> list[float]:
        """Costs per unit of the kinds around the last one that is needed at the start, and one that forbids."""
        ranked = np.argsort(self._costs, kind="stable")
        filled = np.cumsum((self._capacities * self._have)[ranked])
        critical = int(np.searchsorted(filled, self._rest[0] * (1.0 - 1e-12)))
        wanted = {min(max(critical + step, 0), len(ranked) - 1) for step in _NEIGHBOURS}
        return [
            *sorted({float(self._costs[ranked[place]]) for place in wanted}),
            _WHEN_NOTHING_FITS * float(self._costs.max()),
        ]

    def of(self, counts: Ints) -> Floats:
        """``[end, set]``: at least this for all after the first ``end`` layers when ``counts[set, kind]`` are taken."""
        taken = self._gains @ (self._have - counts).T
        least: Floats = np.zeros((len(self._rest), len(counts)))
        for price, gain in zip(self._prices_used, taken, strict=True):
            np.maximum(least, price * self._rest[:, None] - gain[None, :], out=least)
        least += self._ending[:, None]
        return least

    def at_start(self) -> float:
        """The bound for the whole model."""
        return float(self.of(np.zeros((1, len(self._have)), dtype=np.int64))[0, 0])


def _capacity(space: SearchSpace, kind: Kind, work: Floats) -> float:
    """The most work of any run of layers that it can hold."""
    among = float((work - work[space.earliest(kind.device)]).max())
    start = space.earliest_as_last(kind.device)
    return max(among, float(work[-1] - work[start]) if start <= space.n_layers else 0.0)


def _cost(sums: Sums, work: Floats, capacity: float) -> float:
    """Least cost per unit of work, its charge spread over its capacity; rounded down a little, being a bound."""
    steps = np.diff(work)
    is_work = steps > 0
    if not is_work.any() or capacity <= 0:
        return 0.0
    least = float((np.diff(sums.before)[is_work] / steps[is_work]).min())
    return (least + max(0.0, sums.charge) / capacity) * (1.0 - 1e-9)


def _ending(space: SearchSpace, kind: Kind, sums: Sums, work: Floats) -> Floats:
    """Per layers placed, what it costs more to be last, at least: the output, less what its layers cost less there."""
    start = space.earliest_as_last(kind.device)
    if start > space.n_layers:
        return np.full(len(work), np.inf)
    steps, cheaper = np.diff(work), np.diff(sums.before) - np.diff(sums.last_before)
    is_work = steps > 0
    saved = max(0.0, float((cheaper[is_work] / steps[is_work]).max())) if is_work.any() else 0.0
    most = np.minimum(work[-1] - work[start], work[-1] - work)
    ending: Floats = sums.last_charge - sums.charge - saved * (1.0 + 1e-9) * most
    return ending
