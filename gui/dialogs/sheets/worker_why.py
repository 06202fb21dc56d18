"""Why a worker is in the plan or left out: sentences, then figures; all of it can be selected and copied."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from gui.small_parts.plain_label import PlainLabel
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.cards.worker_why import WhyContent

_WIDTH = 460


class WorkerWhy(QDialog):
    """Shows a ``WhyContent`` of one moment."""

    def __init__(self, content: WhyContent, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Why {title}", title=content.title))
        title = PlainLabel(content.title)
        title.setObjectName("title")
        self.sentences = _selectable("\n".join(content.sentences))
        self.sentences.setWordWrap(True)
        figures = QGridLayout()
        figures.setHorizontalSpacing(20)
        figures.setVerticalSpacing(4)
        figures.setColumnStretch(1, 1)
        for row, (name, value) in enumerate(content.figures):
            label = PlainLabel(name)
            label.setProperty("role", "muted")
            figures.addWidget(label, row, 0)
            figures.addWidget(_selectable(value), row, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(10)
        box.addWidget(title)
        box.addWidget(self.sentences)
        box.addLayout(figures)
        box.addStretch(1)
        box.addWidget(buttons)
        self.setMinimumWidth(appearance.pixels(_WIDTH))


def _selectable(text: str) -> QLabel:
    label = PlainLabel(text)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return label
