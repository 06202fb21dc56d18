"""Closing the window: what would be lost, then what would be stopped, and Cancel at every step."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt

from engine.session.state import Choices, ClusterDocument, ClusterState
from engine.vocabulary.plan import Policy
from engine.vocabulary.running.recovery import RecoveryMode
from tests.fakes.states import cluster_states as states
from tests.fakes.states.kept_states import with_remote_workers
from tests.gui.window_hands import answer, show, told


def with_changes(state: ClusterState) -> ClusterState:
    saved = replace(state.choices, policy=Policy.EVEN)
    return replace(state, document=ClusterDocument(path="/labs/lab.crossply.toml", saved=saved))


def test_with_nothing_to_lose_and_nothing_running_it_just_closes(open_window) -> None:
    window = open_window(states.plan_shown())
    window.close()
    assert window.session.commands == [("close",)]


def test_three_answers_where_workers_can_stay(qtbot, open_window) -> None:
    window = open_window(with_remote_workers(keeps=True))
    window.close()
    dialog = window.closing.dialog
    words = [button.text() for button in dialog.buttons()]
    assert sorted(words) == ["Cancel", "Keep running and quit", "Stop everything and quit"]
    assert dialog.defaultButton().text() == "Cancel"
    answer(dialog, "Keep running and quit")
    assert window.session.commands == [("close",)]


def test_two_answers_where_none_can(qtbot, open_window) -> None:
    window = open_window(states.ready())
    window.close()
    assert sorted(button.text() for button in window.closing.dialog.buttons()) == ["Cancel", "Stop everything and quit"]
    answer(window.closing.dialog, "Stop everything and quit")
    assert window.session.commands == [("close", "stop all")]


def test_escape_cancels(qtbot, open_window) -> None:
    window = open_window(states.ready())
    window.close()
    qtbot.keyClick(window.closing.dialog, Qt.Key.Key_Escape)
    assert window.closing.dialog is None
    assert window.session.commands == []
    assert window.isVisible()


def test_closing_again_under_the_question_asks_no_second_time(open_window) -> None:
    window = open_window(states.ready())
    window.close()
    first = window.closing.dialog
    window.close()
    assert window.closing.dialog is first


def test_changes_are_asked_about_first_and_discarding_chooses_what_is_saved(qtbot, open_window) -> None:
    window = open_window(with_changes(states.ready()))
    window.close()
    assert window.closing.dialog is None
    window.close()
    answer(window.files.dialog, "Discard")
    assert told(window, "choose") == [], "the window may yet stay, and with it what was changed"
    answer(window.closing.dialog, "Stop everything and quit")
    assert [choices.policy for (choices,) in told(window, "choose")] == [Policy.EVEN]
    assert window.session.commands[-1] == ("close", "stop all")


def test_who_discards_and_then_stays_has_lost_nothing(qtbot, open_window) -> None:
    window = open_window(with_changes(states.ready()))
    window.close()
    answer(window.files.dialog, "Discard")
    answer(window.closing.dialog, "Cancel")
    assert window.session.commands == []
    window.begin_closing()
    assert window.session.commands == [("close",)], "what was said before counts no more"


def test_discarding_changes_of_the_file_leaves_what_is_in_no_file(qtbot, open_window) -> None:
    state = with_changes(states.plan_shown())
    own = {"recovery": RecoveryMode.NEVER, "native": True, "model_folders": ("/mine",), "runtime_folder": "/programs"}
    window = open_window(replace(state, choices=replace(state.choices, **own)))
    window.close()
    answer(window.files.dialog, "Discard")
    ((choices,),) = told(window, "choose")
    assert choices == replace(state.document.saved, **own)


def test_saving_first_then_closes(qtbot, open_window) -> None:
    window = open_window(with_changes(states.plan_shown()))
    window.close()
    answer(window.files.dialog, "Save")
    assert told(window, "close") == []
    state = window.session.state
    show(window, replace(state, document=replace(state.document, saved=state.choices)))
    assert window.session.commands == [("save_cluster", None), ("close",)]


def test_cancel_keeps_everything(qtbot, open_window) -> None:
    window = open_window(with_changes(states.plan_shown()))
    window.close()
    answer(window.files.dialog, "Cancel")
    assert window.session.commands == []
    assert window.isVisible()


def test_machines_that_are_in_no_file_are_remembered_so_nobody_is_asked(open_window) -> None:
    window = open_window(replace(states.plan_shown(), choices=Choices(cpu_workers=2)))
    window.close()
    assert window.files.dialog is None
    assert window.session.commands == [("close",)]


def test_not_again_is_remembered_only_with_an_answer_that_quits(open_window) -> None:
    window = open_window(states.ready())
    window.close()
    window.closing.dialog.checkBox().setChecked(True)
    answer(window.closing.dialog, "Cancel")
    assert window.preferences.now.ask_at_quit
    window.close()
    window.closing.dialog.checkBox().setChecked(True)
    answer(window.closing.dialog, "Stop everything and quit")
    assert not window.preferences.now.ask_at_quit


def test_without_the_question_it_closes_and_what_was_started_to_stay_stays(open_window) -> None:
    window = open_window(with_remote_workers(keeps=True))
    window.preferences.set(ask_at_quit=False)
    window.close()
    assert window.closing.dialog is None
    assert window.session.commands == [("close",)]


def test_it_closes_once_and_says_that_it_stops(open_window) -> None:
    window = open_window(states.ready())
    window.close()
    answer(window.closing.dialog, "Stop everything and quit")
    window.close()
    assert window.session.commands == [("close", "stop all")]
    assert window.header.primary.text() == "Stop"
    window.bridge.pull()
    assert window.header.primary.text() == "Stopping…"
