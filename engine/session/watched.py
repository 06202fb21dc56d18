"""What was watched of a run over time: moments, and readings that get coarser the older they are.

Bounded however long a run takes: ten minutes as they were read, before that means of ``step_seconds`` each, whose step doubles
when there are too many. A reading of ``None`` is a gap and stays one: it counts in no mean.
Rejected: keeping everything (a week is 600,000 readings) and dropping what is old (whoever comes back in the morning wants the
night).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby

FIRST_STEP_SECONDS = 8.0
MOST_MEANS = 600
MOST_RECENT = 600
"""Ten minutes at one reading a second."""
MOST_MOMENTS = 100


class MomentKind(StrEnum):
    """What happened."""

    LAUNCHED = "launched"
    READY = "ready"
    MEASURED = "standard request answered"
    ASKED = "question"
    ENDED = "ended"
    LOST = "not reachable"
    BACK = "reachable again"
    RECOVERED = "recovered"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened, with when."""

    at_seconds: float
    """Monotonic clock."""
    kind: MomentKind
    subject: str = ""
    """What it happened to, for people: a process, a machine, the question's first words."""
    machine_name: str = ""
    """Where; empty = it concerns the whole run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Values that were read at one time. ``None`` = nothing was to be read."""

    at_seconds: float
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """Readings of one step, added up."""

    number: int
    """Which step since the clock's zero."""
    sums: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def values(self) -> tuple[float | None, ...]:
        """The means; ``None`` where nothing was read in the whole step."""
        return tuple(total / count if count else None for total, count in zip(self.sums, self.counts, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Older:
    """Means of what is no longer kept as it was read."""

    step_seconds: float = FIRST_STEP_SECONDS
    means: tuple[Mean, ...] = ()

    def taking(self, reading: Reading) -> Older:
        """With one more, which is newer than all that were taken."""
        number = int(reading.at_seconds // self.step_seconds)
        new = Mean(
            number=number,
            sums=tuple(value or 0.0 for value in reading.values),
            counts=tuple(int(value is not None) for value in reading.values),
        )
        if self.means and self.means[-1].number == number:
            return replace(self, means=(*self.means[:-1], _added(self.means[-1], new)))
        taken = replace(self, means=(*self.means, new))
        return _coarser(taken) if len(taken.means) > MOST_MEANS else taken

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Each mean at the middle of its step."""
        return tuple(Reading(at_seconds=(m.number + 0.5) * self.step_seconds, values=m.values) for m in self.means)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What one value of every reading is."""

    kind: str
    """``busy``: of a worker's device, 0..1. ``sent`` through a tunnel, ``taken in`` by a machine: bytes per second."""
    id: str
    """Of the worker or the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Readings of the same columns."""

    columns: tuple[Column, ...] = ()
    recent: tuple[Reading, ...] = ()
    older: Older = Older()

    def taking(self, reading: Reading) -> Series:
        """With one more."""
        readings = (*self.recent, reading)
        older = self.older
        for left in readings[:-MOST_RECENT]:
            older = older.taking(left)
        return replace(self, recent=readings[-MOST_RECENT:], older=older)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """All of it."""

    moments: tuple[Moment, ...] = ()
    """Of earlier launches too, the newest last."""
    throughput_before: Older = Older()
    """(decode, prefill) of this launch, older than ``ClusterState.throughput``."""
    loads: Series = Series()
    """Of this launch."""
    sent_at: tuple[float, tuple[tuple[str, int], ...]] = (0.0, ())
    """What the tunnels had carried at the last reading: (when, bytes per machine)."""


def _added(one: Mean, other: Mean) -> Mean:
    return Mean(
        number=one.number,
        sums=tuple(a + b for a, b in zip(one.sums, other.sums, strict=True)),
        counts=tuple(a + b for a, b in zip(one.counts, other.counts, strict=True)),
    )


def _coarser(older: Older) -> Older:
    """Steps of twice the length."""
    means = []
    for number, pair in groupby(older.means, key=lambda mean: mean.number // 2):
        first, *others = pair
        merged = replace(first, number=number)
        for other in others:
            merged = _added(merged, other)
        means.append(merged)
    return Older(step_seconds=older.step_seconds * 2, means=tuple(means))
