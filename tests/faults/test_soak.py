"""A soak of a minute for every run of the tests; an hour of it is ``make soak``."""

import random

import pytest

from tests.faults.beds.one_machine import OneMachine
from tests.faults.breaking.what_breaks import BedKind
from tests.faults.judging.soak_log import verdict
from tests.faults.soak import causes_for, soak

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]

SECONDS, FAULT_EVERY_SECONDS = 60.0, 20.0


def test_nothing_is_dropped_and_it_serves_at_the_end(runtime, tmp_path):
    causes = [cause for cause in causes_for(BedKind.ONE_MACHINE) if not cause.is_silent]
    bed = OneMachine(tmp_path, runtime)
    soaked = soak(bed, causes, random.Random(5), seconds=SECONDS, fault_every_seconds=FAULT_EVERY_SECONDS)
    said = "\n".join([verdict(soaked.samples, soaked.requests, soaked.faults), *soaked.told])
    assert sum(soaked.faults.values()) >= 2, said
    assert soaked.requests.ok > 0, said
    assert soaked.requests.dropped == 0, said
    assert soaked.serves_at_the_end, said
    assert bed.left() == []
