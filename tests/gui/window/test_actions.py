"""Menus, shortcuts and mnemonics, by real keys."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QMenuBar

from gui.theme import Scheme
from gui.what_to_show.actions.mnemonics import without_mnemonic
from gui.window.actions import keys_text
from tests.fakes.states import cluster_states as states

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def press(qtbot, window, key: Qt.Key, modifier: Qt.KeyboardModifier = CONTROL) -> None:
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window.windowHandle(), key, modifier)


def menus(window) -> list[QMenuBar | QMenu]:
    tops: list[QMenuBar | QMenu] = [window.menuBar(), window.header.menu]
    return [menu for top in tops for menu in (top, *top.findChildren(QMenu))]


def words(action: QAction) -> str:
    return without_mnemonic(action.text())


def test_no_letter_is_underlined_twice_in_any_menu(open_window) -> None:
    for menu in menus(open_window(states.plan_shown())):
        texts = [action.text().replace("&&", "") for action in menu.actions() if not action.isSeparator()]
        letters = [text[text.index("&") + 1].casefold() for text in texts if "&" in text]
        assert [letter for letter, n in Counter(letters).items() if n > 1] == [], texts
        assert len(letters) == len(texts), texts


def test_the_menus_are_made_of_the_table(open_window) -> None:
    window = open_window(states.plan_shown())
    assert [words(action) for action in window.menuBar().actions()] == ["File", "Edit", "Machines", "Run", "View", "Help"]
    reachable = {id(action) for menu in window.menuBar().findChildren(QMenu) for action in menu.actions()}
    assert {id(action) for action in window.window_actions.of.values()} <= reachable
    assert words(window.header.menu.actions()[-1]) == "Quit"


def test_every_action_of_the_table_does_something(open_window) -> None:
    window = open_window(states.plan_shown())
    assert set(window._doings()) == set(window.window_actions.of)


def test_what_cannot_be_done_is_disabled_and_says_why_in_its_tooltip(open_window) -> None:
    window = open_window(states.ready())
    launch, stop = window.window_actions.of["launch"], window.window_actions.of["stop"]
    assert not launch.isEnabled()
    assert "It is running already." in launch.toolTip()
    assert stop.isEnabled()
    assert stop.toolTip() == f"Stop llama-server and its workers ({keys_text('Ctrl+.')})"


@pytest.mark.parametrize(
    ("state", "key", "modifier", "command"),
    [
        (states.plan_shown(), Qt.Key.Key_L, CONTROL, ("launch",)),
        (states.ready(), Qt.Key.Key_Period, CONTROL, ("stop",)),
        (states.plan_shown(), Qt.Key.Key_F5, Qt.KeyboardModifier.NoModifier, ("look_again",)),
        (states.plan_shown(), Qt.Key.Key_Q, CONTROL, ("close",)),
    ],
)
def test_shortcuts_reach_the_session(qtbot, open_window, state, key, modifier, command) -> None:
    window = open_window(state)
    press(qtbot, window, key, modifier)
    assert window.session.commands == [command]


def test_a_second_press_does_not_stop_what_the_first_launched(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    press(qtbot, window, Qt.Key.Key_L)
    window.session.show(states.starting())
    window.bridge.pull()
    press(qtbot, window, Qt.Key.Key_L)
    assert window.session.commands == [("launch",)]


def test_keys_work_without_the_menu_bar(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    press(qtbot, window, Qt.Key.Key_B, CONTROL | SHIFT)
    assert not window.menuBar().isVisible()
    press(qtbot, window, Qt.Key.Key_L)
    assert window.session.commands == [("launch",)]
    press(qtbot, window, Qt.Key.Key_B, CONTROL | SHIFT)
    assert window.menuBar().isVisible()


def test_tabs_by_number(qtbot, open_window) -> None:
    window = open_window(states.ready())
    press(qtbot, window, Qt.Key.Key_3)
    assert window.tabs.currentIndex() == 2
    name = window.tabs.tabText(2)
    assert window.window_actions.of[f"tab.{name}"].isChecked()
    assert not window.window_actions.of["tab.Throughput"].isChecked()


def test_text_grows_shrinks_and_goes_back(qtbot, open_window, appearance) -> None:
    window = open_window(states.plan_shown())
    press(qtbot, window, Qt.Key.Key_Equal)
    press(qtbot, window, Qt.Key.Key_Plus)
    assert appearance.text_scale == 1.5
    press(qtbot, window, Qt.Key.Key_Minus)
    assert appearance.text_scale == 1.25
    press(qtbot, window, Qt.Key.Key_0)
    assert appearance.text_scale == 1.0


def test_a_theme_is_chosen_and_stays_chosen_at_a_second_press(open_window, appearance) -> None:
    window = open_window(states.plan_shown())
    dark = window.window_actions.of[f"scheme.{Scheme.DARK.name}"]
    dark.trigger()
    dark.trigger()
    assert appearance.scheme is Scheme.DARK
    chosen = [key for key, action in window.window_actions.of.items() if key.startswith("scheme.") and action.isChecked()]
    assert chosen == ["scheme.DARK"]


def test_full_screen_and_back(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    action = window.window_actions.of["full-screen"]
    action.trigger()
    assert window.isFullScreen()
    assert action.isChecked()
    action.trigger()
    assert not window.isFullScreen()


def test_copying_from_the_menu(open_window, qapp) -> None:
    window = open_window(states.ready())
    window.window_actions.trigger("copy-address")
    assert qapp.clipboard().text() == "http://127.0.0.1:8080"
    window.window_actions.trigger("copy-script")
    assert "ggml-rpc-server" in qapp.clipboard().text()


def test_programs_are_built_from_the_menu(open_window) -> None:
    window = open_window(replace(states.runtime_missing()))
    window.window_actions.trigger("build-runtime")
    assert window.session.commands == [("install_runtime",)]


def test_the_short_menu_is_there_only_without_the_menu_bar_which_holds_all_of_it(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    assert not window.header.menu_button.isVisible()
    press(qtbot, window, Qt.Key.Key_B, CONTROL | SHIFT)
    assert window.header.menu_button.isVisible()
    in_bar = {id(action) for menu in window.menuBar().findChildren(QMenu) for action in menu.actions()}
    entries = [action for action in window.header.menu.actions() if not action.isSeparator()]
    assert {id(action) for action in entries if action.menu() is None} <= in_bar
    assert len(entries) <= 16
