"""The fastest placement over all orders of the devices, for layers that differ: dynamic programming over sets of devices.

``rows[end, set]`` is the least that the first ``end`` layers cost on exactly this set, whatever its order. Interchangeable
devices count together, so a set is a count per kind. Sets of one size are one numpy array; each is extended by every device
that it does not have. A set is given up when what it cost so far and the least that the rest can cost (``rest_bound``) reach
the best known placement. Where more than ``WIDE`` sets of one size remain, the least promising are given up too, and the best
bound among those is what the answer may miss: so the answer is exact, or says how far it can be from it.

Rejected: a mixed-integer programme (seconds to minutes for 10 devices), search over permutations (15! of them).
"""

from __future__ import annotations

from math import prod

import numpy as np

from engine.planning.fastest.listed_order import TIE, Found
from engine.planning.fastest.rest_bound import RestBound
from engine.planning.fastest.search_space import Blend, SearchSpace, Seat
from engine.planning.fastest.sets_of_devices import SetSearch

NARROW, WIDE, BEYOND_REACH = 64, 8192, 2048
"""Sets of one size that are kept: first few, for a good placement early; then all that 15 different workers can make; fewer
where there are so many that some have to be given up anyway."""
IN_REACH = 2**15
_MOST_CODES = 2**62


class AnyOrder:
    """One search below ``ceiling``: only placements with fewer seconds are of interest."""

    def __init__(self, space: SearchSpace, ceiling: float) -> None:
        self._space = space
        self._ceiling = ceiling
        self._seats: tuple[Seat, ...] = ()

    def best(self) -> tuple[Found | None, float]:
        """The best placement below the ceiling, if there is one; and the seconds that none can beat, at most the ceiling."""
        n_sets = prod(len(kind.places) + 1 for kind in self._space.kinds)
        if n_sets > _MOST_CODES:
            return self._answer(self._bound_without_search())
        searches = self._searches()
        wide = WIDE if n_sets <= IN_REACH else BEYOND_REACH
        bound, per_ending = 0.0, np.zeros((len(self._space.kinds), self._space.n_layers + 1))
        for search, max_sets in ((searches[0], NARROW), *((search, wide) for search in searches)):
            np.maximum(per_ending, search.run(lambda: self._ceiling, max_sets, self._offer), out=per_ending)
            bound = max(bound, float(per_ending.min()))
            if bound >= self._ceiling * (1.0 - TIE):
                break
        return self._answer(bound)

    def _searches(self) -> list[SetSearch]:
        share = self._space.share_of_walks
        if share is not None:
            return [SetSearch(self._space, Blend(others=1.0), held_up=(share, Blend(last=1.0)))]
        return [SetSearch(self._space, blend) for blend in self._space.blends]

    def _bound_without_search(self) -> float:
        kinds, bounds = self._space.kinds, [0.0]
        for blend in self._space.blends:
            if blend.key is None:
                sums = [self._space.sums(kind.device, blend) for kind in kinds]
                bounds.append(RestBound(self._space, kinds, sums).at_start())
        return max(bounds)

    def _answer(self, bound: float) -> tuple[Found | None, float]:
        bound = min(bound, self._ceiling)
        if not self._seats:
            return None, bound
        return Found(seconds=self._ceiling, bound=bound, seats=self._seats), bound

    def _offer(self, seats: tuple[Seat, ...]) -> None:
        seconds = self._space.seconds(seats)
        if seconds < self._ceiling * (1.0 - TIE):
            self._ceiling, self._seats = seconds, seats
