"""Whether something grows, and what became of requests."""

import random
from collections import Counter

import pytest

from tests.faults.judging.soak_log import Requests, Sample, as_csv, is_good, requests_of, theil_sen, trend_of, verdict

HOUR = 360
"""Samples of ten seconds."""


def samples(count=HOUR, *, rss=lambda n: 150.0, threads=lambda n: 30, fds=lambda n: 60):
    return [Sample(at_seconds=10.0 * n, rss_mb=rss(n), threads=threads(n), fds=fds(n)) for n in range(count)]


def noise():
    draw = random.Random(7)
    return lambda n: 150.0 + draw.gauss(0, 3) + (40 if n % 17 == 0 else 0)


def test_the_slope_is_that_of_the_many_not_of_the_outliers():
    points = [(float(n), 2.0 * n + (500.0 if n in (3, 17) else 0.0)) for n in range(20)]
    assert theil_sen(points) == pytest.approx(2.0)
    assert theil_sen([(1.0, 5.0)]) == 0.0


def test_restarts_are_no_growth():
    assert trend_of(samples(rss=noise()), "rss_mb").grows is False
    assert trend_of(samples(threads=lambda n: 30 + n % 5), "threads").grows is False


@pytest.mark.parametrize(
    ("what", "grown"),
    [
        ("rss_mb", {"rss": lambda n: 150 + n * 0.05}),
        ("threads", {"threads": lambda n: 30 + n // 60}),
        ("fds", {"fds": lambda n: 60 + n // 40}),
    ],
)
def test_a_slow_leak_is_growth(what, grown):
    many = samples(**grown)
    assert trend_of(many, what).grows is True
    assert not is_good(many, Requests(ok=1))
    assert f"{what}: GROWS" in verdict(many, Requests(ok=1), Counter())


def test_what_is_taken_up_at_the_start_is_no_leak():
    assert trend_of(samples(rss=lambda n: min(150, 100 + 2 * n)), "rss_mb").grows is False


def test_a_few_samples_tell_nothing():
    few = samples(9, rss=lambda n: 100 + 50 * n)
    assert trend_of(few, "rss_mb").grows is None
    assert "too few samples to tell" in verdict(few, Requests(), Counter())
    assert trend_of([], "fds").grows is None


def line(status, seconds=0.2, retry_after=None):
    return {"begun": 10.0, "ended": 10.0 + seconds, "status": status, "retry_after": retry_after}


def test_requests_are_told_apart():
    told = requests_of(
        [
            line(200),
            line(200, 7.5),
            line(503, retry_after="3"),
            line(503),
            line(502),
            {"begun": 1.0, "ended": 2.0, "status": None, "error": "ConnectionResetError"},
            {"begun": 3.0},
        ]
    )
    assert told == Requests(
        ok=1, waited=1, told_to_come_back=1, other_answers=((502, 1), (503, 1)), dropped=1, longest_seconds=7.5
    )
    said = verdict(samples(), told, Counter({"worker: kill -9": 2}))
    assert "2 faults: 2 x worker: kill -9." in said
    assert "6 requests: 1 answered at once, 1 after waiting, 1 told to come back (503), 1 times status 502, 1 times" in said
    assert not is_good(samples(), told)
    assert is_good(samples(), Requests(ok=5, waited=2, told_to_come_back=1))


def test_the_log_is_csv():
    assert as_csv(samples(2)).splitlines() == ["seconds,rss_mb,threads,fds", "0.0,150.0,30,60", "10.0,150.0,30,60"]
