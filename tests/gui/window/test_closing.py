"""Closing while something runs: the question, its three answers, and not asking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gui.dialogs.confirm_quit import QuitAnswer
from tests.fakes import cluster_states as states


@pytest.fixture
def answering(monkeypatch) -> Callable[..., list[str]]:
    """Answer every question so; the list has the buttons of each question that was asked."""

    def answer_so(answer: QuitAnswer, *, ask_again: bool = True) -> list[str]:
        asked: list[str] = []

        def answered(dialog) -> tuple[QuitAnswer, bool]:
            asked.append(" | ".join(button.text() for button in dialog.buttons()))
            return answer, ask_again

        monkeypatch.setattr("gui.window.closing.answer_of", answered)
        return asked

    return answer_so


def with_kept_worker():
    base = states.ready()
    first, *others = base.processes
    return replace(base, processes=(replace(first, keeps_running=True, machine_name="lab-02"), *others))


def test_cancel_keeps_everything(open_window, answering) -> None:
    window = open_window(states.ready())
    asked = answering(QuitAnswer.CANCEL, ask_again=False)
    window.close()
    assert len(asked) == 1
    assert window.isVisible()
    assert window.session.commands == []
    assert window.preferences.now.ask_at_quit


def test_stop_closes_once(open_window, answering) -> None:
    window = open_window(states.ready())
    answering(QuitAnswer.STOP_ALL)
    window.close()
    window.close()
    assert window.session.commands == [("close",)]
    assert window.header.primary.text() == "Stop"
    window.bridge.pull()
    assert window.header.primary.text() == "Stopping…"


def test_keep_running_closes_and_the_session_leaves_them(open_window, answering) -> None:
    window = open_window(with_kept_worker())
    asked = answering(QuitAnswer.KEEP)
    window.close()
    assert "Keep 1 worker running and quit" in asked[0]
    assert window.session.commands == [("close",)]


def test_stopping_also_those_that_could_stay_stops_first_and_closes_then(open_window, answering) -> None:
    window = open_window(with_kept_worker())
    answering(QuitAnswer.STOP_ALL)
    window.close()
    assert window.session.commands == [("stop",)]
    window.bridge.pull()
    assert window.session.commands == [("stop",)]
    window.session.show(states.plan_shown())
    window.bridge.pull()
    assert window.session.commands == [("stop",), ("close",)]


def test_not_again_is_remembered(open_window, answering) -> None:
    window = open_window(states.ready())
    answering(QuitAnswer.STOP_ALL, ask_again=False)
    window.close()
    assert not window.preferences.now.ask_at_quit


def test_without_the_question_it_closes(open_window, answering) -> None:
    window = open_window(states.ready())
    asked = answering(QuitAnswer.CANCEL)
    window.preferences.set(ask_at_quit=False)
    window.close()
    assert asked == []
    assert window.session.commands == [("close",)]


def test_nothing_runs_nothing_is_asked(open_window, answering) -> None:
    window = open_window(states.plan_shown())
    asked = answering(QuitAnswer.CANCEL)
    window.close()
    assert asked == []
    assert window.session.commands == [("close",)]
