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
from engine.planning.fastest.search_space import SearchSpace, Seat
from engine.planning.fastest.sets_of_devices import SetSearch
from engine.planning.fastest.window_minimum import Floats

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
        searches = [SetSearch(self._space, blend) for blend in self._space.blends]
        bound = max(search.at_start() for search in searches if search.speaks_of_all)
        per_ending: Floats = np.zeros((len(self._space.kinds), self._space.n_layers + 1))
        n_sets = prod(len(kind.places) + 1 for kind in self._space.kinds)
        wide = WIDE if n_sets <= IN_REACH else BEYOND_REACH
        runs = [(searches[0], NARROW), *((search, wide) for search in searches)]
        for search, max_sets in runs if n_sets <= _MOST_CODES else ():
            np.maximum(per_ending, search.run(lambda: self._ceiling, max_sets, self._offer), out=per_ending)
            bound = max(bound, float(per_ending.min()))
            if bound >= self._ceiling * (1.0 - TIE):
                break
        return self._answer(bound)

    def _answer(self, bound: float) -> tuple[Found | None, float]:
        bound = min(bound, self._ceiling)
        if not self._seats:
            return None, bound
        return Found(seconds=self._ceiling, bound=bound, seats=self._seats), bound

    def _offer(self, seats: tuple[Seat, ...]) -> None:
        seconds = self._space.seconds(seats)
        if seconds < self._ceiling * (1.0 - TIE):
            self._ceiling, self._seats = seconds, seats
