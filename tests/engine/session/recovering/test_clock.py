"""When the next start is due, and who is looked at."""

from dataclasses import replace

import pytest

from engine.session import events
from engine.session.recovering.clock import RecoveryClock
from engine.vocabulary.machine import MachineId
from engine.vocabulary.running.recovery import RecoveryStep
from tests.fakes.cluster_pieces import NOW
from tests.fakes.cluster_states import plan_refused, ready
from tests.fakes.fake_outside import FakeClock
from tests.fakes.recovery_states import asking, broken, missing, starting_again, stopping, waiting


@pytest.fixture
def clock():
    clock = FakeClock()
    clock.seconds = NOW
    return clock


@pytest.fixture
def posted():
    return []


@pytest.fixture
def looked_at():
    return []


@pytest.fixture
def recovery_clock(clock, posted, looked_at):
    return RecoveryClock(clock, posted.append, looked_at.append)


def test_due_when_the_pause_is_over(recovery_clock, clock, posted):
    recovery_clock.act(waiting())
    assert posted == []
    clock.seconds += 5
    recovery_clock.act(waiting())
    assert posted == [events.TryAgainAsked()]


def test_due_at_once_when_what_was_missing_is_back(recovery_clock, posted):
    state = missing()
    recovery_clock.act(replace(state, plan=plan_refused().plan))
    assert posted == []
    recovery_clock.act(state)
    assert posted == [events.TryAgainAsked()]


def test_not_while_a_process_is_left(recovery_clock, clock, posted):
    clock.seconds += 5
    recovery_clock.act(replace(waiting(), processes=ready().processes))
    assert posted == []


@pytest.mark.parametrize("state", [ready(), stopping(), asking(), starting_again()], ids=["no", "stops", "asks", "starts"])
def test_nothing_is_due_at_other_times(recovery_clock, clock, posted, state):
    clock.seconds += 3600
    recovery_clock.act(state)
    assert posted == []


def test_a_lost_machine_is_looked_at_once_and_again_when_it_is_lost_again(recovery_clock, looked_at):
    node = MachineId("gpu-node")
    lost, found = broken(RecoveryStep.STARTING, lost=(node,)), ready()
    for state in (lost, lost, found, found, lost):
        recovery_clock.act(state)
    assert looked_at == [node, node]
