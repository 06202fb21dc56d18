"""What the window remembers until the next start: where it was, how large, and which tab was in front.

A window that would open where no screen is any more (a monitor was unplugged) is put onto one. The tab is remembered by name:
tabs come and go between versions.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QByteArray, QRect, QSettings
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow, QTabWidget

_FIRST_WIDTH, _FIRST_HEIGHT = 1280, 860
_GRIP = 80
"""Pixels of its top edge that must be on a screen, so that it can be taken hold of."""


def restore_window(window: QMainWindow, tabs: QTabWidget, settings: QSettings) -> None:
    """As it was left, or as large as is good to begin with."""
    geometry = settings.value("geometry")
    if not (isinstance(geometry, QByteArray) and window.restoreGeometry(geometry)):
        window.resize(_FIRST_WIDTH, _FIRST_HEIGHT)
    place = placed(window.geometry(), [screen.availableGeometry() for screen in QGuiApplication.screens()])
    if place != window.geometry() and not window.isMaximized() and not window.isFullScreen():
        window.setGeometry(place)
    name = str(settings.value("tab", ""))
    tabs.setCurrentIndex(next((at for at in range(tabs.count()) if tabs.tabText(at) == name), 0))


def keep_window(window: QMainWindow, tabs: QTabWidget, settings: QSettings) -> None:
    """Write it down."""
    settings.setValue("geometry", window.saveGeometry())
    settings.setValue("tab", tabs.tabText(tabs.currentIndex()))


def placed(window: QRect, screens: Sequence[QRect]) -> QRect:
    """The same place where its top edge can be taken hold of on a screen; else the middle of the first screen, no larger than
    that."""
    top = QRect(window.left(), window.top(), window.width(), _GRIP)
    seen = (screen.intersected(top) for screen in screens)
    if not screens or any(part.width() >= _GRIP and part.height() >= _GRIP // 4 for part in seen):
        return window
    first = screens[0]
    size = window.size().boundedTo(first.size())
    left, top_edge = (first.width() - size.width()) // 2, (first.height() - size.height()) // 2
    return QRect(first.left() + left, first.top() + top_edge, size.width(), size.height())
