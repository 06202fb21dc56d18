"""All machines: as many columns of cards as there is room for, scrolling when there are more than fit.

Cards are kept by machine: a new state changes texts, it never rebuilds the grid.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QWidget

from gui.machine_cards.machine_card import MachineCard
from gui.theme import Appearance
from gui.what_to_show.cards.machine_card_content import MachineCardContent

_CARD_WIDTH = 350
_NARROWEST = 320
_TALLEST = 290
_SHARE_OF_WINDOW = 0.42


class _Inside(QWidget):
    """Says when its cards want another size: a scroll area by itself asks for none."""

    wants_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("clear")

    def event(self, event: QEvent) -> bool:
        answer = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self.wants_changed.emit()
        return answer


class CardGrid(QScrollArea):
    """Shows machine cards. One machine is seen whole; more scroll."""

    switched = Signal(str, bool)
    asked = Signal(str, str)
    """Machine, ``CardAction``."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._cards: dict[str, MachineCard] = {}
        self._columns = 0
        inside = _Inside()
        inside.wants_changed.connect(self.updateGeometry)
        self._grid = QGridLayout(inside)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(8)
        self._empty = QLabel("Looking at this machine…")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setProperty("role", "muted")
        self._grid.addWidget(self._empty, 0, 0)
        self.setObjectName("read")
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Machines")
        appearance.changed.connect(self._arrange)

    def show_content(self, contents: tuple[MachineCardContent, ...]) -> None:
        """Keep cards by machine, add new ones, delete those that are gone."""
        ids = [content.machine_id for content in contents]
        changed = ids != list(self._cards)
        for gone in [machine_id for machine_id in self._cards if machine_id not in ids]:
            card = self._cards.pop(gone)
            self._grid.removeWidget(card)
            card.deleteLater()
        kept = self._cards
        self._cards = {content.machine_id: kept.get(content.machine_id) or self._new_card() for content in contents}
        for content in contents:
            self._cards[content.machine_id].show_content(content)
        if changed:
            self._arrange()

    def sizeHint(self) -> QSize:
        return QSize(self._appearance.pixels(_CARD_WIDTH), self._wanted_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(self._appearance.pixels(_NARROWEST), self._wanted_height())

    def _wanted_height(self) -> int:
        width = max(self._appearance.pixels(_NARROWEST), self.viewport().width())
        grid = self._grid
        height = grid.heightForWidth(width) if grid.hasHeightForWidth() else grid.sizeHint().height()
        most = max(self._appearance.pixels(_TALLEST), round(self.window().height() * _SHARE_OF_WINDOW))
        return min(height, most) if len(self._cards) > 1 else height

    def card(self, machine_id: str) -> MachineCard:
        """The card of a machine."""
        return self._cards[machine_id]

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()
        if self._columns != self._columns_that_fit():
            self._arrange()

    def _new_card(self) -> MachineCard:
        card = MachineCard(self._appearance)
        card.switched.connect(self.switched)
        card.asked.connect(self.asked)
        return card

    def _columns_that_fit(self) -> int:
        fit = max(1, self.viewport().width() // self._appearance.pixels(_CARD_WIDTH))
        return min(fit, max(1, len(self._cards)))

    def _arrange(self) -> None:
        self._columns = self._columns_that_fit()
        self._empty.setVisible(not self._cards)
        for place, card in enumerate(self._cards.values()):
            row, column = divmod(place, self._columns)
            self._grid.addWidget(card, row, column)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, 1 if column < self._columns else 0)
