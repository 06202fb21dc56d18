"""The history of measured runs, as a plain table: sortable by nothing, newest first, copied as text."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from gui.small_parts.copy_button import CopyButton
from gui.small_parts.plain_tips import plain_tip
from gui.theme import Appearance
from gui.what_to_show.history_content import COLUMNS, FIRST_NUMBER, HistoryContent, history_as_text

_Index = QModelIndex | QPersistentModelIndex


class RunsModel(QAbstractTableModel):
    """Rows of a ``HistoryContent``."""

    def __init__(self) -> None:
        super().__init__()
        self._content = HistoryContent(rows=(), empty="")

    def show_content(self, content: HistoryContent) -> None:
        """Other rows."""
        self.beginResetModel()
        self._content = content
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._content.rows)

    def columnCount(self, _parent: _Index | None = None) -> int:
        return len(COLUMNS)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self._content.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.cells[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(row.words)
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() >= FIRST_NUMBER:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section >= FIRST_NUMBER else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return COLUMNS[section] if role == Qt.ItemDataRole.DisplayRole else None


class HistoryTab(QWidget):
    """Shows a ``HistoryContent``."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._content: HistoryContent | None = None
        self.empty = QLabel()
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setProperty("role", "muted")
        self.model = RunsModel()
        self.table = QTableView()
        self.copy = CopyButton("Copy as text", "all runs, tab-separated")
        self._set_up_table()
        filled = QWidget()
        below = QVBoxLayout(filled)
        below.setContentsMargins(0, 0, 0, 0)
        below.addWidget(self.table, 1)
        below.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignRight)
        self._pages = QStackedLayout()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(filled)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 6, 0, 0)
        box.addLayout(self._pages, 1)

    def show_content(self, content: HistoryContent) -> None:
        """Show it, if it is another one."""
        if content == self._content:
            return
        self._content = content
        self.empty.setText(content.empty)
        self.model.show_content(content)
        self.copy.show_text(history_as_text(content))
        self._pages.setCurrentIndex(1 if content.rows else 0)
        self.table.resizeColumnsToContents()

    def _set_up_table(self) -> None:
        self.table.setModel(self.model)
        self.table.setAccessibleName("Measured runs")
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setShowGrid(False)
        self.table.setFrameShape(QFrame.Shape.NoFrame)
        self.table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.table.setWordWrap(False)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setStretchLastSection(False)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
