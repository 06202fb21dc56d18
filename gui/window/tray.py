"""The icon in the system's tray while something runs, and notifications.

Neither is ever needed: many desktops have no tray (GNOME, plain X), and everything that is said here stands in the window too.
A notification goes through the tray icon where there is one, else through ``notify-send`` where that is installed; the window
asks for attention (its entry in the task bar) in any case.
Rejected: a notification library (3 MB for one call), and closing into the tray (a window that vanishes is looked for).
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QProcess, QStandardPaths, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon, QWidget

from gui.assets import application_icon
from gui.small_parts.plain_tips import plain_notice
from gui.texts.translation import tr
from gui.what_to_show.notices_of_moments import Notification

_SHOWN_MILLISECONDS = 10_000


class Tray(QObject):
    """Lives as long as the window. ``opened``: the icon or a message was clicked."""

    opened = Signal()

    def __init__(self, actions: Sequence[QAction], window: QWidget) -> None:
        """``actions``: what the icon's menu offers, besides showing the window."""
        super().__init__(window)
        self._window = window
        self._others = tuple(actions)
        self.icon: QSystemTrayIcon | None = None
        """Made when it is first wanted; ``None`` where there is no tray."""

    def show_running(self, running: bool, words: str) -> None:
        """The icon is there while something runs. ``words``: what."""
        if running and self.icon is None and QSystemTrayIcon.isSystemTrayAvailable():
            self.icon = self._made()
        if self.icon is not None:
            self.icon.setToolTip(plain_notice(f"Crossply\n{words}"))
            self.icon.setVisible(running)

    def notify(self, notification: Notification) -> None:
        """Say it, in whatever way this desktop has."""
        QApplication.alert(self._window)
        title, said = plain_notice(notification.title), plain_notice(notification.words)
        if self.icon is not None and self.icon.isVisible():
            kind = QSystemTrayIcon.MessageIcon.Warning if notification.failed else QSystemTrayIcon.MessageIcon.Information
            self.icon.showMessage(title, said, kind, _SHOWN_MILLISECONDS)
            return
        program = QStandardPaths.findExecutable("notify-send")
        if program:
            urgency = "critical" if notification.failed else "normal"
            words = ["--app-name=Crossply", f"--urgency={urgency}", "--", title, said]
            QProcess.startDetached(program, words)

    def _made(self) -> QSystemTrayIcon:
        icon = QSystemTrayIcon(application_icon(), self)
        menu = QMenu(self._window)
        show = menu.addAction(tr("Show the window"))
        show.triggered.connect(self.opened)
        menu.addSeparator()
        menu.addActions(list(self._others))
        icon.setContextMenu(menu)
        icon.activated.connect(self._activated)
        icon.messageClicked.connect(self.opened)
        return icon

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is not QSystemTrayIcon.ActivationReason.Context:
            self.opened.emit()
