"""A row of widgets that goes on in the next line where it is too narrow: the buttons of a card.

Rejected: shorter words (three buttons still do not fit at twice the text size), and eliding them (a button must say what it
does).
"""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem


class WrappingRow(QLayout):
    """Lays out from the left, each widget in the size that it asks for. Asks for no more width than its widest widget."""

    def __init__(self, *, spacing: int) -> None:
        super().__init__()
        self.setSpacing(spacing)
        self.setContentsMargins(0, 0, 0, 0)
        self._items: list[QLayoutItem] = []

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # Qt asks beyond the end, to find it
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._places(width)[1]

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        sizes = [item.sizeHint() for item in self._items if not item.isEmpty()]
        return QSize(max((size.width() for size in sizes), default=0), max((size.height() for size in sizes), default=0))

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        for item, place in self._places(rect.width())[0]:
            item.setGeometry(QRect(rect.topLeft() + place, item.sizeHint()))

    def _places(self, width: int) -> tuple[list[tuple[QLayoutItem, QPoint]], int]:
        """Where each item lies, and the height of it all."""
        places: list[tuple[QLayoutItem, QPoint]] = []
        x = y = line_height = 0
        for item in self._items:
            size = item.sizeHint()
            if item.isEmpty():
                continue
            if x and x + size.width() > width:
                x, y, line_height = 0, y + line_height + self.spacing(), 0
            places.append((item, QPoint(x, y)))
            x += size.width() + self.spacing()
            line_height = max(line_height, size.height())
        return places, y + line_height
