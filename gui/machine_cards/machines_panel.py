"""The panel of machines: how many and how much, the way to add one, the questions that wait, the cards."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gui.assets import icon
from gui.machine_cards.card_grid import CardGrid
from gui.machine_cards.machine_card import MachineCard
from gui.small_parts.small_widgets import ElidedLabel
from gui.theme import Appearance
from gui.what_to_show.cards.all_cards import MachinesContent


class MachinesPanel(QWidget):
    """Shows a ``MachinesContent``."""

    add_asked = Signal()
    answer_asked = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.grid = CardGrid(appearance)
        title = QLabel("Machines")
        title.setObjectName("title")
        self._summary = ElidedLabel(role="muted")
        self.add = QPushButton("Add machines…")
        self.add.setToolTip("By address, or found on the network (Ctrl+M)")
        self.add.clicked.connect(self.add_asked)
        self.question = QFrame()
        self.question.setObjectName("question")
        self.question.hide()
        self._question_words = QLabel()
        self._question_words.setObjectName("name")
        self.answer = QPushButton("Answer…")
        self.answer.clicked.connect(self.answer_asked)
        bar = QHBoxLayout(self.question)
        bar.setContentsMargins(12, 6, 8, 6)
        bar.addWidget(self._question_words, 1)
        bar.addWidget(self.answer)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(title)
        head.addWidget(self._summary, 1)
        head.addWidget(self.add)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addLayout(head)
        box.addWidget(self.question)
        box.addWidget(self.grid, 1)
        self._paint_icons()
        appearance.changed.connect(self._paint_icons)

    def show_content(self, content: MachinesContent) -> None:
        """Show it."""
        self._summary.show_text(content.summary)
        self._question_words.setText(content.question)
        self.answer.setAccessibleName(f"Answer: {content.question}")
        self.question.setVisible(bool(content.question))
        self.grid.show_content(content.cards)

    def card(self, machine_id: str) -> MachineCard:
        """The card of a machine."""
        return self.grid.card(machine_id)

    def _paint_icons(self) -> None:
        self.add.setIcon(icon("add", self._appearance.colour("text")))
