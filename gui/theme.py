"""Colours by role, light and dark, and the one stylesheet made of them.

Qt's own colour scheme switch does nothing on plain X, on KDE without its plugin and offscreen, so Crossply ships its palettes
on the Fusion style and only *listens* to the system's scheme. Text scales from 100% to 200% on top of what the system asks.
Rejected: one stylesheet file per theme (they drift apart).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from string import Template

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

TEXT_SCALES = (1.0, 1.25, 1.5, 2.0)
_TEXT_PIXELS = 13

WORKER_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6BB1", "#7F7F00")
"""Okabe and Ito's set and two more: told apart by the colour-blind."""


class Scheme(StrEnum):
    """What the person wants."""

    SYSTEM = "System"
    LIGHT = "Light"
    DARK = "Dark"


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
    disabled="#9AA2B0", grid="#E3E6EC",
)  # fmt: skip

DARK = Colours(
    window="#13161B", panel="#1B1F26", border="#2C323C", hairline="#262C35", field="#232830", text="#E8EAEE", muted="#9CA5B4",
    accent="#1F6FEB", accent_hover="#3B82F1", on_accent="#FFFFFF", link="#76ABFF", good="#4CC38A", warning="#E5A54B",
    bad="#FF8078", bad_soft="#3A2022", raised="#20304A", track="#2A303A", others="#6B7483", hatch="#4B5463",
    disabled="#666F7E", grid="#2A303A",
)  # fmt: skip

_STYLE = Template("""
* { font-size: ${px}px; }
QWidget { color: $text; }
QMainWindow, QDialog, QWidget#page { background: $window; }
QWidget#header, QWidget#status { background: $panel; }
QWidget#header { border-bottom: 1px solid $border; }
QWidget#status { border-top: 1px solid $border; }
QFrame#panel { background: $panel; border: 1px solid $border; border-radius: 8px; }
QFrame#banner { background: $bad_soft; border: 1px solid $bad; border-radius: 8px; }
QFrame#question { background: $raised; border: 1px solid $link; border-radius: 8px; }
QFrame#progress { background: $raised; border: 1px solid $border; border-radius: 8px; }
QFrame#command { border: none; border-bottom: 1px solid $hairline; }
QScrollArea, QScrollArea > QWidget > QWidget#clear { background: transparent; border: none; }
QLabel { background: transparent; }
QLabel#brand { font-size: ${brand}px; font-weight: 600; }
QLabel#title { font-size: ${title}px; font-weight: 600; }
QLabel#name { font-weight: 600; }
QLabel#figure { font-size: ${figure}px; font-weight: 600; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="good"] { color: $good; }
QLabel[role="warning"] { color: $warning; }
QLabel[role="bad"] { color: $bad; }
QLabel[role="text"] { color: $text; }
QLabel[role="link"] { color: $link; }
QPushButton, QComboBox, QToolButton { background: $field; border: 1px solid $border; border-radius: 6px;
  padding: ${pad}px ${pad2}px; }
QPushButton:hover, QComboBox:hover, QToolButton:hover { border-color: $disabled; }
QPushButton:focus, QComboBox:focus, QToolButton:focus, QLineEdit:focus, QPlainTextEdit:focus { border: 1px solid $link; }
QPushButton:disabled, QComboBox:disabled { color: $disabled; }
QPushButton#primary { background: $accent; color: $on_accent; border: 1px solid $accent; font-weight: 600;
  padding: ${pad}px ${pad3}px; }
QPushButton#primary:hover, QPushButton#primary:focus { background: $accent_hover; border-color: $text; }
QPushButton#primary:disabled { background: $track; color: $disabled; border-color: $track; }
QPushButton#link { background: transparent; border: 1px solid transparent; color: $link; padding: 1px 4px; }
QPushButton#link:focus { border: 1px solid $link; }
QPushButton#link:disabled { color: $disabled; }
QToolButton#dots { background: transparent; border: 1px solid transparent; padding: 1px; }
QToolButton#dots:hover { border-color: $border; }
QToolButton#dots:focus { border-color: $link; }
QToolButton#dots::menu-indicator { image: none; }
QTreeWidget, QListWidget { background: $field; border: 1px solid $border; border-radius: 6px; outline: none; }
QTreeWidget:focus, QListWidget:focus { border: 1px solid $link; }
QTreeWidget::item, QListWidget::item { padding: ${pad}px 4px; border-bottom: 1px solid $hairline; }
QTreeWidget::item:selected, QListWidget::item:selected { background: $raised; color: $text; }
QHeaderView { background: transparent; }
QHeaderView::section { background: transparent; color: $muted; border: none; border-bottom: 1px solid $border;
  padding: ${pad}px 4px; }
QToolButton#menu::menu-indicator { image: none; }
QComboBox { padding-right: ${drop}px; }
QComboBox::drop-down { border: none; width: ${drop}px; }
QComboBox::down-arrow { image: url("$arrow"); width: ${arrow_px}px; height: ${arrow_px}px; }
QComboBox QAbstractItemView { background: $field; border: 1px solid $border; selection-background-color: $accent;
  selection-color: $on_accent; outline: none; }
QLineEdit, QPlainTextEdit { background: $field; border: 1px solid $border; border-radius: 6px; padding: ${pad}px;
  selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit[invalid="true"] { border-color: $bad; color: $bad; }
QTabWidget::pane { border: none; }
QTabBar { background: transparent; }
QTabBar::tab { background: transparent; color: $muted; padding: ${pad}px ${pad2}px; margin-right: ${pad}px;
  border: none; border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: $link; border-bottom: 2px solid $accent; font-weight: 600; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:focus { color: $text; border-bottom: 2px solid $text; }
QProgressBar { background: $track; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }
QCheckBox, QRadioButton { spacing: 8px; }
QCheckBox::indicator, QRadioButton::indicator, QTreeWidget::indicator { width: ${arrow_px}px; height: ${arrow_px}px;
  border: 1px solid $muted; background: $field; border-radius: 3px; }
QRadioButton::indicator { border-radius: ${round}px; }
QCheckBox::indicator:focus, QRadioButton::indicator:focus { border: 1px solid $link; }
QCheckBox::indicator:checked, QTreeWidget::indicator:checked { background: $accent; border: 1px solid $accent;
  image: url("$check"); }
QRadioButton::indicator:checked { background: $accent; border: 1px solid $accent; image: url("$dot"); }
QCheckBox:focus, QRadioButton:focus { color: $link; }
QMenu { background: $field; border: 1px solid $border; padding: 4px; }
QMenu::item { padding: ${pad}px ${drop}px; border-radius: 4px; }
QMenu::item:selected { background: $accent; color: $on_accent; }
QToolTip { background: $field; color: $text; border: 1px solid $border; padding: 4px; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: $hatch; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 1px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
""")


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
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_changed)

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
        return self.colours is DARK

    def show(self, scheme: Scheme, text_scale: float = 1.0) -> None:
        """Put a theme on the application. ``text_scale`` is held between 1 and 2."""
        self._scheme = scheme
        self._text_scale = max(TEXT_SCALES[0], min(TEXT_SCALES[-1], text_scale))
        self.colours = DARK if self._wants_dark() else LIGHT
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

    def _wants_dark(self) -> bool:
        if self._scheme is Scheme.SYSTEM:
            return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return self._scheme is Scheme.DARK

    def _system_changed(self) -> None:
        if self._scheme is Scheme.SYSTEM:
            self.show(self._scheme, self._text_scale)

    def _beside(self, name: str) -> str:
        """A drawing that lies beside the arrow."""
        return PurePosixPath(self._arrow_file).with_name(f"{name}.svg").as_posix()

    def _stylesheet(self) -> str:
        sizes = {
            "px": 13, "brand": 18, "title": 15, "figure": 24, "pad": 5, "pad2": 10, "pad3": 20, "drop": 22, "arrow_px": 12,
        }  # fmt: skip
        lengths = {name: str(self.pixels(size)) for name, size in sizes.items()}
        lengths["round"] = str(self.pixels(12) // 2 + 1)
        return _STYLE.substitute(
            asdict(self.colours), arrow=self._arrow_file, check=self._beside("check"), dot=self._beside("dot"), **lengths
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
    black, white = QColor("#000000"), QColor("#FFFFFF")
    return black if contrast(black, colour) >= contrast(white, colour) else white


def _luminance(colour: QColor) -> float:
    channels = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
