"""Curves over the time of day: what a chart is shown, whatever it draws with.

A gap stays ``None`` and is never joined over: a zero would claim that something ran and brought nothing, a line across a gap
that it went on. All lines of a chart share its times.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, pairwise

from engine.session.watched import Older, Reading
from gui.texts.translation import mark, number, tr
from gui.what_to_show.formatting import bytes_text, percent_text, rate_text
from gui.what_to_show.worker_marks import WorkerMark

RECENT_GAP_SECONDS = 3.5
"""Readings come once a second; a busy llama-server answers a little late."""
OLDER_GAP_STEPS = 1.5
SHORTEST_SPAN_SECONDS = 60.0


class Unit(StrEnum):
    """What the values of a chart are."""

    RATE = "tokens per second"
    BUSY = "fraction"
    BYTES = "bytes per second"


class Window(StrEnum):
    """How far back a chart goes."""

    MINUTE = mark("1 min")
    TEN_MINUTES = mark("10 min")
    WHOLE = mark("Whole run")


_WINDOW_SECONDS = {Window.MINUTE: 60.0, Window.TEN_MINUTES: 600.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class LineContent:
    """One curve."""

    name: str
    mark: WorkerMark
    values: tuple[float | None, ...]
    """One for each of the chart's times."""
    dots: tuple[tuple[float, float], ...] = ()
    """(time, value) of points that no line would show, having a gap on both sides, and of the newest one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkContent:
    """Something that happened, on the time axis."""

    at_seconds: float
    """Since the epoch."""
    words: str
    """With its time of day in front."""
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartContent:
    """One chart."""

    title: str
    unit: Unit
    times: tuple[float, ...]
    """Seconds since the epoch."""
    lines: tuple[LineContent, ...]
    span: tuple[float, float]
    """What the time axis shows."""
    top: float
    """Where the value axis ends; it begins at zero."""
    marks: tuple[MarkContent, ...] = ()
    predicted: float | None = None
    predicted_words: str = ""
    empty: str = ""
    """What to say instead of curves."""


def span_of(window: Window, first: float, last: float) -> tuple[float, float]:
    """What the axis shows when readings go from ``first`` to ``last``."""
    begins = min(first, last - SHORTEST_SPAN_SECONDS)
    seconds = _WINDOW_SECONDS.get(window)
    return (begins if seconds is None else max(begins, last - seconds), last)


def shown_readings(older: Older, recent: Sequence[Reading], begins: float, zero: float) -> tuple[Reading, ...]:
    """Readings from ``begins`` on (since the epoch, as the clock's ``zero``), with a reading of nothing where some lack."""
    far = [reading for reading in older.readings if reading.at_seconds + zero >= begins]
    near = [reading for reading in recent if reading.at_seconds + zero >= begins]
    shown = [*_with_gaps(far, OLDER_GAP_STEPS * older.step_seconds)]
    if far and near and near[0].at_seconds - far[-1].at_seconds > OLDER_GAP_STEPS * older.step_seconds:
        shown.append(_nothing_between(far[-1], near[0]))
    shown += _with_gaps(near, RECENT_GAP_SECONDS)
    return tuple(shown)


def thinned(readings: Sequence[Reading], step_seconds: float) -> tuple[Reading, ...]:
    """At most one reading for each step: the mean of those in it. A step without any value is a gap."""
    if len(readings) <= 2 or step_seconds <= 1.0:
        return tuple(readings)
    return tuple(_mean_of(list(group)) for _step, group in groupby(readings, key=lambda r: r.at_seconds // step_seconds))


def _mean_of(readings: list[Reading]) -> Reading:
    means = []
    for values in zip(*(reading.values for reading in readings), strict=True):
        known = [value for value in values if value is not None]
        means.append(sum(known) / len(known) if known else None)
    return Reading(at_seconds=readings[-1].at_seconds, values=tuple(means))


def _with_gaps(readings: Sequence[Reading], longest_seconds: float) -> list[Reading]:
    found = list(readings[:1])
    for before, after in pairwise(readings):
        if after.at_seconds - before.at_seconds > longest_seconds:
            found.append(_nothing_between(before, after))
        found.append(after)
    return found


def _nothing_between(before: Reading, after: Reading) -> Reading:
    return Reading(at_seconds=(before.at_seconds + after.at_seconds) / 2, values=(None,) * len(after.values))


def line_of(name: str, mark: WorkerMark, times: Sequence[float], values: Sequence[float | None]) -> LineContent:
    """A curve with the dots that it needs."""
    return LineContent(name=name, mark=mark, values=tuple(values), dots=_dots_of(times, values))


def _dots_of(times: Sequence[float], values: Sequence[float | None]) -> tuple[tuple[float, float], ...]:
    found: list[tuple[float, float]] = []
    newest = max((index for index, value in enumerate(values) if value is not None), default=-1)
    padded = (None, *values, None)
    for index, value in enumerate(values):
        alone = padded[index] is None and padded[index + 2] is None
        if value is not None and (alone or index == newest):
            found.append((times[index], value))
    return tuple(found)


def top_of(lines: Sequence[LineContent], predicted: float | None, least: float) -> float:
    """A little more than the highest, so that no curve touches the frame."""
    highest = max((value for line in lines for value in line.values if value is not None), default=0.0)
    return max(highest, predicted or 0.0, least) * 1.08


# -- words


def clock_text(at_seconds: float) -> str:
    """``14:02:11``, here."""
    return time.strftime("%H:%M:%S", time.localtime(at_seconds))


def tick_text(at_seconds: float, step_seconds: float) -> str:
    """As short as the distance of the ticks allows."""
    return time.strftime("%H:%M" if step_seconds >= 60 else "%H:%M:%S", time.localtime(at_seconds))


def value_text(unit: Unit, value: float | None) -> str:
    """With its unit: ``18.4 tok/s``, ``62%``, ``12 MB/s``."""
    if value is None:
        return tr("nothing")
    if unit is Unit.BUSY:
        return percent_text(value)
    return f"{bytes_rate_text(value)}" if unit is Unit.BYTES else f"{rate_text(value)} tok/s"


def axis_text(unit: Unit, value: float) -> str:
    """The same on an axis, where the title says the unit of tokens."""
    return number(value, "g") if unit is Unit.RATE else value_text(unit, value)


def bytes_rate_text(bytes_per_second: float) -> str:
    """``412 MB/s``, ``8 kB/s``, ``0 kB/s``."""
    if bytes_per_second < 1e6:
        return f"{bytes_per_second / 1000:.0f} kB/s"
    return (
        f"{bytes_text(round(bytes_per_second))}/s"
        if bytes_per_second >= 1e7
        else f"{number(bytes_per_second / 1e6, '.1f')} MB/s"
    )


def words_at(chart: ChartContent, at_seconds: float) -> str:
    """What the readings nearest to a time say, and what happened about then; empty where there is nothing near."""
    near = (chart.span[1] - chart.span[0]) / 60
    lines = [mark.words for mark in chart.marks if abs(mark.at_seconds - at_seconds) <= near / 2]
    place = nearest_place(chart.times, at_seconds)
    if place is not None and abs(chart.times[place] - at_seconds) <= max(near, 1.0):
        lines.append(f"{clock_text(chart.times[place])}{_predicted_beside(chart)}")
        lines += [f"{line.name}: {value_text(chart.unit, line.values[place])}" for line in chart.lines]
    return "\n".join(lines)


def _predicted_beside(chart: ChartContent) -> str:
    return f" · {chart.predicted_words}" if chart.predicted_words else ""


def nearest_place(times: Sequence[float], at_seconds: float) -> int | None:
    """Which of ascending times is nearest."""
    if not times:
        return None
    right = bisect_left(times, at_seconds)
    return min((place for place in (right - 1, right) if 0 <= place < len(times)), key=lambda p: abs(times[p] - at_seconds))


def spoken(chart: ChartContent) -> str:
    """The chart for those who do not see it: the newest values."""
    if chart.empty or not chart.times:
        return chart.empty or tr("Nothing yet.")
    newest = [
        f"{line.name} {value_text(chart.unit, next((v for v in reversed(line.values) if v is not None), None))}"
        for line in chart.lines
    ]
    return ", ".join([*newest, *([chart.predicted_words] if chart.predicted_words else [])])
