"""The panel of machines: how many and how much, search and view, the way to add one, the questions that wait, the cards.

Ctrl+F searches here when the machines have the keyboard, and the logs otherwise; Ctrl+Shift+M does from everywhere. Rejected:
taking Ctrl+F from the logs (one searches in 20,000 lines more often than in 20 machines).
Search and view appear with the fourth machine: there is nothing to search for in three.
"""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from gui.assets import icon
from gui.machine_cards.card_grid import CardGrid
from gui.machine_cards.machine_card import MachineCard
from gui.machine_cards.view_button import ViewButton
from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.small_widgets import ElidedLabel
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.cards.all_cards import MachinesContent
from gui.what_to_show.cards.machine_order import MachineView, order_of

_SEARCHED_FROM = 4
_SEARCH_WIDTH = 140
_NARROW = 600


class MachinesPanel(QWidget):
    """Shows a ``MachinesContent``."""

    add_asked = Signal()
    answer_asked = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._content: MachinesContent | None = None
        self.grid = CardGrid(appearance)
        self._title = PlainLabel(tr("Machines"))
        self._title.setObjectName("title")
        self._summary = ElidedLabel(role="muted")
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search machines"))
        self.search.setAccessibleName(tr("Search machines"))
        self.search.setToolTip(tr("Name, address, state, system, device (Ctrl+Shift+M; Ctrl+F among the machines)"))
        self.search.setClearButtonEnabled(True)
        self.view = ViewButton(appearance)
        self.add = QPushButton(tr("Add machines…"))
        self.add.setToolTip(tr("By address, or found on the network (Ctrl+M)"))
        self.question = QFrame()
        self.question.setObjectName("question")
        self.question.hide()
        self._question_words = PlainLabel()
        self._question_words.setObjectName("name")
        self.answer = QPushButton(tr("Answer…"))
        self._tools = QWidget()
        self._head = QHBoxLayout()
        self._box = QVBoxLayout(self)
        self.nothing = QWidget()
        self._nothing_words = PlainLabel(tr("Looking at this machine…"))
        self.clear = QPushButton(tr("Clear the search"))
        self._lay_out()
        self._connect()
        self._paint_icons()

    def show_content(self, content: MachinesContent) -> None:
        """Show it."""
        self._content = content
        self._summary.show_text(content.summary)
        if self._question_words.text() != content.question:
            self._question_words.setText(content.question)
            self.answer.setAccessibleName(tr("Answer: {question}", question=content.question))
        self.question.setVisible(bool(content.question))
        many = len(content.lines) >= _SEARCHED_FROM or bool(self.search.text())
        self._tools.setVisible(many)
        order = order_of(content.lines, replace(self.view.view, search=self.search.text()))
        self.grid.show_content(content, order)
        self._nothing_words.setText(order.nothing)
        self.nothing.setVisible(bool(order.nothing))
        self.clear.setVisible(bool(content.lines))
        self.grid.setVisible(not order.nothing)

    def card(self, machine_id: str) -> MachineCard:
        """The card of a machine; a search that hides it is over. Raises KeyError where there is no such machine."""
        if not self.grid.shows(machine_id):
            self.search.clear()
        return self.grid.card(machine_id)

    def search_machines(self) -> None:
        """Put the keyboard into the search."""
        self._tools.setVisible(True)
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def show_view(self, view: MachineView) -> None:
        """Order, groups and density, as they were chosen before."""
        self.view.show_view(view)
        self._show_again()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow panel search and view have a line of their own: the counts beside the title say more."""
        super().resizeEvent(event)
        narrow = event.size().width() < self._appearance.pixels(_NARROW)
        if narrow == (self._box.indexOf(self._tools) >= 0):
            return
        if narrow:
            self._head.removeWidget(self._tools)
            self._box.insertWidget(1, self._tools)
        else:
            self._box.removeWidget(self._tools)
            self._head.insertWidget(2, self._tools)

    # -- keys

    def event(self, event: QEvent) -> bool:
        """Ctrl+F is ours while something in here has the focus: it must not reach the window's own shortcut."""
        if event.type() == QEvent.Type.ShortcutOverride and _is_find(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if _is_find(event):
            self.search_machines()
        elif event.key() == Qt.Key.Key_Escape and self.search.text():
            self.search.clear()
        else:
            super().keyPressEvent(event)

    # -- building

    def _show_again(self) -> None:
        if self._content is not None:
            self.show_content(self._content)

    def _clear(self) -> None:
        self.search.clear()
        self.search.setFocus(Qt.FocusReason.OtherFocusReason)

    def _connect(self) -> None:
        self.add.clicked.connect(self.add_asked)
        self.answer.clicked.connect(self.answer_asked)
        self.search.textChanged.connect(self._show_again)
        self.view.chosen.connect(self._show_again)
        self.clear.clicked.connect(self._clear)
        self._appearance.changed.connect(self._paint_icons)

    def _lay_out(self) -> None:
        bar = QHBoxLayout(self.question)
        bar.setContentsMargins(12, 6, 8, 6)
        bar.addWidget(self._question_words, 1)
        bar.addWidget(self.answer)
        nothing = QVBoxLayout(self.nothing)
        nothing.addStretch(1)
        nothing.addWidget(self._nothing_words, 0, Qt.AlignmentFlag.AlignHCenter)
        nothing.addWidget(self.clear, 0, Qt.AlignmentFlag.AlignHCenter)
        nothing.addStretch(2)
        tools = QHBoxLayout(self._tools)
        tools.setContentsMargins(0, 0, 0, 0)
        tools.setSpacing(4)
        tools.addWidget(self.search, 1)
        tools.addWidget(self.view)
        self._head.setSpacing(8)
        self._head.addWidget(self._title)
        self._head.addWidget(self._summary, 1)
        self._head.addWidget(self._tools)
        self._head.addWidget(self.add)
        box = self._box
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addLayout(self._head)
        box.addWidget(self.question)
        box.addWidget(self.grid, 1)
        box.addWidget(self.nothing, 1)

    def _paint_icons(self) -> None:
        self.add.setIcon(icon("add", self._appearance.colour("text")))
        self.add.setIconSize(QSize(self._appearance.pixels(16), self._appearance.pixels(16)))
        self.search.setMinimumWidth(self._appearance.pixels(_SEARCH_WIDTH))


def _is_find(event: QEvent) -> bool:
    return isinstance(event, QKeyEvent) and event.matches(QKeySequence.StandardKey.Find)
