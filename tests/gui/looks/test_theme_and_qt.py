"""Contrast, and that this PySide6 does not lose references (6.12.0 on CPython 3.11 dies after some 5,000 calls)."""

from __future__ import annotations

import gc
import sys
from itertools import product

import pytest
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QLabel, QWidget

from gui.assets import icon, icon_file
from gui.theme import CONTRAST_DARK, CONTRAST_LIGHT, DARK, LIGHT, WORKER_COLOURS, Colours, Scheme, contrast, ink_on

TEXTS = ("text", "muted", "good", "warning", "bad", "link")
GROUNDS = ("panel", "window", "field", "raised")
PAIRS = [
    *product(TEXTS, GROUNDS),
    *(("text", ground) for ground in ("bad_soft", "track")),
    *((text, "bad_soft") for text in ("link", "bad", "muted")),
    ("muted", "track"),
    ("on_accent", "accent"),
    ("on_accent", "accent_hover"),
]
THEMES = {"light": LIGHT, "dark": DARK, "contrast": CONTRAST_LIGHT, "contrast-dark": CONTRAST_DARK}
HIGH = (CONTRAST_LIGHT, CONTRAST_DARK)


def test_contrast_is_wcags() -> None:
    assert contrast(QColor("#000000"), QColor("#FFFFFF")) == pytest.approx(21.0)
    assert contrast(QColor("#777777"), QColor("#FFFFFF")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colours", list(THEMES.values()), ids=list(THEMES))
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read(colours: Colours, text: str, ground: str) -> None:
    assert contrast(QColor(colours.role(text)), QColor(colours.role(ground))) >= (7.0 if colours in HIGH else 4.5)


@pytest.mark.parametrize("colours", list(THEMES.values()), ids=list(THEMES))
@pytest.mark.parametrize("ground", ["panel", "window", "field", "track"])
def test_what_is_disabled_can_still_be_made_out(colours: Colours, ground: str) -> None:
    assert contrast(QColor(colours.disabled), QColor(colours.role(ground))) >= (4.5 if colours in HIGH else 3.0)


@pytest.mark.parametrize("colours", list(THEMES.values()), ids=list(THEMES))
@pytest.mark.parametrize("ground", ["panel", "window", "field"])
def test_the_focus_ring_stands_out(colours: Colours, ground: str) -> None:
    assert contrast(QColor(colours.link), QColor(colours.role(ground))) >= 3.0
    if colours in HIGH:
        assert contrast(QColor(colours.border), QColor(colours.role(ground))) >= 3.0


@pytest.mark.parametrize("colour", WORKER_COLOURS)
def test_badges_can_be_read(colour: str) -> None:
    assert contrast(ink_on(QColor(colour)), QColor(colour)) >= 4.5


@pytest.mark.parametrize("scheme", list(Scheme))
def test_schemes(appearance, scheme: Scheme) -> None:
    appearance.show(scheme, 1.5)
    assert appearance.is_dark is (scheme in (Scheme.DARK, Scheme.HIGH_CONTRAST_DARK))
    high = scheme in (Scheme.HIGH_CONTRAST, Scheme.HIGH_CONTRAST_DARK)
    assert (appearance.colours in HIGH) is high
    assert appearance.pixels(10) == 15


class Hints(QObject):
    """A system that has a scheme and says whether it wants more contrast."""

    def __init__(self, scheme: Qt.ColorScheme, preference: Qt.ContrastPreference) -> None:
        super().__init__()
        self.colorScheme = lambda: scheme
        self.accessibility = lambda: self
        self.contrastPreference = lambda: preference


@pytest.mark.parametrize(
    ("dark", "more", "colours"),
    [(False, False, LIGHT), (True, False, DARK), (False, True, CONTRAST_LIGHT), (True, True, CONTRAST_DARK)],
)
def test_the_system_is_followed_as_it_changes(appearance, monkeypatch, dark: bool, more: bool, colours: Colours) -> None:
    appearance.show(Scheme.SYSTEM)
    scheme = Qt.ColorScheme.Dark if dark else Qt.ColorScheme.Light
    preference = Qt.ContrastPreference.HighContrast if more else Qt.ContrastPreference.NoPreference
    hints = QGuiApplication.styleHints()
    monkeypatch.setattr("gui.theme.QGuiApplication.styleHints", lambda: Hints(scheme, preference))
    hints.colorSchemeChanged.emit(scheme)
    assert appearance.colours is colours
    appearance.show(Scheme.DARK)
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert appearance.colours is DARK


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


def test_no_garbage_is_collected_while_qt_walks_over_its_widgets(qtbot, appearance) -> None:
    """A collection there can delete widgets that Qt has on its list."""
    seen = []

    class Styled(QWidget):
        def changeEvent(self, event: QEvent) -> None:
            if event.type() == QEvent.Type.StyleChange:
                seen.append(gc.isenabled())
            super().changeEvent(event)

    widget = Styled()
    qtbot.addWidget(widget)
    widget.show()
    appearance.show(Scheme.DARK)
    assert seen
    assert not any(seen)
    assert gc.isenabled()
