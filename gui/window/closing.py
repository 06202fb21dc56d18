"""Closing the window: ask if something runs, close the session, wait until everything is stopped, go.

Rejected: waiting in ``closeEvent`` (the window would freeze for as long as a machine takes to answer).
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QWidget

from gui.dialogs.confirm_quit import confirm_quit_dialog, wants_to_quit
from gui.session_bridge import SessionBridge
from gui.what_to_show.status_content import is_running, n_workers_running

_PATIENCE_MILLISECONDS = 25_000


class Closing(QObject):
    """Lives as long as the window. ``ended`` comes once, when the session has closed."""

    ended = Signal()

    def __init__(self, bridge: SessionBridge, remember: Callable[[], None], window: QWidget) -> None:
        """``remember``: called once, when closing begins and the window still is as the person left it."""
        super().__init__(window)
        self._bridge = bridge
        self._remember = remember
        self._window = window
        self._begun = False
        self._over = False

    def answer(self, event: QCloseEvent) -> None:
        """What a close event comes to."""
        if self._over:
            event.accept()
            return
        event.ignore()
        state = self._bridge.state
        ask = not self._begun and is_running(state)
        if not ask or wants_to_quit(confirm_quit_dialog(self._window, n_workers_running(state))):
            self.begin()

    def begin(self) -> None:
        """Close the session without asking."""
        if self._begun:
            return
        self._begun = True
        self._remember()
        self._bridge.close()
        QTimer.singleShot(_PATIENCE_MILLISECONDS, self, self.end)

    def end(self) -> None:
        """The session has closed, or was given long enough."""
        if self._over:
            return
        self._over = True
        self._bridge.off()
        self._window.close()
        self.ended.emit()
