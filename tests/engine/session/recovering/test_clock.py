"""When the next start is due, and who is looked at."""

from dataclasses import replace

import pytest

from engine.session import events
from engine.session.recovering.clock import RecoveryClock
from engine.session.state import Activity
from engine.vocabulary.machine import MachineId
from engine.vocabulary.running.recovery import RecoveryMode, RecoveryStep
from tests.fakes.sessions.fake_outside import FakeClock
from tests.fakes.states.cluster_pieces import NOW
from tests.fakes.states.cluster_states import plan_refused, ready
from tests.fakes.states.recovery_states import asking, broken, missing, starting_again, stopping, there_again, waiting


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
def idle():
    """Seconds since somebody asked."""
    return [3600.0]


@pytest.fixture
def recovery_clock(clock, posted, looked_at, idle):
    return RecoveryClock(clock, posted.append, looked_at.append, lambda: idle[0])


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


def seen_for(recovery_clock, clock, state, seconds):
    recovery_clock.act(state)
    clock.seconds += seconds
    recovery_clock.act(state)


def test_it_goes_back_to_a_machine_that_has_been_there_for_a_while(recovery_clock, clock, posted):
    seen_for(recovery_clock, clock, there_again(), 29)
    assert posted == []
    clock.seconds += 1
    recovery_clock.act(there_again())
    assert posted == [events.GoBackAsked()]


def test_one_that_comes_and_goes_is_waited_for_anew(recovery_clock, clock, posted):
    seen_for(recovery_clock, clock, there_again(), 29)
    recovery_clock.act(ready())
    seen_for(recovery_clock, clock, there_again(), 29)
    assert posted == []


def test_it_does_not_go_back_while_somebody_asks(recovery_clock, clock, posted, idle):
    idle[0] = 29.0
    seen_for(recovery_clock, clock, there_again(), 600)
    assert posted == []
    idle[0] = 30.0
    recovery_clock.act(there_again())
    assert posted == [events.GoBackAsked()]


def test_nor_while_crossply_itself_works(recovery_clock, clock, posted):
    measuring = (Activity(id="measure", title="Measuring"),)
    seen_for(recovery_clock, clock, replace(there_again(), activities=measuring), 600)
    assert posted == []


def test_nor_where_people_are_asked(recovery_clock, clock, posted):
    seen_for(recovery_clock, clock, there_again(RecoveryMode.ASK), 600)
    assert posted == []
