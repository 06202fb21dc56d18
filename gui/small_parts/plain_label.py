"""The one label of the window: it shows what it is given and never reads it as markup.

Qt's own ``QLabel`` guesses (``AutoText``), and a machine may call itself ``<img src=...>``. A test of the architecture refuses
a bare ``QLabel`` anywhere else. Rejected: an event filter over the whole application (every event would go through Python).
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMessageBox, QWidget


class PlainLabel(QLabel):
    """A ``QLabel`` of plain text."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)


def plain_message_box(parent: QWidget | None = None) -> QMessageBox:
    """The same for a question: its text and the smaller text below it."""
    box = QMessageBox(parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    return box
