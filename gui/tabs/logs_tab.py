"""What every process prints: follows the end until one scrolls up, searches, copies.

Bounded at 20,000 lines per process. Rejected: hiding the lines that do not match a search (their neighbours explain them).
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication, QTextCursor, QTextDocument
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from gui.small_parts.choosers import Chooser
from gui.small_parts.small_widgets import set_role
from gui.theme import Appearance, fixed_font
from gui.what_to_show.tabs_content import LogSourceContent

_MOST_LINES = 20_000


class LogsTab(QWidget):
    """Shows the lines of the chosen process."""

    source_chosen = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._process_id = ""
        self._picked = False
        self.source = Chooser("Process", "Whose output is shown")
        self.source.setMinimumContentsLength(24)
        self.source.setPlaceholderText("No process yet")
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search (Ctrl+F)")
        self.search.setAccessibleName("Search the log")
        self.search.setToolTip("Enter goes to the next older hit")
        self.search.setClearButtonEnabled(True)
        self.hits = QLabel()
        self.hits.setProperty("role", "muted")
        self.newest = QPushButton("Jump to newest")
        self.newest.setObjectName("link")
        self.newest.hide()
        self.copy = QPushButton("Copy all")
        self.copy.setObjectName("link")
        self.copy.setToolTip("Copy every line of this process")
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(_MOST_LINES)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setAccessibleName("Log")
        self.text.setPlaceholderText("Here is what llama-server and the workers print, as soon as they run.")
        self._lay_out()
        self._connect()
        self._set_font()

    @property
    def following(self) -> bool:
        """Whether the end is in view and stays in view."""
        bar = self.text.verticalScrollBar()
        return bar.value() >= bar.maximum() - 1

    def show_sources(self, contents: tuple[LogSourceContent, ...]) -> None:
        """Which processes can be chosen. The first one is shown until a person chose another."""
        ids = [content.process_id for content in contents]
        if ids and (self._process_id not in ids or (not self._picked and self._process_id != ids[0])):
            self.show_process(ids[0])
        entries = tuple((content.process_id, content.label, "") for content in contents)
        self.source.show_entries(entries, self._process_id if ids else None)

    def show_process(self, process_id: str) -> None:
        """Another process: its lines are asked for from the beginning."""
        self._process_id = process_id
        self.text.clear()
        self.source_chosen.emit(process_id)

    def add_lines(self, process_id: str, lines: tuple[str, ...]) -> None:
        """New lines; keeps the end in view only if it was."""
        if process_id != self._process_id or not lines:
            return
        follow = self.following
        bar = self.text.verticalScrollBar()
        before = bar.value()
        self.text.appendPlainText("\n".join(lines))
        bar.setValue(bar.maximum() if follow else before)
        self._show_following()

    def find_next(self, *, forward: bool = False) -> None:
        """Go to the next hit, going round at the end; marks the field when there is none."""
        wanted = self.search.text()
        found = not wanted or self._find(wanted, forward=forward)
        self.search.setProperty("invalid", "false" if found else "true")
        self.search.style().unpolish(self.search)
        self.search.style().polish(self.search)
        self.hits.setText("" if found else "no line has it")
        set_role(self.hits, "muted" if found else "bad")

    def _find(self, wanted: str, *, forward: bool) -> bool:
        flags = QTextDocument.FindFlag(0) if forward else QTextDocument.FindFlag.FindBackward
        if self.text.find(wanted, flags):
            return True
        start = QTextCursor(self.text.document())
        start.movePosition(QTextCursor.MoveOperation.Start if forward else QTextCursor.MoveOperation.End)
        self.text.setTextCursor(start)
        return self.text.find(wanted, flags)

    def _pick(self, process_id: str) -> None:
        self._picked = True
        self.show_process(process_id)

    def _jump(self) -> None:
        bar = self.text.verticalScrollBar()
        bar.setValue(bar.maximum())

    def _show_following(self) -> None:
        self.newest.setVisible(not self.following)

    def _search_changed(self) -> None:
        end = QTextCursor(self.text.document())
        end.movePosition(QTextCursor.MoveOperation.End)
        self.text.setTextCursor(end)
        self.find_next()

    def _set_font(self) -> None:
        self.text.setFont(fixed_font(self._appearance.pixels(12)))

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.source)
        row.addWidget(self.search, 1)
        row.addWidget(self.hits)
        row.addWidget(self.newest)
        row.addWidget(self.copy)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 6, 0, 0)
        box.setSpacing(6)
        box.addLayout(row)
        box.addWidget(self.text, 1)

    def _connect(self) -> None:
        self.source.picked.connect(self._pick)
        self.search.textChanged.connect(self._search_changed)
        self.search.returnPressed.connect(lambda: self.find_next())
        self.newest.clicked.connect(self._jump)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        self.text.verticalScrollBar().valueChanged.connect(self._show_following)
        self._appearance.changed.connect(self._set_font)
