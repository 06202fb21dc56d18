"""Fastest: the placement with the least predicted seconds per token that memory and the limit on devices allow.

In turn: the best in the listed order (which is the optimum when layers are alike), the best in any order where layers differ,
and one device alone, whose buffers are smaller. Another order is taken only where it is more than ``WORTH_ANOTHER_ORDER``
better: people expect the order that they listed.

Rejected: greedy fastest-first (1 % to 34 % worse on 25 of 185 random instances, no answer on 15, because of the charge per
device) and an ILP solver at run time (exact too, seconds to minutes, a heavy dependency; it judges this one in the tests).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.planning.fastest.any_order import AnyOrder
from engine.planning.fastest.listed_order import TIE, Found, ListedOrder
from engine.planning.fastest.search_space import SearchSpace, Seat
from engine.planning.seats import Budgets, Placement
from engine.vocabulary.plan import Optimality
from engine.vocabulary.worker import WorkerOffer

WORTH_ANOTHER_ORDER = 1e-3
PROVEN = 1e-9
"""Relative: bounds are sums of floats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fastest:
    """The answer of the policy."""

    placement: Placement
    optimality: Optimality
    seconds: float
    """Per token of the mix that was asked for, without the coordinator's own time."""


def fastest_placement(
    budgets: Budgets, order: Sequence[WorkerOffer], *, worth_another_order: float = WORTH_ANOTHER_ORDER
) -> Fastest | None:
    """The fastest placement, or ``None`` when nothing fits. Every offer of ``order`` must have a speed (``ValueError``).

    Where the compute speed of a device is not known, ``prompt_share`` is taken as 0.
    """
    space = SearchSpace(budgets, order)
    found, alone = ListedOrder(space).best(), _alone(space)
    bound = found.bound if found else float("inf")
    if not space.layers_are_equal:
        found, bound = _in_any_order(space, found, alone, worth_another_order)
    if alone is not None and (found is None or alone.seconds <= found.seconds * (1.0 + TIE)):
        found = alone
    return None if found is None else _answer(space, found, bound)


def _in_any_order(space: SearchSpace, listed: Found | None, alone: Found | None, worth: float) -> tuple[Found | None, float]:
    """The listed order, or another that is so much better; and what none can beat. Where no other is so much better, the
    listed order counts as the best."""
    known = [listed.seconds * (1.0 - worth)] if listed else []
    known += [alone.seconds] if alone else []
    ceiling = min(known, default=float("inf"))
    other, bound = AnyOrder(space, ceiling).best()
    proven = bound >= ceiling * (1.0 - PROVEN)
    if other is None and listed is not None and proven:
        bound = listed.seconds
    return other or listed, bound


def _alone(space: SearchSpace) -> Found | None:
    """The whole model on one device: its buffers are smaller then, so it may fit only here."""
    found = []
    for place, fits in enumerate(space.fits_alone):
        if fits:
            seats = (Seat(device=place, first=0, end=space.n_layers),)
            found.append(Found(seconds=space.seconds(seats), bound=0.0, seats=seats))
    return min(found, key=lambda each: each.seconds, default=None)


def _answer(space: SearchSpace, found: Found, bound: float) -> Fastest:
    gap = max(0.0, 1.0 - bound / found.seconds) if found.seconds > 0 else 0.0
    seats = tuple((space.offers[seat.device], seat.end - seat.first) for seat in found.seats)
    return Fastest(
        placement=Placement(seats=seats),
        optimality=Optimality(proven=gap <= PROVEN, gap=None if gap <= PROVEN else gap),
        seconds=found.seconds,
    )
