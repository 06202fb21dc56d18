"""A layer boundary moved by hand: the split that a person made.

A boundary is numbered by the worker before it, and stands in front of a layer. It stops one layer before its neighbours, so
that no worker is emptied by a move; the last one may keep the output head alone, as llama.cpp can do that and it is a plan of
its own kind. Rejected: emptying a worker that is moved over (its boundary would be gone with it, so that the same hand could
not pull it back, and the worker would be unused without being switched off: its switch says so, and can be found again), and
pushing the next boundary along (one move then changes workers that nobody touched).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from engine.vocabulary.plan import GivenSplit, PlannedWorker
from engine.vocabulary.worker import WorkerId

YOURS = "Your split"
"""Name of a split that was made by hand."""

Seats = tuple[tuple[WorkerId, int], ...]


def seats_of_workers(used: Sequence[PlannedWorker]) -> Seats:
    """Workers in device order with their layers."""
    return tuple((worker.id, worker.n_layers) for worker in used)


def boundaries_of(seats: Seats) -> tuple[int, ...]:
    """In front of which layer each boundary stands."""
    return tuple(accumulate(count for _, count in seats))[:-1]


def reach_of(seats: Seats, boundary: int) -> tuple[int, int]:
    """The lowest and the highest layer in front of which a boundary may stand."""
    places = (0, *boundaries_of(seats), sum(count for _, count in seats))
    before, after = places[boundary], places[boundary + 2]
    after_is_last = boundary == len(seats) - 2
    return before + 1, after if after_is_last else after - 1


def moved_boundary(seats: Seats, boundary: int, layer: int) -> GivenSplit:
    """The split with one boundary in front of ``layer``, or as near as it may come. Raises ``IndexError`` for no boundary."""
    places = list(boundaries_of(seats))
    lowest, highest = reach_of(seats, boundary)
    places[boundary] = max(lowest, min(highest, layer))
    ends = (*places, sum(count for _, count in seats))
    counts = (end - start for start, end in zip((0, *places), ends, strict=True))
    return GivenSplit(name=YOURS, seats=tuple((worker, count) for (worker, _), count in zip(seats, counts, strict=True)))
