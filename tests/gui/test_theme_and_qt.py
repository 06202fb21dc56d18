"""Contrast, and that this PySide6 does not lose references (6.12.0 on CPython 3.11 dies after some 5,000 calls)."""

from __future__ import annotations

import sys
from itertools import product

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel

from gui.assets import icon, icon_file
from gui.theme import DARK, LIGHT, WORKER_COLOURS, Colours, Scheme, contrast, ink_on

TEXTS = ("text", "muted", "good", "warning", "bad", "link")
GROUNDS = ("panel", "window", "field")
PAIRS = [*product(TEXTS, GROUNDS), ("text", "raised"), ("link", "raised"), ("on_accent", "accent")]


def test_contrast_is_wcags() -> None:
    assert contrast(QColor("#000000"), QColor("#FFFFFF")) == pytest.approx(21.0)
    assert contrast(QColor("#777777"), QColor("#FFFFFF")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read(colours: Colours, text: str, ground: str) -> None:
    assert contrast(QColor(colours.role(text)), QColor(colours.role(ground))) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_a_problem_can_be_read_on_its_banner(colours: Colours) -> None:
    assert contrast(QColor(colours.text), QColor(colours.bad_soft)) >= 4.5


@pytest.mark.parametrize("colour", WORKER_COLOURS)
def test_badges_can_be_read(colour: str) -> None:
    assert contrast(ink_on(QColor(colour)), QColor(colour)) >= 4.5


@pytest.mark.parametrize("scheme", list(Scheme))
def test_schemes(appearance, scheme: Scheme) -> None:
    appearance.show(scheme, 1.5)
    assert appearance.is_dark is (scheme is Scheme.DARK)
    assert appearance.pixels(10) == 15


@pytest.mark.parametrize("name", ["launch", "stop", "menu", "alert", "close", "arrow-down-mid", "crossply"])
def test_icons_are_there(qapp, name: str) -> None:
    assert icon_file(name).is_file()
    image = icon(name, QColor("#FF0000")).pixmap(16, 16).toImage()
    assert any(image.pixelColor(x, y).alpha() > 0 for x in range(16) for y in range(16))


class Sender(QObject):
    """Says something."""

    said = Signal(object)


def test_twenty_thousand_emits(qapp) -> None:
    heard: list[object] = []
    sender = Sender()
    sender.said.connect(heard.append)
    for number in range(20_000):
        sender.said.emit(number)
    assert len(heard) == 20_000


def test_qt_calls_do_not_drop_references_to_none(qapp) -> None:
    label = QLabel()
    sender = Sender()
    sender.said.connect(lambda _value: None)
    calls = (lambda: label.setText("x"), label.update, lambda: sender.said.emit(1), label.updateGeometry)
    for call in calls:
        call()
        before = sys.getrefcount(None)
        for _ in range(500):
            call()
        assert abs(sys.getrefcount(None) - before) < 100
