"""Cluster files by keys and menus: open, save, the questions before something is lost, what a file opens."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.session.state import Choices, ClusterDocument, ClusterState
from engine.vocabulary.plan import Policy
from engine.vocabulary.remote import SshTarget
from tests.fakes.states import cluster_states as states
from tests.gui.window_hands import answer, show, told

PATH = "/labs/lab.crossply.toml"
OTHER = "/labs/other.crossply.toml"
NODE = SshTarget(host="10.0.0.2", user="ada")
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def unchanged(choices: Choices | None = None) -> ClusterState:
    """With the file open, as it was saved."""
    state = states.plan_shown()
    choices = choices or state.choices
    return replace(state, choices=choices, document=ClusterDocument(path=PATH, saved=choices))


def changed() -> ClusterState:
    state = unchanged()
    return replace(state, choices=replace(state.choices, policy=Policy.EVEN))


def keys(qtbot, window, key: Qt.Key, modifiers) -> None:
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window.windowHandle(), key, modifiers)


def test_the_name_is_in_the_header_and_the_title_with_a_mark_when_it_is_changed(open_window) -> None:
    window = open_window(states.plan_shown())
    assert not window.header.document.isVisible()
    assert window.windowTitle() == "Crossply"
    show(window, unchanged())
    assert window.header.document.text() == "lab.crossply.toml"
    assert (window.windowTitle(), window.isWindowModified()) == ("lab.crossply.toml[*] – Crossply", False)
    show(window, changed())
    assert window.header.document.text() == "lab.crossply.toml •"
    assert window.header.document.accessibleName() == "lab.crossply.toml, changed"
    assert window.isWindowModified()


def test_saving_by_key(qtbot, open_window, monkeypatch) -> None:
    window = open_window(changed())
    keys(qtbot, window, Qt.Key.Key_S, CONTROL)
    assert window.session.commands == [("save_cluster", None)]
    monkeypatch.setattr("gui.files.file_actions.choose_cluster_to_save", lambda _window, beside: beside + "2")
    keys(qtbot, window, Qt.Key.Key_S, CONTROL | SHIFT)
    assert window.session.commands[1:] == [("save_cluster", PATH + "2")]


def test_what_has_no_name_yet_is_asked_for_one(qtbot, open_window, monkeypatch) -> None:
    window = open_window(states.plan_shown())
    answers = iter([None, PATH])
    monkeypatch.setattr("gui.files.file_actions.choose_cluster_to_save", lambda _window, _beside: next(answers))
    window.files.save()
    window.files.save()
    assert window.session.commands == [("save_cluster", PATH)]


def test_opening_by_key(qtbot, open_window, monkeypatch) -> None:
    window = open_window(unchanged())
    monkeypatch.setattr("gui.files.file_actions.choose_cluster_to_open", lambda _window, _beside: OTHER)
    keys(qtbot, window, Qt.Key.Key_O, CONTROL | SHIFT)
    assert window.session.commands == [("open_cluster", OTHER)]


def test_recent_files_are_in_a_menu(open_window) -> None:
    window = open_window(replace(states.plan_shown(), recent_clusters=(PATH, OTHER)))
    first, second = window.files.recent_clusters.actions()
    assert first.text() == "lab.crossply.toml — /labs"
    second.trigger()
    assert window.session.commands == [("open_cluster", OTHER)]
    show(window, replace(states.ready(), recent_clusters=(PATH,)))
    assert not window.files.recent_clusters.isEnabled()
    assert not window.window_actions.of["open-cluster"].isEnabled()


@pytest.mark.parametrize(("words", "commands"), [("Discard", [("open_cluster", OTHER)]), ("Cancel", [])])
def test_changes_are_asked_about_before_another_file(qtbot, open_window, words: str, commands: list[object]) -> None:
    window = open_window(changed())
    window.files.open_path(OTHER)
    assert window.files.dialog.text() == "lab.crossply.toml was changed."
    answer(window.files.dialog, words)
    assert window.session.commands == commands
    assert window.files.dialog is None


def test_save_goes_on_when_it_is_saved_and_not_before(qtbot, open_window) -> None:
    window = open_window(changed())
    window.files.open_path(OTHER)
    answer(window.files.dialog, "Save")
    window.bridge.pull()
    assert window.session.commands == [("save_cluster", None)]
    state = window.session.state
    show(window, replace(state, document=replace(state.document, saved=state.choices)))
    assert window.session.commands == [("save_cluster", None), ("open_cluster", OTHER)]


def test_a_save_that_fails_goes_nowhere(qtbot, open_window) -> None:
    window = open_window(changed())
    window.files.open_path(OTHER)
    answer(window.files.dialog, "Save")
    state = window.session.state
    show(window, replace(state, document=replace(state.document, n_failed_saves=1)))
    show(window, unchanged())
    assert window.session.commands == [("save_cluster", None)]


def test_what_was_to_follow_a_save_follows_no_later_one(qtbot, open_window) -> None:
    window = open_window(changed())
    window.files.open_path(OTHER)
    answer(window.files.dialog, "Save")
    state = window.session.state
    saved = replace(state.document, saved=state.choices)
    show(window, replace(state, document=saved, choices=replace(state.choices, policy=Policy.MEMORY)))  # changed meanwhile
    state = window.session.state
    show(window, replace(state, document=replace(saved, saved=state.choices)))
    assert window.session.commands == [("save_cluster", None)]


def opened_with_ports() -> ClusterState:
    saved = replace(states.plan_shown().choices, targets=(NODE,), lan_addresses=((NODE.machine_id, "10.0.0.2"),))
    return replace(unchanged(replace(saved, lan_addresses=())), document=ClusterDocument(path=OTHER, saved=saved))


@pytest.mark.parametrize(("words", "opens"), [("Open the ports", True), ("Use tunnels", False)])
def test_ports_that_a_file_opens_take_a_yes(qtbot, open_window, words: str, opens: bool) -> None:
    window = open_window(unchanged())
    window.files.open_path(OTHER)
    show(window, opened_with_ports())
    assert window.files.dialog.text() == "other.crossply.toml opens workers on the network."
    assert window.files.dialog.defaultButton().text() == "Use tunnels"
    answer(window.files.dialog, words)
    chosen = [choices.lan_addresses for (choices,) in told(window, "choose")]
    assert chosen == ([((NODE.machine_id, "10.0.0.2"),)] if opens else [])


def test_at_the_next_start_ports_stay_closed_and_nobody_is_asked(open_window) -> None:
    window = open_window(states.looking())
    show(window, opened_with_ports())
    assert window.files.dialog is None


def test_a_file_named_at_the_start_waits_for_what_was_open(open_window) -> None:
    window = open_window(states.looking())
    window.files.open_at_start(PATH)
    window.bridge.pull()
    assert window.session.commands == []
    show(window, replace(states.plan_shown(), files_restored=True))
    show(window, replace(states.no_model(), files_restored=True))
    assert window.session.commands == [("open_cluster", PATH)]


def test_a_folder_of_models(open_window, monkeypatch) -> None:
    window = open_window(states.plan_shown())
    monkeypatch.setattr("gui.files.file_actions.choose_model_folder", lambda _window: "/big")
    window.files.choose_model_folder()
    window.files.choose_model_folder()
    assert [choices.model_folders for (choices,) in told(window, "choose")][-1] == ("/big",)


def test_recent_files_stand_behind_opening_one(open_window) -> None:
    window = open_window(states.plan_shown())
    file_menu = window.menuBar().actions()[0].menu().actions()
    place = file_menu.index(window.window_actions.of["open-cluster"])
    assert file_menu[place + 1] is window.files.recent_clusters.menuAction()
