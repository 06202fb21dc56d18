"""The strip of a run that broke: what stands in it at every step."""

from dataclasses import replace

import pytest

from engine.session.recovering.steps import go_back
from engine.vocabulary.running.recovery import RecoveryMode
from gui.what_to_show.recovery_content import recovery_of
from gui.what_to_show.status_content import primary_button_of, status_of
from tests.fakes.states import recovery_states
from tests.fakes.states.cluster_pieces import NOW
from tests.fakes.states.cluster_states import ready
from tests.fakes.states.recovery_states import HAPPENED, asking, back, missing, starting_again, stopping, there_again, waiting


@pytest.mark.parametrize(
    ("state", "title", "go"),
    [
        (stopping(), "Something broke: what is left of the run is being stopped", ""),
        (waiting(), "Starting again in 4 s on 3 workers, attempt 3", "Try now"),
        (starting_again(), "Starting again on 3 workers", ""),
        (asking(), "Something broke. Start again without cuda:0 of ada-desktop?", "Go on with 3 workers, about 18.4 tok/s"),
        (missing(), "Nothing fits without gpu-node: looking again in 4 s", "Try now"),
    ],
    ids=["stops", "waits", "starts", "asks", "misses"],
)
def test_while_it_goes_on(state, title, go):
    content = recovery_of(state, NOW)
    assert (content.title, content.go_text) == (title, go)
    assert content.can_stop
    assert not content.is_over
    assert content.words.startswith(HAPPENED)


def test_the_countdown_ends_at_nothing():
    assert "in 1 s" in recovery_of(waiting(), NOW + 3.0).title
    assert "in 0 s" in recovery_of(waiting(), NOW + 60.0).title


def test_a_cure_and_what_is_missing_are_told():
    assert "without flash attention" in recovery_of(waiting(), NOW).words
    assert "gpu-node with 9.6 GB is not reachable." in recovery_of(missing(), NOW).words


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({}, "Back in 41 s on 2 workers, 3.2 tokens/s less (measured 15.0, before measured 18.2)"),
        (
            {"after_is_measured": False},
            "Back in 41 s on 2 workers, predicted 15.0, before measured 18.2",
        ),
        ({"decode_after": 20.0}, "Back in 41 s on 2 workers, 1.8 tokens/s more (measured 20.0, before measured 18.2)"),
        ({"decode_after": 18.2}, "Back in 41 s on 2 workers, as fast as before (measured 18.2, before measured 18.2)"),
        ({"decode_after": None}, "Back in 41 s on 2 workers"),
        ({"same_plan": True}, "Back in 41 s on the same 2 workers"),
    ],
)
def test_what_it_cost(changes, title):
    content = recovery_of(back(**changes), NOW)
    assert content.title == title
    assert content.is_over
    assert not content.can_stop
    assert content.words == f"{HAPPENED} Left out: this-machine/cuda:0."


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (RecoveryMode.AUTOMATIC, "There again: gpu-node; used as soon as nobody has asked anything for 30 s."),
        (RecoveryMode.ASK, "There again: gpu-node."),
    ],
)
def test_a_machine_that_is_there_again_can_be_used(mode, words):
    before, content = recovery_of(back(), NOW), recovery_of(there_again(mode), NOW)
    assert content.words.endswith(words)
    assert content.go_text == "Use gpu-node now, about 18.4 tok/s"
    assert content.is_over
    assert content.number > before.number, "shown again to whoever dismissed it"


def test_while_it_goes_back_nothing_is_said_to_be_broken():
    state = go_back(there_again())
    assert recovery_of(state, NOW).title == "Stopping, to start again on 3 workers"
    assert recovery_of(state, NOW).words == "gpu-node is there again."


@pytest.mark.parametrize("state", [ready(), replace(waiting(), closing=True)], ids=["nothing broke", "closing"])
def test_nothing_to_tell(state):
    assert recovery_of(state, NOW) is None


def test_only_a_port_is_nothing_to_tell():
    state = waiting()
    assert recovery_of(replace(state, recovery=replace(state.recovery, quiet=True)), NOW) is None


def test_the_fault_stands_in_the_strip_and_in_no_banner_and_the_button_stops():
    content = status_of(waiting())
    assert content.banners == ()
    assert (content.button.action, content.button.enabled) == ("stop", True)
    assert content.left_role == "warning"
    assert primary_button_of(recovery_states.starting_again()).action == "stop"
