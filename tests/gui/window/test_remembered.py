"""The window is where it was, and where it can be seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QRect, QSettings
from PySide6.QtWidgets import QMainWindow, QTabWidget, QWidget

from gui.window.remembered import keep_window, placed, restore_window

SCREEN = QRect(0, 0, 1440, 900)
SECOND = QRect(1440, 0, 1920, 1080)


@pytest.mark.parametrize("window", [QRect(100, 50, 1280, 860), QRect(1300, 850, 900, 700), QRect(-1150, 10, 1280, 860)])
def test_what_can_be_taken_hold_of_stays(window: QRect) -> None:
    assert placed(window, [SCREEN]) == window


@pytest.mark.parametrize(
    "window",
    [QRect(1600, 100, 1280, 860), QRect(100, -2000, 1280, 860), QRect(-1250, 10, 1280, 860), QRect(50, 890, 800, 600)],
)
def test_what_cannot_comes_to_the_first_screen(window: QRect) -> None:
    assert SCREEN.contains(placed(window, [SCREEN]))


def test_on_the_second_screen_it_stays_until_that_is_gone() -> None:
    window = QRect(1600, 100, 1280, 860)
    assert placed(window, [SCREEN, SECOND]) == window
    assert SCREEN.contains(placed(QRect(1600, 100, 1900, 1000), [SCREEN]))


def test_size_and_tab_come_back(qtbot, tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    windows = []
    for _ in range(2):
        window, tabs = QMainWindow(), QTabWidget()
        for name in ("Throughput", "Logs", "History"):
            tabs.addTab(QWidget(), name)
        window.setCentralWidget(tabs)
        qtbot.addWidget(window)
        windows.append((window, tabs))
    (first, first_tabs), (second, second_tabs) = windows
    restore_window(first, first_tabs, settings)
    assert first_tabs.currentIndex() == 0
    first.resize(700, 500)
    first_tabs.setCurrentIndex(2)
    keep_window(first, first_tabs, settings)
    second_tabs.removeTab(0)
    restore_window(second, second_tabs, settings)
    assert (second.width(), second.height()) == (700, 500)
    assert second_tabs.tabText(second_tabs.currentIndex()) == "History"
    settings.setValue("tab", "Gone")
    restore_window(second, second_tabs, settings)
    assert second_tabs.currentIndex() == 0
