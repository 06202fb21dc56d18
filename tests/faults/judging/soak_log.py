"""What a soak showed: samples of the application, requests of its users, and whether anything grows. Pure.

The slope is Theil and Sen's (the median of the slopes of all pairs): a restart's peak does not bend it, as it does a line of
least squares, and a comparison of first and last would hang on two moments.
"""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

FEWEST_SAMPLES = 30
"""Fewer tell nothing about a slope."""
WARM_UP_FRACTION = 0.1
"""Not looked at: caches fill, modules are imported."""
GROWTH_ALLOWED_FRACTION = 0.05
"""Of the median, over the time looked at."""
GROWTH_ALLOWED = {"rss_mb": 8.0, "threads": 2.0, "fds": 4.0}
"""So much is no growth, whatever the fraction."""
WAITED_SECONDS = 1.0
"""An answer of two tokens takes a fraction of it: whoever waited longer waited for a restart."""
QUANTITIES = ("rss_mb", "threads", "fds")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The application at one moment, with what serves its address; not llama.cpp's programs."""

    at_seconds: float
    rss_mb: float
    threads: int
    fds: int


@dataclass(frozen=True, kw_only=True)
class Requests:
    """What became of them."""

    ok: int = 0
    waited: int = 0
    """Answered after more than ``WAITED_SECONDS``; not counted in ``ok``."""
    told_to_come_back: int = 0
    """503 with Retry-After."""
    other_answers: tuple[tuple[int, int], ...] = ()
    """(status, how often) of other answers."""
    dropped: int = 0
    """No answer at all."""
    longest_seconds: float = 0.0


def requests_of(lines: Iterable[dict[str, Any]]) -> Requests:
    """Count them."""
    every = [line for line in lines if "ended" in line]
    good = [line["ended"] - line["begun"] for line in every if line["status"] == 200]
    told = [line for line in every if line["status"] == 503 and line["retry_after"]]
    other = Counter(line["status"] for line in every if line["status"] not in (200, None) and line not in told)
    return Requests(
        ok=sum(seconds <= WAITED_SECONDS for seconds in good),
        waited=sum(seconds > WAITED_SECONDS for seconds in good),
        told_to_come_back=len(told),
        other_answers=tuple(sorted(other.items())),
        dropped=sum(line["status"] is None for line in every),
        longest_seconds=max((line["ended"] - line["begun"] for line in every), default=0.0),
    )


def theil_sen(points: Sequence[tuple[float, float]]) -> float:
    """Per second."""
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in itertools.combinations(points, 2) if x2 != x1]
    return statistics.median(slopes) if slopes else 0.0


@dataclass(frozen=True, kw_only=True)
class Trend:
    """Of one quantity."""

    name: str
    median: float
    per_hour: float
    growth: float
    """Over the time looked at."""
    grows: bool | None
    """``None`` = too few samples to tell."""


def trend_of(samples: Sequence[Sample], name: str) -> Trend:
    """After the warm-up."""
    kept = samples[int(len(samples) * WARM_UP_FRACTION) :]
    points = [(sample.at_seconds, float(getattr(sample, name))) for sample in kept]
    slope = theil_sen(points)
    median = statistics.median(value for _, value in points) if points else 0.0
    growth = slope * (points[-1][0] - points[0][0]) if points else 0.0
    allowed = max(GROWTH_ALLOWED[name], GROWTH_ALLOWED_FRACTION * median)
    grows = None if len(points) < FEWEST_SAMPLES else growth > allowed
    return Trend(name=name, median=median, per_hour=slope * 3600, growth=growth, grows=grows)


def as_csv(samples: Sequence[Sample]) -> str:
    """With a head."""
    rows = [f"{s.at_seconds:.1f},{s.rss_mb:.1f},{s.threads},{s.fds}" for s in samples]
    return "\n".join(["seconds,rss_mb,threads,fds", *rows]) + "\n"


def verdict(samples: Sequence[Sample], requests: Requests, faults: Counter[str]) -> str:
    """In words, for people."""
    total = requests.ok + requests.waited + requests.told_to_come_back + requests.dropped
    total += sum(count for _, count in requests.other_answers)
    other = "".join(f", {count} times status {status}" for status, count in requests.other_answers)
    asked = (
        f"{total} requests: {requests.ok} answered at once, {requests.waited} after waiting,"
        f" {requests.told_to_come_back} told to come back (503){other}, {requests.dropped} dropped without an answer;"
        f" the longest took {requests.longest_seconds:.1f} s."
    )
    each = ", ".join(f"{count} x {name}" for name, count in sorted(faults.items()))
    lines = [f"{sum(faults.values())} faults: {each}.", asked]
    for name in QUANTITIES:
        trend = trend_of(samples, name)
        said = {True: "GROWS", False: "flat", None: "too few samples to tell"}[trend.grows]
        lines.append(
            f"{name}: {said} (median {trend.median:.1f}, {trend.growth:+.2f} over the time looked at,"
            f" {trend.per_hour:+.2f} per hour, Theil-Sen)."
        )
    return "\n".join(lines)


def is_good(samples: Sequence[Sample], requests: Requests) -> bool:
    """Nothing dropped, nothing grows."""
    return requests.dropped == 0 and not any(trend_of(samples, name).grows for name in QUANTITIES)
