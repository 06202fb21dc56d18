"""Widget tests run without a display, and each with settings of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QSettings
from PySide6.QtWidgets import QApplication

from engine.session.state import ClusterState
from gui.assets import icon_file
from gui.main_window import MainWindow
from gui.session_bridge import SessionBridge
from gui.texts.language import ENGLISH
from gui.texts.translation import take_up
from gui.theme import Appearance, Scheme
from gui.window.language import words_of
from tests.fakes.sessions.fake_session import FakeSession

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The offscreen plugin warns at every window of what it cannot do, and has no tray; nothing is wrong."""
    for item in items:
        item.add_marker(pytest.mark.qt_log_ignore("does not support", "systemTrayWindowChanged"))


@pytest.fixture(autouse=True)
def windows_of_earlier_tests_go(qapp: QApplication) -> None:
    """Qt deletes later only where an event loop is entered, which no test does: a hundred windows would be restyled with
    every new one."""
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(scope="session")
def the_appearance(qapp: QApplication) -> Appearance:
    """One for all tests, as there is one in the application: a second ``setStyle`` beside windows with charts that are not
    yet deleted ends in a segmentation fault of Qt's at the next stylesheet."""
    return Appearance(qapp, arrow_file=icon_file("arrow-down-mid").as_posix())


@pytest.fixture
def appearance(the_appearance: Appearance) -> Appearance:
    """The light theme at 100%."""
    if (the_appearance.scheme, the_appearance.text_scale) != (Scheme.LIGHT, 1.0):
        the_appearance.show(Scheme.LIGHT)
    return the_appearance


@pytest.fixture
def open_window(qtbot, appearance: Appearance, tmp_path: Path) -> Iterator[Callable[[ClusterState], MainWindow]]:
    """Open a window on a fake session; the session is ``window.session``."""
    opened: list[MainWindow] = []

    def open_it(state: ClusterState) -> MainWindow:
        session = FakeSession(state)
        bridge = SessionBridge(session)
        settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
        window = MainWindow(bridge, appearance, settings)
        window.session = session
        window.bridge = bridge
        qtbot.addWidget(window, before_close_func=lambda window: window._end())
        opened.append(window)
        bridge.start()
        window.resize(1280, 860)
        window.show()
        return window

    yield open_it
    for window in opened:
        window.bridge.off()


@pytest.fixture
def in_german() -> Iterator[None]:
    """The window speaks German."""
    take_up(words_of("de"))
    yield
    take_up(ENGLISH)
