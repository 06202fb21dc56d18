"""Colours by role: light, dark, and both in high contrast; and the application's look made of them.

Qt's own colour scheme switch does nothing on plain X, on KDE without its plugin and offscreen, so Crossply ships its palettes
on the Fusion style and only *listens* to the system: its scheme, and whether it asks for more contrast. Text scales from 100%
to 200% on top of what the system asks. Every text can be read on every ground it stands on (4.5:1; in high contrast 7:1).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from gui.stylesheet import STYLESHEET
from gui.what_to_show.settings.preferences import TEXT_SCALES
from gui.what_to_show.settings.preferences import Scheme as Scheme

_TEXT_PIXELS = 13
_LENGTHS = {
    "px": 13, "brand": 18, "title": 15, "figure": 24, "pad": 5, "pad2": 10, "pad3": 20, "drop": 22, "arrow_px": 12,
    "icon": 16,
}  # fmt: skip
"""Lengths of the stylesheet at 100%, in pixels."""

WORKER_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6BB1", "#7F7F00")
"""Okabe and Ito's set and two more: told apart by the colour-blind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """Role -> colour."""

    window: str
    panel: str
    border: str
    hairline: str
    field: str
    text: str
    muted: str
    accent: str
    accent_hover: str
    on_accent: str
    link: str
    good: str
    warning: str
    bad: str
    bad_soft: str
    raised: str
    track: str
    others: str
    hatch: str
    disabled: str
    grid: str

    def role(self, name: str) -> str:
        """The colour of a role that a content names."""
        colour: str = getattr(self, name)
        return colour


LIGHT = Colours(
    window="#F3F4F6", panel="#FFFFFF", border="#DFE3E9", hairline="#ECEEF2", field="#FFFFFF", text="#1B1F27", muted="#5C6472",
    accent="#1F6FEB", accent_hover="#1A5FCC", on_accent="#FFFFFF", link="#1A5FCC", good="#0A7245", warning="#935500",
    bad="#C4231C", bad_soft="#FDECEB", raised="#EAF1FE", track="#E9ECF1", others="#A9B0BC", hatch="#C3C9D3",
    disabled="#737B8A", grid="#E3E6EC",
)  # fmt: skip

DARK = Colours(
    window="#13161B", panel="#1B1F26", border="#2C323C", hairline="#262C35", field="#232830", text="#E8EAEE", muted="#9CA5B4",
    accent="#1F6FEB", accent_hover="#1A5FCC", on_accent="#FFFFFF", link="#76ABFF", good="#4CC38A", warning="#E5A54B",
    bad="#FF8078", bad_soft="#3A2022", raised="#20304A", track="#2A303A", others="#6B7483", hatch="#4B5463",
    disabled="#7E8797", grid="#2A303A",
)  # fmt: skip

CONTRAST_LIGHT = Colours(
    window="#FFFFFF", panel="#FFFFFF", border="#000000", hairline="#6E6E6E", field="#FFFFFF", text="#000000", muted="#2E2E2E",
    accent="#0B3D91", accent_hover="#062A66", on_accent="#FFFFFF", link="#00309C", good="#00491F", warning="#5E2D00",
    bad="#8F0000", bad_soft="#FFFFFF", raised="#EAF0FF", track="#DEDEDE", others="#6E6E6E", hatch="#4D4D4D",
    disabled="#474747", grid="#8C8C8C",
)  # fmt: skip

CONTRAST_DARK = Colours(
    window="#000000", panel="#000000", border="#FFFFFF", hairline="#8C8C8C", field="#000000", text="#FFFFFF", muted="#DADADA",
    accent="#FFD83D", accent_hover="#FFEC9E", on_accent="#000000", link="#8CC8FF", good="#5CF2A0", warning="#FFC247",
    bad="#FFA69E", bad_soft="#240000", raised="#00234A", track="#2B2B2B", others="#9E9E9E", hatch="#BDBDBD",
    disabled="#BDBDBD", grid="#5C5C5C",
)  # fmt: skip

_DARK_SCHEMES = (Scheme.DARK, Scheme.HIGH_CONTRAST_DARK)
_CONTRAST_SCHEMES = (Scheme.HIGH_CONTRAST, Scheme.HIGH_CONTRAST_DARK)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Qt walks over a list of all widgets while it gives them a style, and calls into Python on its way. Were Python's garbage
    collector to run there, it could delete widgets of the list: a segmentation fault in ``setStyleSheet``, seen once, and at
    once in a program of thirty lines that collects in its ``changeEvent``."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Appearance(QObject):
    """The theme in use. One per application, given to every widget that paints by itself."""

    changed = Signal()

    def __init__(self, application: QApplication, *, arrow_file: str) -> None:
        super().__init__(application)
        self._application = application
        self._arrow_file = arrow_file
        self._scheme = Scheme.SYSTEM
        self._text_scale = 1.0
        self.colours = LIGHT
        application.setStyle("Fusion")
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._system_changed)
        hints.accessibility().contrastPreferenceChanged.connect(self._system_changed)

    @property
    def scheme(self) -> Scheme:
        """What the person wants."""
        return self._scheme

    @property
    def text_scale(self) -> float:
        """1.0 to 2.0."""
        return self._text_scale

    @property
    def is_dark(self) -> bool:
        """Whether the dark colours are in use."""
        return self.colours in (DARK, CONTRAST_DARK)

    def show(self, scheme: Scheme, text_scale: float = 1.0) -> None:
        """Put a theme on the application. ``text_scale`` is held between 1 and 2."""
        self._scheme = scheme
        self._text_scale = max(TEXT_SCALES[0], min(TEXT_SCALES[-1], text_scale))
        self.colours = self._wanted_colours()
        with _no_collection():
            self._application.setPalette(palette_of(self.colours))
            self._application.setFont(text_font(self.pixels(_TEXT_PIXELS)))
            self._application.setStyleSheet(self._stylesheet())
        self.changed.emit()

    def pixels(self, at_100_percent: int) -> int:
        """A length that grows with the text."""
        return round(at_100_percent * self._text_scale)

    def colour(self, role: str) -> QColor:
        """A role's colour."""
        return QColor(self.colours.role(role))

    def worker_colour(self, number: int) -> QColor:
        """A worker's colour; grey for what is none of our workers."""
        return QColor(WORKER_COLOURS[number]) if number >= 0 else self.colour("others")

    def _wanted_colours(self) -> Colours:
        hints = QGuiApplication.styleHints()
        system = self._scheme is Scheme.SYSTEM
        dark = hints.colorScheme() == Qt.ColorScheme.Dark if system else self._scheme in _DARK_SCHEMES
        contrast_asked = hints.accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast
        if self._scheme in _CONTRAST_SCHEMES or (system and contrast_asked):
            return CONTRAST_DARK if dark else CONTRAST_LIGHT
        return DARK if dark else LIGHT

    def _system_changed(self) -> None:
        if self._scheme is Scheme.SYSTEM:
            self.show(self._scheme, self._text_scale)

    def _beside(self, name: str) -> str:
        """A drawing that lies beside the arrow, in the ink that is read on the accent."""
        ink = "" if ink_on(self.colour("accent")) == QColor("#FFFFFF") else "-black"
        return PurePosixPath(self._arrow_file).with_name(f"{name}{ink}.svg").as_posix()

    def _stylesheet(self) -> str:
        lengths = {name: self.pixels(size) for name, size in _LENGTHS.items()}
        lengths["half"] = lengths["arrow_px"] // 2
        lengths["round"] = lengths["half"] + 1
        inside = {f"{name}_in": lengths[name] - 1 for name in ("pad", "pad2", "pad3", "drop")}
        words = {name: str(size) for name, size in (lengths | inside).items()}
        return STYLESHEET.substitute(
            asdict(self.colours),
            arrow=self._arrow_file,
            arrow_up=PurePosixPath(self._arrow_file).with_name("arrow-up-mid.svg").as_posix(),
            check=self._beside("check"),
            dot=self._beside("dot"),
            **words,
        )


def palette_of(colours: Colours) -> QPalette:
    """What Fusion paints with, where the stylesheet says nothing."""
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: colours.window,
        QPalette.ColorRole.WindowText: colours.text,
        QPalette.ColorRole.Base: colours.field,
        QPalette.ColorRole.AlternateBase: colours.panel,
        QPalette.ColorRole.Text: colours.text,
        QPalette.ColorRole.PlaceholderText: colours.muted,
        QPalette.ColorRole.Button: colours.field,
        QPalette.ColorRole.ButtonText: colours.text,
        QPalette.ColorRole.ToolTipBase: colours.field,
        QPalette.ColorRole.ToolTipText: colours.text,
        QPalette.ColorRole.Highlight: colours.accent,
        QPalette.ColorRole.HighlightedText: colours.on_accent,
        QPalette.ColorRole.Link: colours.link,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(colours.disabled))
    return palette


def text_font(pixels: int) -> QFont:
    """Inter where it is installed, else the system's own font; figures of one width where the font has them."""
    font = QFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont))
    if "Inter" in QFontDatabase.families():
        font.setFamily("Inter")
    font.setPixelSize(pixels)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def fixed_font(pixels: int) -> QFont:
    """For commands and logs."""
    font = QFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    font.setPixelSize(pixels)
    return font


def contrast(one: QColor, other: QColor) -> float:
    """WCAG 2 contrast ratio, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(colour: QColor) -> QColor:
    """Black or white, whichever is read better on it."""
    return QColor(_ink_on(colour.rgb()))


@lru_cache(maxsize=64)
def _ink_on(rgb: int) -> str:
    """Asked for every cell and badge that is painted, of a dozen colours."""
    black, white, colour = QColor("#000000"), QColor("#FFFFFF"), QColor.fromRgb(rgb)
    return (black if contrast(black, colour) >= contrast(white, colour) else white).name()


def _luminance(colour: QColor) -> float:
    channels = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
