"""How machines are shown: a button whose menu has order, groups and density, each a choice of one.

Rejected: three combo boxes beside the search (they took the whole line above the cards, and are touched once a day).
"""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from gui.assets import icon
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.cards.machine_order import Density, GroupBy, MachineView, SortBy


class ViewButton(QToolButton):
    """Speaks when a person chose."""

    chosen = Signal(object)
    """A ``MachineView``; its search is empty."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.view = MachineView()
        self.setObjectName("dots")
        self.setAccessibleName(tr("How machines are shown"))
        self.setToolTip(tr("Sort, group, cards or one line each"))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        self._groups = (
            self._choices(menu, tr("Sort"), tuple(SortBy), "sort"),
            self._choices(menu, tr("Group"), tuple(GroupBy), "group"),
            self._choices(menu, tr("Show"), tuple(Density), "density"),
        )
        self.setMenu(menu)
        self._paint()
        appearance.changed.connect(self._paint)

    def show_view(self, view: MachineView) -> None:
        """Check what is chosen."""
        self.view = view
        for group in self._groups:
            for action in group.actions():
                field, value = action.data()
                action.setChecked(getattr(view, field).value == value)

    def _choices(self, menu: QMenu, title: str, values: tuple[SortBy | GroupBy | Density, ...], field: str) -> QActionGroup:
        menu.addSection(title)
        group = QActionGroup(self)
        for value in values:
            action = QAction(tr(value.value), group)
            action.setCheckable(True)
            action.setChecked(getattr(self.view, field) is value)
            action.setData((field, value.value))
            action.triggered.connect(lambda _checked=False, value=value: self._choose(field, value))
            menu.addAction(action)
        return group

    def _choose(self, field: str, value: SortBy | GroupBy | Density) -> None:
        changes: dict[str, SortBy | GroupBy | Density] = {field: value}
        self.view = replace(self.view, **changes)  # type: ignore[arg-type] # the field's own type, by construction
        self.chosen.emit(self.view)

    def _paint(self) -> None:
        self.setIcon(icon("view", self._appearance.colour("text")))
        self.setIconSize(QSize(self._appearance.pixels(16), self._appearance.pixels(16)))
