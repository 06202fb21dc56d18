"""What is said of a recovery."""

from dataclasses import replace

import pytest

from engine.session.recovering.steps import go_back
from engine.session.recovering.told import (
    duration,
    given_up,
    question,
    what_goes_on,
    what_is_missing,
    what_is_there_again,
    what_it_cost,
    workers,
)
from engine.vocabulary.plan import PlanRefused
from engine.vocabulary.running.recovery import Cure, RecoveryMode, RecoveryStep
from tests.fakes.states.cluster_states import plan_refused, ready
from tests.fakes.states.recovery_states import (
    HAPPENED,
    a_cost,
    asking,
    broken,
    missing,
    starting_again,
    stopping,
    there_again,
    waiting,
)

DIO_AS_FAST = (
    "Back in 41 s on 2 workers, the model is read with direct I/O (--load-mode dio), as fast as before (measured 18.2,"
    " before 18.2)."
)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (ready(), ""),
        (stopping(), "What is left of the run is being stopped."),
        (starting_again(), "Starting again on 3 workers."),
        (broken(RecoveryStep.WAITING), "It starts again on 3 workers."),
        (waiting(), "It starts again on 3 workers, without flash attention, attempt 3."),
        (asking(), "Go on with 3 workers, about 18.4 tokens/s?"),
        (broken(RecoveryStep.WAITING, quiet=True), ""),
    ],
    ids=["nothing", "stops", "starts", "waits", "third attempt", "asks", "only a port"],
)
def test_while_it_goes_on(state, said):
    assert what_goes_on(state) == said


def test_what_is_there_again():
    again = "gpu-node is there again (about 18.4 tokens/s with it)"
    assert what_is_there_again(there_again()) == f"{again}: used as soon as nobody has asked anything for 30 s."
    assert what_is_there_again(there_again(RecoveryMode.ASK)) == f"{again}: stop and start again to use it."
    assert what_is_there_again(ready()) == ""


def test_going_back_is_no_fault():
    state = go_back(replace(there_again(), processes=ready().processes))
    assert what_goes_on(state) == "gpu-node is there again. The run is stopped to be started again on 3 workers."


def test_what_is_missing_and_who_has_it():
    state = missing()
    assert what_goes_on(state).startswith("Waiting: The model needs 21.3 GB")
    refused = plan_refused().plan
    assert isinstance(refused, PlanRefused)
    gone = replace(state, plan=refused)
    said = what_is_missing(gone)
    assert said.startswith(refused.reasons[0])
    assert said.endswith("is not reachable.")
    assert "gpu-node with " in said
    assert what_is_missing(ready()) == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {},
            "Back in 41 s on 2 workers without this-machine/cuda:0, 3.2 tokens/s less (measured 15.0, before 18.2).",
        ),
        ({"same_plan": True, "left_out": (), "n_workers": 3}, "Back in 41 s on the same 3 workers."),
        ({"left_out": (), "decode_after": None}, "Back in 41 s on 2 workers."),
        (
            {"left_out": (), "after_is_measured": False},
            "Back in 41 s on 2 workers, predicted 15.0, before 18.2 measured.",
        ),
        (
            {"left_out": (), "decode_after": 18.21, "cures": (Cure.DIRECT_IO,)},
            DIO_AS_FAST,
        ),
        ({"left_out": (), "decode_after": 20.0}, "Back in 41 s on 2 workers, 1.8 tokens/s more (measured 20.0, before 18.2)."),
    ],
)
def test_what_it_cost(changes, said):
    assert what_it_cost(a_cost(**changes)) == said


def test_given_up_says_why_and_what_was_last():
    problem = given_up(broken(RecoveryStep.WAITING, attempt=7))
    assert "started again 6 times" in problem.happened
    assert HAPPENED in problem.happened
    often = broken(RecoveryStep.WAITING, faults_at_seconds=tuple(range(13)))
    assert given_up(often).happened.startswith("The run crashed 13 times within 3 min 0 s")
    assert "The run cannot go on. The model needs 21.3 GB" in given_up(missing()).happened
    assert "gpu-node with 9.6 GB is not reachable." in given_up(missing()).happened


def test_figures():
    assert [duration(seconds) for seconds in (0.84, 41.2, 125.0)] == ["0.8 s", "41 s", "2 min 5 s"]
    assert (workers(1), workers(3)) == ("1 worker", "3 workers")
    assert question(replace(ready(), plan=None)) == "Go on"
