"""What each worker is worth to the fastest plan: a sentence each, to be read and copied."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QScrollArea, QVBoxLayout, QWidget

from gui.small_parts.plain_label import PlainLabel
from gui.texts.translation import tr

_WIDTH_CHARACTERS = 72
_SHOWN_LINES = 22


class WorkerWorths(QDialog):
    """A list of sentences. Not modal: it may stay beside the table."""

    def __init__(self, sentences: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("What each worker is worth"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.words = PlainLabel("\n".join(f"•  {sentence}" for sentence in sentences))
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.words.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(self.words)
        scroll.setObjectName("read")
        scroll.setAccessibleName(self.windowTitle())
        heading = PlainLabel(tr("Measured against the fastest plan with the chosen context; decode, one request at a time."))
        heading.setProperty("role", "muted")
        heading.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        box = QVBoxLayout(self)
        box.addWidget(heading)
        box.addWidget(scroll, 1)
        box.addWidget(buttons)
        metrics = self.fontMetrics()
        lines = min(_SHOWN_LINES, 8 + 2 * len(sentences))
        self.resize(_WIDTH_CHARACTERS * metrics.averageCharWidth(), lines * metrics.height())


def show_worths(parent: QWidget, sentences: Sequence[str]) -> WorkerWorths:
    """Open it."""
    dialog = WorkerWorths(sentences, parent)
    dialog.show()
    return dialog
