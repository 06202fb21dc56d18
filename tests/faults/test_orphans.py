"""``kill -9`` at a few random moments, for every run of the tests; 200 of them are ``python -m tests.faults.orphans``."""

import random

import pytest

from tests.faults.beds.one_machine import OneMachine
from tests.faults.beds.three_hosts import ThreeHosts
from tests.faults.orphans import AFTER_SERVING_SECONDS, kill_at, line_of, measured, starts_again

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

MOMENTS = 2
"""Per way: six in all."""


def check(way, seed):
    draw = random.Random(seed)
    kills = [
        kill_at(way, 10 + number, draw.uniform(0.0, way.serves_after_seconds + AFTER_SERVING_SECONDS))
        for number in range(MOMENTS)
    ]
    assert [line_of(kill) for kill in kills if kill.left] == [], f"seed {seed}"
    assert starts_again(way, 90) == []


@pytest.fixture
def seed():
    """Printed when the test fails."""
    drawn = random.SystemRandom().randrange(10_000)
    print(f"seed {drawn}")
    return drawn


@pytest.mark.parametrize("what", ["window", "up"])
def test_on_one_machine(runtime, tmp_path, seed, what):
    bed = OneMachine(tmp_path, runtime)
    check(measured(what, bed, bed.start_window if what == "window" else bed.start, n_runs=1), seed)


def test_over_three_machines(clean_lab, runtime, tmp_path, seed):
    bed = ThreeHosts(clean_lab, tmp_path, runtime)
    check(measured("up", bed, bed.start, n_runs=1), seed)
