"""When a recovery goes on, and when it changes the plan."""

import pytest

from engine.vocabulary.machine import MachineId
from engine.vocabulary.running.recovery import Cure, Recovery, RecoveryStep
from engine.vocabulary.worker import WorkerId


@pytest.mark.parametrize("step", RecoveryStep)
def test_it_goes_on_in_every_step_but_none(step):
    assert Recovery(step=step).goes_on is (step is not RecoveryStep.NONE)


@pytest.mark.parametrize(
    "learnt",
    [
        {"lost": (MachineId("a"),)},
        {"left_out": (WorkerId("a/cpu"),)},
        {"cures": (Cure.DIRECT_IO,)},
        {"kept_free": ((WorkerId("a/cpu"), 1),)},
    ],
)
def test_what_is_learnt_changes_the_plan(learnt):
    assert Recovery(**learnt).changes_plan
    assert not Recovery(attempt=3, strikes=(("a", 1),)).changes_plan
