"""When to try again, and when to stop."""

import pytest

from engine.session.recovering import patience
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.process import ProcessOutcome

STARTED_BADLY = ProcessOutcome(exit_code=1, stop_asked=False)
KILLED = ProcessOutcome(exit_code=-9, stop_asked=False)
ABORTED = ProcessOutcome(exit_code=134, stop_asked=False)


def problem(kind=ProblemKind.COORDINATOR):
    return Problem(kind=kind, where="x", happened="It broke.")


def test_the_first_start_is_at_once_the_next_wait_longer_and_then_it_is_given_up():
    pauses = [patience.pause_seconds(attempt) for attempt in range(1, 8)]
    assert pauses == [0.0, 1.0, 2.0, 4.0, 8.0, 15.0, None]


def test_old_crashes_do_not_count():
    assert patience.within_window((0.0, 100.0, 190.0), 200.0) == (100.0, 190.0)


def test_a_run_that_comes_up_only_to_break_is_stopped():
    assert not patience.breaks_too_often(tuple(range(patience.MOST_FAULTS_IN_WINDOW)))
    assert patience.breaks_too_often(tuple(range(patience.MOST_FAULTS_IN_WINDOW + 1)))


@pytest.mark.parametrize(
    ("cause", "crashed", "own"),
    [
        (FaultCause.WORKER_ENDED, False, False),
        (FaultCause.WORKER_ENDED, True, True),
        (FaultCause.COORDINATOR_ENDED, False, False),
        (FaultCause.CONNECTION_LOST, False, False),
        (FaultCause.HOST_SILENT, False, False),
        (FaultCause.WORKER_OUT_OF_MEMORY, False, True),
        (FaultCause.HANG, False, True),
        (FaultCause.UNKNOWN, False, True),
    ],
)
def test_what_others_do_to_it_is_not_its_own_doing(cause, crashed, own):
    assert patience.is_own_doing(Fault(cause=cause), crashed=crashed) is own


@pytest.mark.parametrize(
    ("cause", "outcome", "served", "hopeless"),
    [
        (FaultCause.COORDINATOR_ENDED, STARTED_BADLY, False, True),
        (FaultCause.COORDINATOR_ENDED, STARTED_BADLY, True, False),
        (FaultCause.COORDINATOR_ENDED, ABORTED, False, False),
        (FaultCause.COORDINATOR_ENDED, KILLED, False, False),
        (FaultCause.UNKNOWN, None, False, True),
        (FaultCause.UNKNOWN, None, True, False),
        (FaultCause.WORKER_ENDED, STARTED_BADLY, False, False),
        (FaultCause.HOST_SILENT, None, False, False),
    ],
)
def test_a_launch_that_cannot_work_is_not_repeated(cause, outcome, served, hopeless):
    assert patience.is_hopeless(Fault(cause=cause), problem(), outcome, ever_served=served) is hopeless


@pytest.mark.parametrize("kind", [ProblemKind.BUG, ProblemKind.RUNTIME, ProblemKind.MODEL])
def test_what_only_a_person_can_mend_is_never_repeated(kind):
    assert patience.is_hopeless(Fault(cause=FaultCause.WORKER_ENDED), problem(kind), KILLED, ever_served=True)
