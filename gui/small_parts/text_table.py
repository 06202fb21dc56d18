"""A table of words that is read, selected and copied: rows of cells, numbers to the right. Ctrl+C copies with tabs between."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QSizePolicy, QTableView, QWidget

from gui.small_parts.plain_tips import plain_tip

Cells = tuple[str, ...]
_Index = QModelIndex | QPersistentModelIndex
NO_NUMBERS = range(0)
_WIDEST = 320
_BETWEEN = 14


class TextTableModel(QAbstractTableModel):
    """Rows of cells; ``tips`` are said of a whole row."""

    def __init__(self) -> None:
        super().__init__()
        self.titles: Cells = ()
        self.rows: Sequence[Cells] = ()
        self._tips: Sequence[str] = ()
        self._numbers = NO_NUMBERS

    def show_rows(
        self,
        titles: Cells,
        rows: Sequence[Cells],
        tips: Sequence[str] = (),
        *,
        numbers: range = NO_NUMBERS,
    ) -> None:
        """Other rows. The columns ``numbers`` are set to the right."""
        self.beginResetModel()
        self.titles, self.rows, self._tips, self._numbers = titles, rows, tips, numbers
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.titles)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            return self.rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.ToolTipRole and self._tips:
            return plain_tip(self._tips[index.row()])
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in self._numbers:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section in self._numbers else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return self.titles[section] if role == Qt.ItemDataRole.DisplayRole else None


class TextTable(QTableView):
    """Shows a ``TextTableModel`` of its own."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.texts = TextTableModel()
        self.setModel(self.texts)
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.horizontalHeader().setStretchLastSection(False)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.horizontalHeader().setMaximumSectionSize(4 * _WIDEST)

    def show_rows(
        self,
        titles: Cells,
        rows: Sequence[Cells],
        tips: Sequence[str] = (),
        *,
        numbers: range = NO_NUMBERS,
    ) -> None:
        """Other rows; the current one stays current, and columns keep their widths while the titles stay."""
        here, same = self.currentIndex().row(), titles == self.texts.titles and bool(self.texts.rows)
        self.texts.show_rows(titles, rows, tips, numbers=numbers)
        if not same:
            self.resizeColumnsToContents()
            for column in range(len(titles)):
                self.setColumnWidth(column, min(_WIDEST, self.columnWidth(column) + _BETWEEN))
        if 0 <= here < len(rows):
            self.setCurrentIndex(self.texts.index(here, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            chosen = sorted({index.row() for index in self.selectedIndexes()})
            QGuiApplication.clipboard().setText("\n".join("\t".join(self.texts.rows[row]) for row in chosen))
            return
        super().keyPressEvent(event)
