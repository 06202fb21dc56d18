"""Closing the window: first what would be lost, then what would be stopped, each asked once and only if it is so."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from gui.dialogs.confirm_quit import confirm_quit_dialog
from gui.files.file_actions import FileActions
from gui.session_bridge import SessionBridge
from gui.what_to_show.files.quit_content import quit_of
from gui.what_to_show.status_content import is_running

_Role = QMessageBox.ButtonRole


class Leaving(QObject):
    """Lives as long as the window. ``agreed`` comes when it may close, with whether workers that can stay shall stay."""

    agreed = Signal(bool)

    def __init__(self, bridge: SessionBridge, files: FileActions, window: QWidget) -> None:
        super().__init__(window)
        self._bridge = bridge
        self._files = files
        self._window = window
        self.dialog: QMessageBox | None = None
        """The one that is open."""

    def ask(self) -> None:
        """The person wants to close the window."""
        if self.dialog is None and self._files.dialog is None:
            self._files.when_nothing_is_lost(self._ask_about_the_run, leaving=True)

    def _ask_about_the_run(self) -> None:
        state = self._bridge.state
        if not is_running(state):
            self.agreed.emit(True)
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
        dialog.deleteLater()
        if role in (_Role.AcceptRole, _Role.DestructiveRole):
            self.agreed.emit(role == _Role.AcceptRole)
