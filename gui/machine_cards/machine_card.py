"""The card of one machine."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gui.machine_cards.worker_row import WorkerRow
from gui.small_parts.small_widgets import ElidedLabel, set_role
from gui.theme import Appearance
from gui.what_to_show.machine_card_content import MachineCardContent, WorkerRowContent


class MachineCard(QFrame):
    """Shows a ``MachineCardContent``; keeps its rows by worker."""

    switched = Signal(str, bool)
    mend_asked = Signal()
    """The one button of the card: get what is missing."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._appearance = appearance
        self._content: MachineCardContent | None = None
        self._rows: dict[str, WorkerRow] = {}
        self._title = QLabel()
        self._title.setObjectName("title")
        self._status = QLabel()
        self._subtitle = ElidedLabel(role="muted")
        self._sentence = QLabel()
        self._sentence.setWordWrap(True)
        self._sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button = QPushButton()
        self.button.setObjectName("primary")
        self.button.clicked.connect(self.mend_asked)
        self._row_box = QVBoxLayout()
        self._row_box.setSpacing(6)
        self._lay_out()

    def show_content(self, content: MachineCardContent) -> None:
        """Show it, if it is another one."""
        if content == self._content:
            return
        self._content = content
        self.setAccessibleName(f"{content.title}: {content.status}")
        self._title.setText(content.title)
        self._status.setText(f"● {content.status}")
        set_role(self._status, content.status_role)
        self._subtitle.show_text(content.subtitle)
        self._sentence.setText(content.sentence)
        set_role(self._sentence, content.sentence_role)
        self.button.setText(content.button)
        self.button.setVisible(bool(content.button))
        self._show_rows(content.rows)

    def row(self, worker_id: str) -> WorkerRow:
        """The row of a worker."""
        return self._rows[worker_id]

    def _show_rows(self, contents: tuple[WorkerRowContent, ...]) -> None:
        wanted = {content.worker_id for content in contents}
        for gone in [worker_id for worker_id in self._rows if worker_id not in wanted]:
            row = self._rows.pop(gone)
            self._row_box.removeWidget(row)
            row.deleteLater()
        for place, content in enumerate(contents):
            row = self._rows.get(content.worker_id) or self._new_row(content.worker_id)
            if self._row_box.indexOf(row) != place:
                self._row_box.insertWidget(place, row)
            row.show_content(content)

    def _new_row(self, worker_id: str) -> WorkerRow:
        row = WorkerRow(self._appearance)
        row.switched.connect(self.switched)
        self._rows[worker_id] = row
        return row

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._title)
        head.addWidget(self._status)
        head.addStretch(1)
        foot = QHBoxLayout()
        foot.addWidget(self._sentence, 1)
        foot.addWidget(self.button)
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 10, 14, 10)
        box.setSpacing(4)
        box.addLayout(head)
        box.addWidget(self._subtitle)
        box.addLayout(self._row_box)
        box.addLayout(foot)
        box.addStretch(1)
