"""Closing the window: first what would be lost, then what would be stopped, each asked once and only if it is so.

Then the session is closed, and the window goes when everything is stopped.
Rejected: waiting in ``closeEvent`` (the window would freeze for as long as a machine takes to answer).
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QMessageBox, QWidget

from gui.dialogs.questions.confirm_quit import confirm_quit_dialog
from gui.files.file_actions import FileActions
from gui.session_bridge import SessionBridge
from gui.what_to_show.files.quit_content import quit_of
from gui.what_to_show.status_content import is_running
from gui.window.preference_store import PreferenceStore

_PATIENCE_MILLISECONDS = 25_000
_Role = QMessageBox.ButtonRole


class Closing(QObject):
    """Lives as long as the window. ``ended`` comes once, when the session has closed."""

    ended = Signal()

    def __init__(
        self,
        bridge: SessionBridge,
        preferences: PreferenceStore,
        files: FileActions,
        remember: Callable[[], None],
        window: QWidget,
    ) -> None:
        """``remember``: called once, when closing begins and the window still is as the person left it."""
        super().__init__(window)
        self._preferences = preferences
        self._bridge = bridge
        self._files = files
        self._remember = remember
        self._window = window
        self._begun = False
        self._discards = False
        self._over = False
        self.dialog: QMessageBox | None = None
        """The one that is open."""

    def answer(self, event: QCloseEvent) -> None:
        """What a close event comes to."""
        if self._over:
            event.accept()
            return
        event.ignore()
        if not self._begun and self.dialog is None and self._files.dialog is None:
            self._files.when_nothing_is_lost(self._ask_about_the_run, leaving=True, discarded=self._discard)

    def _discard(self) -> None:
        self._ask_about_the_run(discards=True)

    def _ask_about_the_run(self, *, discards: bool = False) -> None:
        """``discards``: what was changed goes with the window, and stays when the person stays."""
        self._discards = discards
        state = self._bridge.state
        if not self._preferences.now.ask_at_quit or not is_running(state):
            self.begin()
            return
        self.dialog = confirm_quit_dialog(self._window, quit_of(state))
        self.dialog.finished.connect(self._answered)
        self.dialog.open()

    def _answered(self) -> None:
        dialog, self.dialog = self.dialog, None
        if dialog is None:
            return
        clicked = dialog.clickedButton()
        role = None if clicked is None else dialog.buttonRole(clicked)
        ask_again = not dialog.checkBox().isChecked()
        dialog.deleteLater()
        if role in (_Role.AcceptRole, _Role.DestructiveRole):
            self._preferences.set(ask_at_quit=ask_again)
            self.begin(keep_running=role == _Role.AcceptRole)
        else:
            self._discards = False

    def begin(self, keep_running: bool = True) -> None:
        """Close the session without asking. Workers that were started to stay stay, unless ``keep_running`` says otherwise."""
        if self._begun:
            return
        self._begun = True
        self._remember()
        if self._discards:
            self._bridge.discard_changes()
        self._bridge.close(keep_running)
        QTimer.singleShot(_PATIENCE_MILLISECONDS, self, self.end)

    def end(self) -> None:
        """The session has closed, or was given long enough."""
        if self._over:
            return
        self._over = True
        self._bridge.off()
        self._window.close()
        self.ended.emit()
