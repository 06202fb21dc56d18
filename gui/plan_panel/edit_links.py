"""*Back to best*, undo and redo beside the plan's title. Their keys belong to the window's actions."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from gui.small_parts.plain_tips import plain_tip
from gui.texts.translation import tr
from gui.what_to_show.plan_edits.edit_links_content import EditLinkContent, EditLinksContent


class EditLinks(QWidget):
    """Shows an ``EditLinksContent``."""

    best_asked = Signal()
    undo_asked = Signal()
    redo_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self.best = self._add(row, tr("Back to best"), tr("back to best"))
        self.undo = self._add(row, tr("Undo"), tr("undo"))
        self.redo = self._add(row, tr("Redo"), tr("redo"))
        self.best.triggered.connect(lambda: self.best_asked.emit())
        self.undo.triggered.connect(lambda: self.undo_asked.emit())
        self.redo.triggered.connect(lambda: self.redo_asked.emit())

    def show_content(self, content: EditLinksContent) -> None:
        """What can be done now."""
        self._show(self.best, content.best)
        self._show(self.undo, content.undo)
        self._show(self.redo, content.redo)

    @property
    def buttons(self) -> tuple[QPushButton, ...]:
        """From left to right."""
        return tuple(self.findChildren(QPushButton))

    def _add(self, row: QHBoxLayout, words: str, short: str) -> QAction:
        action = QAction(words, self)
        button = QPushButton(short)
        button.setObjectName("link")
        button.setAccessibleName(words)
        button.clicked.connect(action.trigger)
        action.changed.connect(lambda: self._follow(button, action))
        self._follow(button, action)
        row.addWidget(button)
        return action

    @staticmethod
    def _follow(button: QPushButton, action: QAction) -> None:
        button.setEnabled(action.isEnabled())
        button.setToolTip(action.toolTip())

    @staticmethod
    def _show(action: QAction, content: EditLinkContent) -> None:
        action.setEnabled(content.enabled)
        action.setToolTip(plain_tip(content.words))
