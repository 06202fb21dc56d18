"""Palette, shortcut sheet, settings and about, opened from the window by keys."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QSpinBox

from engine.errors import BadInput
from engine.vocabulary.running.api import ApiPlace
from engine.vocabulary.running.recovery import RecoveryMode
from gui.dialogs.command_palette import CommandPalette
from gui.dialogs.questions.choose_api_access import ChooseApiAccess
from gui.dialogs.settings_dialog import SettingsDialog
from gui.dialogs.sheets.about import About
from gui.dialogs.sheets.shortcut_sheet import ShortcutSheet
from gui.theme import Scheme
from gui.what_to_show.settings.preferences import Language
from tests.fakes.states import cluster_states as states
from tests.gui.window_hands import show

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def opened(qtbot, window, kind, key: Qt.Key, modifier=CONTROL):
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window.windowHandle(), key, modifier)
    dialog = window.dialogs.open[kind]
    qtbot.waitUntil(dialog.isActiveWindow)
    return dialog


def chosen(window) -> object:
    return next(command[1] for command in reversed(window.session.commands) if command[0] == "choose")


@pytest.mark.parametrize(("key", "modifier"), [(Qt.Key.Key_K, CONTROL), (Qt.Key.Key_P, CONTROL | SHIFT)])
def test_type_and_enter_runs_it(qtbot, open_window, key, modifier) -> None:
    window = open_window(states.plan_shown())
    palette = opened(qtbot, window, CommandPalette, key, modifier)
    qtbot.keyClicks(palette.field, "laun")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.session.commands == [("launch",)])
    assert CommandPalette not in window.dialogs.open


def test_what_cannot_be_done_says_why_and_does_nothing(qtbot, open_window) -> None:
    window = open_window(states.plan_refused())
    palette = opened(qtbot, window, CommandPalette, Qt.Key.Key_K)
    qtbot.keyClicks(palette.field, "launch")
    assert palette.current.key == "launch"
    assert palette.reason.text().startswith("The plan was refused:")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.isVisible()
    assert window.session.commands == []


def test_arrows_move_and_another_dialog_can_be_opened_from_it(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    palette = opened(qtbot, window, CommandPalette, Qt.Key.Key_K)
    first = palette.current
    qtbot.keyClick(palette.field, Qt.Key.Key_Down)
    assert palette.current != first
    qtbot.keyClick(palette.field, Qt.Key.Key_Up)
    assert palette.current == first
    qtbot.keyClicks(palette.field, "settings")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: SettingsDialog in window.dialogs.open)


def test_what_is_being_typed_outlives_a_new_state(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    spin = opened(qtbot, window, SettingsDialog, Qt.Key.Key_Comma).lines["reserve_fraction"].control
    spin.setFocus()
    spin.selectAll()
    for digit in "35":
        qtbot.keyClicks(spin, digit)
        state = window.session.state
        show(window, replace(state, now_seconds=state.now_seconds + 1.0))  # as every second brings one
    qtbot.keyClick(spin, Qt.Key.Key_Return)
    assert chosen(window).reserve_fraction == 0.35


def test_nothing_found_is_said(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    palette = opened(qtbot, window, CommandPalette, Qt.Key.Key_K)
    qtbot.keyClicks(palette.field, "xyzzy")
    assert palette.nothing.isVisible()
    assert palette.nothing.text() == "No action has “xyzzy” in its name"
    assert palette.current is None


def test_one_of_each_at_a_time(open_window) -> None:
    window = open_window(states.plan_shown())
    window.dialogs.show_about()
    first = window.dialogs.open[About]
    window.dialogs.show_about()
    assert window.dialogs.open[About] is first


def test_the_sheet_lists_the_keys(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    sheet = opened(qtbot, window, ShortcutSheet, Qt.Key.Key_F1, Qt.KeyboardModifier.NoModifier)
    said = {label.text() for label in sheet.findChildren(QLabel)}
    assert {"Ctrl+L", "Ctrl+Shift+P or Ctrl+K", "F1 or Ctrl+?", "Alt+letter"} <= said
    assert not sheet.isModal()


def test_about_is_copied(qtbot, open_window) -> None:
    window = open_window(states.ready())
    window.dialogs.show_about()
    window.dialogs.open[About].copy_text.click()
    text = QGuiApplication.clipboard().text()
    assert "Python: 3." in text
    assert "llama.cpp on ada-desktop: b11434 (0c1e570)" in text


def test_settings_are_applied_at_once_and_go_back(qtbot, open_window, appearance) -> None:
    window = open_window(states.plan_shown())
    dialog = opened(qtbot, window, SettingsDialog, Qt.Key.Key_Comma)
    line = dialog.lines["scheme"]
    assert isinstance(line.control, QComboBox)
    line.control.setFocus()
    line.control.setCurrentIndex(line.control.findData(Scheme.DARK.value))
    line.control.activated.emit(line.control.currentIndex())
    assert appearance.scheme is Scheme.DARK
    assert line.title.text() == "Theme  •  changed"
    assert line.reset.isVisible()
    qtbot.mouseClick(line.reset, Qt.MouseButton.LeftButton)
    assert appearance.scheme is Scheme.SYSTEM
    assert line.title.text() == "Theme"
    assert not line.reset.isVisible()


def test_the_reserve_reaches_the_session_within_its_bounds(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    dialog = opened(qtbot, window, SettingsDialog, Qt.Key.Key_Comma)
    spin = dialog.lines["reserve_fraction"].control
    assert isinstance(spin, QSpinBox)
    assert spin.value() == 20
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClicks(spin, "10")
    qtbot.keyClick(spin, Qt.Key.Key_Return)
    assert chosen(window).reserve_fraction == 0.10
    window.bridge.choose_reserve(0.0)
    assert chosen(window).reserve_fraction == 0.05
    window.bridge.choose_reserve(0.99)
    assert chosen(window).reserve_fraction == 0.80


def test_policy_folders_and_flags(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    dialog = opened(qtbot, window, SettingsDialog, Qt.Key.Key_Comma)
    policy = dialog.lines["policy"].control
    policy.picked.emit("even")
    assert chosen(window).policy.value == "even"
    folders = dialog.lines["model_folders"].control
    folders.add_folder("/srv/models")
    folders.add_folder("/srv/models")
    folders.add_folder("/data")
    assert chosen(window).model_folders == ("/srv/models", "/data")
    window.bridge.pull()
    folders.list.setFocus()
    folders.list.setCurrentRow(0)
    qtbot.keyClick(folders.list, Qt.Key.Key_Delete)
    assert chosen(window).model_folders == ("/data",)
    dialog.lines["ask_at_quit"].control.click()
    assert not window.preferences.now.ask_at_quit
    dialog.lines["language"].control.picked.emit(Language.GERMAN.value)
    assert window.preferences.now.language is Language.GERMAN


def test_what_happens_when_something_breaks_can_be_chosen_while_it_runs(open_window) -> None:
    window = open_window(states.ready())
    window.dialogs.set("recovery", "ask")
    assert chosen(window).recovery is RecoveryMode.ASK


def test_a_running_cluster_locks_the_reserve_and_says_so(qtbot, open_window) -> None:
    window = open_window(states.ready())
    dialog = opened(qtbot, window, SettingsDialog, Qt.Key.Key_Comma)
    line = dialog.lines["reserve_fraction"]
    assert not line.control.isEnabled()
    assert line.control.toolTip() == "The cluster is running: stop it first."
    window.session.show(states.plan_shown())
    window.bridge.pull()
    assert line.control.isEnabled()


def test_the_api_is_opened_on_the_network_only_with_a_key_and_a_yes(qtbot, open_window) -> None:
    window = open_window(states.ready())
    window.window_actions.trigger("api-access")
    dialog = window.dialogs.open[ChooseApiAccess]
    assert (dialog.address, dialog.take.isEnabled(), dialog.key_field.isVisible()) == (None, True, False)
    dialog.addresses["10.0.0.7"].setChecked(True)
    assert (dialog.take.isEnabled(), dialog.take.toolTip()) == (False, "Make a key first.")
    qtbot.mouseClick(dialog.make_key, Qt.MouseButton.LeftButton)
    assert dialog.key_field.text() == "sk-fake-1"
    assert "shown this once" in dialog.key_words.text()
    qtbot.mouseClick(dialog.copy_key, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "sk-fake-1"
    assert not dialog.take.isEnabled()
    dialog.understood.setChecked(True)
    qtbot.mouseClick(dialog.take, Qt.MouseButton.LeftButton)
    (command,) = window.session.commands
    assert command == ("open_api", ApiPlace(network_address="10.0.0.7"))
    window.window_actions.trigger("api-access")
    assert window.dialogs.open[ChooseApiAccess].key_field.text() == "", "it is shown once"


def test_a_key_that_cannot_be_kept_is_said_and_not_shown(qtbot, open_window) -> None:
    window = open_window(states.ready())
    window.session.api_access.fails = BadInput("The API key cannot be written.", advice="See whether the disk is full.")
    window.window_actions.trigger("api-access")
    dialog = window.dialogs.open[ChooseApiAccess]
    qtbot.mouseClick(dialog.make_key, Qt.MouseButton.LeftButton)
    assert dialog.key_words.text() == "The API key cannot be written. See whether the disk is full."
    assert not dialog.key_field.isVisible()
