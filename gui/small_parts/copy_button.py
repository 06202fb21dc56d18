"""A button that copies a text and says so for two seconds."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton, QWidget

from gui.small_parts.plain_tips import plain_tip
from gui.texts.translation import tr

_SAID_MILLISECONDS = 2000


class CopyButton(QPushButton):
    """Link-like. ``copied`` turns the words for a while."""

    def __init__(self, words: str, what: str, parent: QWidget | None = None) -> None:
        super().__init__(words, parent)
        self._words = words
        self._copied_text = ""
        self.setObjectName("link")
        self.setAccessibleName(f"{words} {what}")
        self.setToolTip(plain_tip(tr("Copy {what}", what=what)))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SAID_MILLISECONDS)
        self._timer.timeout.connect(lambda: self.setText(self._words))
        self.clicked.connect(self._copy)

    def show_text(self, text: str) -> None:
        """What is copied when it is pressed."""
        self._copied_text = text
        self.setEnabled(bool(text))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._copied_text)
        self.setText(tr("Copied"))
        self._timer.start()
