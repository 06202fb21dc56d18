"""The history of measured runs: a table, one run in full beside it, what runs it again; by model, copied, saved."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from gui.small_parts.choosers import Chooser
from gui.small_parts.copy_button import CopyButton
from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.plain_tips import plain_tip
from gui.small_parts.text_table import TextTable
from gui.tabs.saving import SaveLine
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.tabs.history_content import NUMBERS, HistoryContent, RunRowContent, column_titles, history_as_text

_ALL = ""


class HistoryTab(QWidget):
    """Shows a ``HistoryContent``."""

    csv_asked = Signal()
    """All shown runs as CSV."""
    record_asked = Signal(str)
    """One run as JSON, by its id."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._content: HistoryContent | None = None
        self._model = _ALL
        self.rows: tuple[RunRowContent, ...] = ()
        """Those of the chosen model."""
        self.empty = PlainLabel()
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setProperty("role", "muted")
        self.model = Chooser(tr("Model"), tr("Only runs of this model"))
        self.table = TextTable(tr("Measured runs"))
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setAccessibleName(tr("The chosen run"))
        self.details.setPlaceholderText(tr("Choose a run to see all of it."))
        self.details.setTabChangesFocus(True)
        self.reproduce = CopyButton(tr("Copy reproduce command"), tr("the command that runs it again, here or in another lab"))
        self.save_record = _link_button(tr("Save run…"), tr("The chosen run as JSON, for crossplyctl reproduce"))
        self.save_csv = _link_button(tr("Save as CSV…"), tr("All shown runs, with units in the titles"))
        self.copy = CopyButton(tr("Copy as text"), tr("all shown runs, tab-separated"))
        self.saved = SaveLine()
        self._lay_out()
        self.model.picked.connect(self._pick)
        self.table.selectionModel().currentRowChanged.connect(lambda _now, _before: self._show_details())
        self.save_csv.clicked.connect(self.csv_asked)
        self.save_record.clicked.connect(lambda: self.record_asked.emit(self.rows[self.table.currentIndex().row()].id))

    def show_content(self, content: HistoryContent) -> None:
        """Show it, if it is another one."""
        if content == self._content:
            return
        self._content = content
        self.empty.setText(content.empty)
        self._model = self._model if self._model in content.models else _ALL
        self.model.show_entries(((_ALL, tr("All models"), ""), *((name, name, "") for name in content.models)), self._model)
        self.model.setVisible(len(content.models) > 1)
        self._pages.setCurrentIndex(1 if content.rows else 0)
        self._show_rows()

    def _pick(self, model: str) -> None:
        self._model = model
        self._show_rows()

    def _show_rows(self) -> None:
        rows = () if self._content is None else self._content.rows
        chosen = self._chosen_id()
        self.rows = tuple(row for row in rows if self._model in (_ALL, row.model))
        self.table.show_rows(
            column_titles(), [row.cells for row in self.rows], [row.words for row in self.rows], numbers=NUMBERS
        )
        self.copy.show_text(history_as_text(self.rows))
        ids = [row.id for row in self.rows]
        if chosen in ids:  # the run, not the place: a newer one has taken that
            self.table.selectRow(ids.index(chosen))
        elif ids and not self.table.currentIndex().isValid():
            self.table.selectRow(0)
        self._show_details()

    def _chosen_id(self) -> str | None:
        place = self.table.currentIndex().row()
        return self.rows[place].id if 0 <= place < len(self.rows) else None

    def _show_details(self) -> None:
        place = self.table.currentIndex().row()
        row = self.rows[place] if 0 <= place < len(self.rows) else None
        self.details.setPlainText("" if row is None else row.words)
        self.reproduce.show_text("" if row is None else row.reproduce)
        self.save_record.setEnabled(row is not None)

    def _lay_out(self) -> None:
        filled = QWidget()
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.table)
        split.addWidget(self.details)
        split.setStretchFactor(0, 7)
        split.setStretchFactor(1, 3)
        split.setChildrenCollapsible(False)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.model)
        buttons.addWidget(self.saved, 100)
        buttons.addStretch(1)
        for button in (self.reproduce, self.save_record, self.save_csv, self.copy):
            buttons.addWidget(button)
        below = QVBoxLayout(filled)
        below.setContentsMargins(0, 0, 0, 0)
        below.addLayout(buttons)
        below.addWidget(split, 1)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(filled)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 6, 0, 0)
        box.addWidget(self._pages, 1)


def _link_button(words: str, tip: str) -> QPushButton:
    button = QPushButton(words)
    button.setObjectName("link")
    button.setToolTip(plain_tip(tip))
    return button
