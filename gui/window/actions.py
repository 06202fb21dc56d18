"""The window's actions: what the menus offer and the keyboard reaches."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget


class WindowActions(QObject):
    """Makes ``QAction``s of entries (words, shortcut, what it does) and gives them to the window."""

    def __init__(self, entries: tuple[tuple[str, str, Callable[[], object]], ...], window: QWidget) -> None:
        super().__init__(window)
        self.all = tuple(self._action(words, keys, does, window) for words, keys, does in entries)

    def _action(self, words: str, keys: str, does: Callable[[], object], window: QWidget) -> QAction:
        action = QAction(words, window)
        action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda _checked=False: does())
        window.addAction(action)
        return action
