"""The whole window in German: nothing is said in English that has a German word, and no more is cut off than in English."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QTableView, QTabWidget, QWidget

from engine.session.state import ClusterState
from gui.dialogs.settings_dialog import SettingsDialog
from gui.dialogs.sheets.shortcut_sheet import ShortcutSheet
from gui.texts.language import ENGLISH
from gui.texts.translation import take_up
from gui.what_to_show.actions.action_table import window_actions
from gui.what_to_show.actions.mnemonics import without_mnemonic
from gui.what_to_show.actions.shortcuts_content import shortcuts_of
from gui.what_to_show.settings.preferences import Preferences
from gui.what_to_show.settings.settings_content import settings_of
from gui.window.actions import keys_text
from gui.window.language import words_of
from tests.fakes.states import cluster_states as states
from tests.fakes.states import remote_states
from tests.gui.looks.walk import clipped_texts

STATES: dict[str, Callable[[], ClusterState]] = {**states.every_state(), "four phases": remote_states.four_phases}
FROM_THE_ENGINE = {"Looking at this machine"}
"""Sentences and titles that the engine makes; they stay English for now."""


def said_by(top: QWidget) -> Iterator[str]:
    """All texts that are shown, told to a pointer, or read aloud."""
    for widget in (top, *top.findChildren(QWidget)):
        yield from (widget.toolTip(), widget.accessibleName(), widget.windowTitle())
        shown = (getattr(widget, name, None) for name in ("text", "placeholderText"))
        yield from (say() for say in shown if callable(say))
        for action in widget.actions():
            yield from (without_mnemonic(action.text()), action.toolTip())
        if isinstance(widget, QComboBox):
            yield from (widget.itemText(place) for place in range(widget.count()))
        if isinstance(widget, QTabWidget):
            yield from (widget.tabText(place) for place in range(widget.count()))
        if isinstance(widget, QTableView):
            columns = range(widget.model().columnCount())
            yield from (str(widget.model().headerData(column, Qt.Orientation.Horizontal)) for column in columns)


def english_in(top: QWidget) -> set[str]:
    """Whole messages that are said in English though there is a German word."""
    german = words_of("de").messages
    spoken = set(german.values())
    english = {message for message, said in german.items() if message != said and message not in spoken and "{" not in message}
    return {text for text in said_by(top) if text in english} - FROM_THE_ENGINE


@pytest.mark.parametrize("name", list(STATES))
def test_the_window_says_nothing_in_english(name, in_german, open_window, qapp):
    window = open_window(STATES[name]())
    window.show_state(STATES[name]())
    for place in range(window.tabs.count()):
        window.tabs.setCurrentIndex(place)
        qapp.processEvents()
        assert english_in(window) == set()


def test_the_walk_would_find_english(open_window):
    window = open_window(states.ready())
    window.show_state(states.ready())
    assert {"Machines", "Layer map", "Throughput", "Undo"} <= english_in(window)


def test_dialogs_say_nothing_in_english(in_german, qtbot, appearance):
    groups = settings_of(states.plan_shown(), Preferences(text_scale=1.5), Preferences())
    for dialog in (
        SettingsDialog(groups, appearance),
        ShortcutSheet(shortcuts_of(window_actions(("Durchsatz",))), keys_text, appearance),
    ):
        qtbot.addWidget(dialog)
        assert english_in(dialog) == set()


@pytest.mark.parametrize("name", ["ready", "plan_shown", "plan_refused", "worker_failed", "no_model_anywhere"])
@pytest.mark.parametrize("size", [(1024, 700), (1440, 900)])
def test_no_more_is_cut_off_than_in_english(name, size, open_window, qapp):
    cut_off = []
    for words in (ENGLISH, words_of("de")):
        take_up(words)
        try:
            window = open_window(STATES[name]())
            window.resize(*size)
            window.show_state(STATES[name]())
            qapp.processEvents()
            cut_off.append(clipped_texts(window))
        finally:
            take_up(ENGLISH)
    assert len(cut_off[1]) <= len(cut_off[0]), cut_off[1]
