"""What every process prints, on whichever machine: one process or all of them in the order of arrival.

It follows the end until one scrolls up, searches, copies. Bounded at 20,000 lines. While the tab is hidden, lines are only
kept; they are written when it is shown. Rejected: hiding the lines that do not match a search (their neighbours explain them;
those of another level can be hidden, for then one looks for what went wrong, not for where).
"""

from __future__ import annotations

import re
import time
from collections import deque

from PySide6.QtGui import QGuiApplication, QResizeEvent, QShowEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLineEdit, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from engine.session.telling.logs import LogLine
from gui.small_parts.choosers import Chooser
from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.small_widgets import set_role
from gui.tabs.saving import SaveLine
from gui.texts.translation import tr
from gui.theme import Appearance, fixed_font
from gui.what_to_show.tabs.logs_content import LEVELS, LogLevel, LogSourceContent, level_of, log_line_text
from gui.what_to_show.watching.figures_table import suggested_name

_MOST_LINES = 20_000
_IN_ONE_LINE = 660
_ALL = ""


class LogsTab(QWidget):
    """Shows the lines of the chosen process."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._process_id = _ALL
        self._machine = _ALL
        self._picked = False
        self._lines: deque[LogLine] = deque(maxlen=_MOST_LINES)
        self._sources: dict[str, LogSourceContent] = {}
        self._contents: tuple[LogSourceContent, ...] = ()
        self._level = LogLevel.ANY
        self._waiting: deque[LogLine] = deque(maxlen=_MOST_LINES)
        """Arrived while the tab was hidden."""
        self.machine = Chooser(tr("Machine"), tr("Only what runs on this machine"))
        self.source = Chooser(tr("Process"), tr("Whose output is shown"))
        self.source.setMinimumContentsLength(16)
        self.source.setSizeAdjustPolicy(Chooser.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.source.setPlaceholderText(tr("No process yet"))
        self.level = Chooser(tr("Level"), tr("How bad a line has to be to be shown"))
        self.level.show_entries(tuple((str(level.value), tr(words), tr(tip)) for level, words, tip in LEVELS), "0")
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search (Ctrl+F)"))
        self.search.setAccessibleName(tr("Search the log"))
        self.search.setToolTip(tr("Enter goes to the next older hit"))
        self.search.setClearButtonEnabled(True)
        self.hits = PlainLabel()
        self.hits.setProperty("role", "muted")
        self.newest = QPushButton(tr("Jump to newest"))
        self.newest.setObjectName("link")
        self.newest.hide()
        self.copy = QPushButton(tr("Copy all"))
        self.copy.setObjectName("link")
        self.copy.setToolTip(tr("Copy every line that is shown"))
        self.save = QPushButton(tr("Save…"))
        self.save.setObjectName("link")
        self.save.setToolTip(tr("Save every line that is shown to a file"))
        self.saved = SaveLine()
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(_MOST_LINES)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setAccessibleName(tr("Log"))
        self.text.setPlaceholderText(tr("Here is what llama-server and the workers print, as soon as they run."))
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
        if contents == self._contents:
            return
        self._contents = contents
        self._sources |= {content.process_id: content for content in contents}
        machines = tuple(dict.fromkeys(content.machine for content in contents))
        self._machine = self._machine if self._machine in machines else _ALL
        self.machine.show_entries(((_ALL, tr("All machines"), ""), *((name, name, "") for name in machines)), self._machine)
        self.machine.setVisible(len(machines) > 1)
        self._show_processes()

    def show_machine(self, machine: str) -> None:
        """All that runs on one machine."""
        self.machine.setCurrentIndex(max(0, self.machine.findData(machine)))
        self._pick_machine(str(self.machine.currentData() or _ALL))

    def show_process(self, process_id: str) -> None:
        """All that one process printed."""
        self._machine = _ALL
        self._pick(process_id)
        self._show_processes()

    def add_lines(self, lines: tuple[LogLine, ...]) -> None:
        """New lines; keeps the end in view only if it was, else the lines that are in view."""
        self._lines.extend(lines)
        if self.isVisible():
            self._write(lines)
        else:
            self._waiting.extend(lines)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Two lines of controls where one is too short for them."""
        super().resizeEvent(event)
        one = event.size().width() >= self._appearance.pixels(_IN_ONE_LINE)
        self._row.setDirection(QBoxLayout.Direction.LeftToRight if one else QBoxLayout.Direction.TopToBottom)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._write(tuple(self._waiting))
        self._waiting.clear()

    def _write(self, lines: tuple[LogLine, ...]) -> None:
        shown = [line for line in lines if self._is_shown(line)]
        if not shown:
            return
        follow = self.following
        bar = self.text.verticalScrollBar()
        before = bar.value()
        pushed_out = max(0, self.text.blockCount() + len(shown) - _MOST_LINES)
        self.text.appendPlainText(self._text_of(shown))
        bar.setValue(bar.maximum() if follow else max(0, before - pushed_out))
        self._show_following()

    def _show_processes(self) -> None:
        """The chooser of processes: those of the chosen machine, and all of them together."""
        contents = [content for content in self._contents if self._machine in (_ALL, content.machine)]
        ids = [content.process_id for content in contents]
        entries = tuple((content.process_id, content.label, "") for content in contents)
        if not self._picked or self._process_id not in (_ALL, *ids):
            wanted = ids[0] if ids and self._machine == _ALL else _ALL
            self._show_process(wanted)
        together = ((_ALL, tr("All processes"), tr("Every process, in the order in which lines arrived")),) if ids else ()
        self.source.show_entries((*entries, *together), self._process_id if ids else None)

    def _show_process(self, process_id: str) -> None:
        if process_id != self._process_id:
            self._process_id = process_id
            self._show_all_again()

    def _show_all_again(self) -> None:
        self._waiting.clear()
        self.text.setPlainText(self._text_of([line for line in self._lines if self._is_shown(line)]))
        self._jump()

    def _is_shown(self, line: LogLine) -> bool:
        if self._level is not LogLevel.ANY and level_of(line.text) < self._level:
            return False
        if self._process_id != _ALL:
            return line.process_id == self._process_id
        source = self._sources.get(line.process_id)
        return self._machine == _ALL or (source is not None and source.machine == self._machine)

    def _text_of(self, lines: list[LogLine]) -> str:
        together = self._process_id == _ALL
        return "\n".join(log_line_text(line, self._sources.get(line.process_id) if together else None) for line in lines)

    def find_next(self, *, forward: bool = False) -> None:
        """Go to the next hit, going round at the end; marks the field when there is none."""
        wanted = self.search.text()
        found = not wanted or self._find(wanted, forward=forward)
        self.search.setProperty("invalid", "false" if found else "true")
        self.search.style().unpolish(self.search)
        self.search.style().polish(self.search)
        self.hits.setText("" if found else tr("no line has it"))
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
        self._show_process(process_id)

    def _pick_machine(self, machine: str) -> None:
        self._machine = machine
        self._picked = True
        self._process_id = _ALL
        self._show_processes()
        self._show_all_again()

    def _pick_level(self, level: str) -> None:
        self._level = LogLevel(int(level))
        self._show_all_again()

    def _save(self) -> None:
        source = self._sources.get(self._process_id)
        what = "log" if source is None else f"log-{re.sub(r'[^A-Za-z0-9]+', '-', source.title).strip('-')}"
        self.saved.save_text(
            tr("Save the log"), suggested_name(what, time.time(), "txt"), tr("Text (*.txt)"), f"{self.text.toPlainText()}\n"
        )

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
        which, find = QHBoxLayout(), QHBoxLayout()
        which.addWidget(self.machine)
        which.addWidget(self.source, 1)
        which.addWidget(self.level)
        find.addWidget(self.search, 1)
        for part in (self.hits, self.newest, self.copy, self.save):
            find.addWidget(part)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        for layout in (which, find, self._row):
            layout.setSpacing(8)
        self._row.addLayout(which, 1)
        self._row.addLayout(find, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 6, 0, 0)
        box.setSpacing(6)
        box.addLayout(self._row)
        box.addWidget(self.saved)
        box.addWidget(self.text, 1)

    def _connect(self) -> None:
        self.source.picked.connect(self._pick)
        self.machine.picked.connect(self._pick_machine)
        self.search.textChanged.connect(self._search_changed)
        self.search.returnPressed.connect(lambda: self.find_next())
        self.level.picked.connect(self._pick_level)
        self.save.clicked.connect(self._save)
        self.newest.clicked.connect(self._jump)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        self.text.verticalScrollBar().valueChanged.connect(self._show_following)
        self._appearance.changed.connect(self._set_font)
