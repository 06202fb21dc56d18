"""What is told in a terminal: each sentence once."""

import io
import os
from dataclasses import replace

import pytest

from engine.cli.terminal.recovery_news import RecoveryNews
from engine.errors import ProcessFailed
from tests.fakes.states.cluster_states import ready
from tests.fakes.states.recovery_states import asking, back, starting_again, stopping, there_again, waiting


class Answered:
    """Writes down what it is told."""

    def __init__(self):
        self.told = []

    def try_again(self):
        self.told.append("go on")

    def stop(self):
        self.told.append("stop")


def told(capsys, *states):
    news, session = RecoveryNews(), Answered()
    for state in states:
        news.tell(state, session)
    return capsys.readouterr().err.splitlines()


def test_every_step_once_and_what_it_cost(capsys):
    predicted, measured = back(after_is_measured=False), back()
    states = (ready(), stopping(), waiting(), waiting(), starting_again(), predicted, predicted, measured, measured)
    said = told(capsys, *states)
    assert [line.split(" on ")[0] for line in said] == [
        "It starts again", "Starting again", "Back in 41 s", "Measured meanwhile: Back in 41 s",
    ]  # fmt: skip


def test_also_when_as_many_are_kept_as_before(capsys):
    once = back()
    again = replace(once, recovery=replace(once.recovery, n_forgotten=1))
    assert len(told(capsys, once, again, again)) == 2


def test_a_machine_that_is_there_again_once(capsys):
    said = told(capsys, back(), there_again(), there_again())
    assert said[1:] == [
        "gpu-node is there again (about 18.4 tokens/s with it): used as soon as nobody has asked anything for 30 s."
    ]


def test_nothing_while_nothing_breaks(capsys):
    assert told(capsys, ready(), ready()) == []


def test_a_question_without_a_terminal_ends_it(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(ProcessFailed) as ended:
        RecoveryNews().tell(asking(), Answered())
    assert "--recovery automatic" in ended.value.advice
    assert "SIGABRT" in ended.value.happened


@pytest.mark.parametrize(("typed", "answer"), [("yes\n", ["go on"]), ("no\n", ["stop"]), ("what\n", []), ("", [])])
def test_the_answer_at_a_terminal(monkeypatch, capsys, typed, answer):
    read, write = os.pipe()
    if typed:
        os.write(write, typed.encode())
    with os.fdopen(read) as stdin, os.fdopen(write, "w"):
        stdin.isatty = lambda: True
        monkeypatch.setattr("sys.stdin", stdin)
        monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        news, session = RecoveryNews(), Answered()
        news.tell(asking(), session)
        assert session.told == answer
        assert capsys.readouterr().err.startswith("Go on with 3 workers, about 18.4 tokens/s? (yes = go on, no = stop) ")
