"""Above the curves: how far back they go, the table instead of them, and what can be saved."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QFontMetrics
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QMenu, QPushButton, QToolButton, QWidget

from gui.tabs.saving import SaveLine
from gui.texts.translation import mark, tr
from gui.theme import Appearance
from gui.what_to_show.watching.charts import Window

CHARTS_PNG, CHARTS_SVG, FIGURES_CSV, LAYER_MAP_PNG = (
    "charts png",
    "charts svg",
    "figures csv",
    "layer map png",
)

_ENTRIES = (
    (CHARTS_PNG, mark("Charts as PNG…")),
    (CHARTS_SVG, mark("Charts as SVG…")),
    (FIGURES_CSV, mark("Figures as CSV…")),
    (LAYER_MAP_PNG, mark("Layer map as PNG…")),
)
_TIPS = {
    Window.MINUTE: mark("The last minute"),
    Window.TEN_MINUTES: mark("The last ten minutes"),
    Window.WHOLE: mark("Since the launch. What is older than ten minutes is shown as means"),
}


class ThroughputBar(QWidget):
    """Buttons, and the line that says where something was saved."""

    window_chosen = Signal(object)
    """A ``Window``."""
    save_asked = Signal(str)
    """One of the constants above."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._group = QButtonGroup(self)
        self.windows = {window: self._window_button(window) for window in Window}
        self.as_table = QPushButton(tr("Table"))
        self.as_table.setObjectName("choice")
        self.as_table.setCheckable(True)
        self.as_table.setToolTip(tr("The same readings as a table, newest first. It stands still while you are in it"))
        self.saved = SaveLine()
        self.export = QToolButton()
        self.export.setObjectName("menu")
        self.export.setText(tr("Export"))
        self.export.setToolTip(tr("Save the charts, their figures or the layer map to a file"))
        self.export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.export)
        self.actions_by_kind: dict[str, QAction] = {}
        for kind, words in _ENTRIES:
            action = QAction(tr(words), self.menu)
            action.triggered.connect(lambda _checked=False, kind=kind: self.save_asked.emit(kind))
            self.menu.addAction(action)
            self.actions_by_kind[kind] = action
        self.export.setMenu(self.menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for button in self.windows.values():
            row.addWidget(button)
        row.addSpacing(8)
        row.addWidget(self.as_table)
        row.addSpacing(8)
        row.addWidget(self.saved, 100)
        row.addStretch(1)
        row.addWidget(self.export)
        appearance.changed.connect(self._colour)
        self._colour()

    def _colour(self) -> None:
        """What is chosen is told by weight and frame too, not by colour alone."""
        colours = self._appearance.colours
        self.setStyleSheet(
            f"QPushButton#choice, QToolButton#menu {{ padding: 2px 8px; }}"
            f"QPushButton#choice:checked {{ background: {colours.raised};"
            f" color: {colours.link}; border: 1px solid {colours.link}; font-weight: 600; }}"
        )
        bold = self.font()
        bold.setBold(True)
        for button in (*self.windows.values(), self.as_table):  # as wide as when it is chosen: the style asks only once
            button.setMinimumWidth(QFontMetrics(bold).horizontalAdvance(button.text()) + self._appearance.pixels(22))

    @property
    def window_of_time(self) -> Window:
        """Which is chosen."""
        return next(window for window, button in self.windows.items() if button.isChecked())

    def show_window(self, window: Window) -> None:
        """Mark the one that is shown."""
        self.windows[window].setChecked(True)

    def show_can_save(self, can: bool) -> None:
        """Without readings there is only the layer map to be saved."""
        for button in (*self.windows.values(), self.as_table):
            button.setVisible(can)
        for kind, action in self.actions_by_kind.items():
            action.setEnabled(can or kind == LAYER_MAP_PNG)

    def _window_button(self, window: Window) -> QPushButton:
        button = QPushButton(tr(window.value))
        button.setObjectName("choice")
        button.setCheckable(True)
        button.setChecked(window is Window.TEN_MINUTES)
        button.setToolTip(tr(_TIPS[window]))
        button.clicked.connect(lambda: self.window_chosen.emit(window))
        self._group.addButton(button)
        return button
