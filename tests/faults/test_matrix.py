"""A few cells of the fault matrix for every run of the tests; the whole of it is ``make fault-matrix``.

Load times are not judged here: the machines of CI are shared, and busy ones are slow. That it serves again, says what broke
and leaves nothing is.
"""

import random

import pytest

from tests.faults.beds.one_machine import OneMachine
from tests.faults.beds.three_hosts import ThreeHosts
from tests.faults.matrix import cells
from tests.faults.trial import Conditions, run_trial

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

LOAD_SECONDS = 60.0
"""What a load may take on a busy machine."""
TOLD_SECONDS = 20.0
HERE = ["worker: kill -9 decode", "llama-server: kill -9 prefill"]
THERE = ["remote worker: kill -9 decode", "tunnel: kill -9 idle"]


def check(bed, names):
    for number, name in enumerate(names):
        (cell,) = [cell for cell in cells(name) if name == f"{cell.cause.name} {cell.phase.value}"]
        draw = random.Random(number)
        trial = run_trial(bed, cell.cause, cell.phase, draw, Conditions(number=number, load_seconds=LOAD_SECONDS))
        late = [miss for miss in trial.misses if miss.startswith("said only after")]
        assert [miss for miss in trial.misses if miss not in late] == [], "\n".join(trial.seen.told)
        assert trial.seen.detected_seconds < TOLD_SECONDS
        assert trial.seen.served_seconds is not None, "\n".join(trial.seen.told)


def test_on_one_machine(runtime, tmp_path):
    check(OneMachine(tmp_path, runtime), HERE)


def test_over_three_machines(clean_lab, runtime, tmp_path):
    check(ThreeHosts(clean_lab, tmp_path, runtime), THERE)
