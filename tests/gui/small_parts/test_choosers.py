"""A combo box that is shown contents: what can be chosen in it, and what is read of it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPalette

from gui.small_parts.choosers import HEADING, Chooser
from gui.theme import Scheme

ENTRIES = (("", "All of them", ""), (HEADING, "Ollama", ""), ("a", "a-model-with-a-very-long-name.gguf", ""), ("b", "b", ""))


@pytest.fixture
def chooser(qtbot, appearance) -> Chooser:
    chooser = Chooser("Model", "Which one")
    qtbot.addWidget(chooser)
    chooser.show_entries(ENTRIES, "b")
    return chooser


def enabled(chooser: Chooser, place: int) -> bool:
    return bool(chooser.model().flags(chooser.model().index(place, 0)) & Qt.ItemFlag.ItemIsEnabled)


def test_headings_cannot_be_chosen_and_an_empty_key_can(qtbot, chooser) -> None:
    assert [enabled(chooser, place) for place in range(4)] == [True, False, True, True]
    chooser.show()
    with qtbot.waitSignal(chooser.picked) as picked:
        qtbot.keyClick(chooser, Qt.Key.Key_Home)
    assert picked.args == [""]
    qtbot.keyClick(chooser, Qt.Key.Key_Down)
    assert chooser.currentData() == "a"


@pytest.mark.parametrize("scheme", list(Scheme))
def test_headings_are_in_the_ink_of_the_theme(chooser, appearance, scheme: Scheme) -> None:
    appearance.show(scheme)
    ink = chooser.itemData(1, Qt.ItemDataRole.ForegroundRole).color()
    assert ink == appearance.colour("text")
    assert ink == chooser.palette().color(QPalette.ColorGroup.Active, QPalette.ColorRole.Text)


def test_words_without_room_end_in_dots_instead_of_being_cut(chooser) -> None:
    chooser.resize(150, chooser.sizeHint().height())
    whole = ENTRIES[2][1]

    def picture(words: str) -> QImage:
        chooser.show_entries((("a", words, ""),), "a")
        return chooser.grab().toImage()

    long = picture(whole)
    assert [n for n in range(1, len(whole)) if picture(f"{whole[:n]}…") == long] != []
