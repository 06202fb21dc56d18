"""Starting: the command line without a display, how bugs are shown, and how soon the window is there."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QMessageBox

from gui.__main__ import main
from gui.app import FaultReporter


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_need_no_display(capsys, option: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main([option])
    assert ended.value.code == 0
    assert "crossply" in capsys.readouterr().out


def test_an_unknown_option_is_an_error(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--no-such-option"])
    assert ended.value.code == 2
    assert "--no-such-option" in capsys.readouterr().err


def test_a_bug_of_any_thread_shows_one_dialog_with_its_details(qtbot, caplog) -> None:
    reporter = FaultReporter()

    def fail() -> None:
        try:
            raise RuntimeError("the engine said 7")
        except RuntimeError as error:
            reporter.report(RuntimeError, error, error.__traceback__)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: reporter._dialog is not None)
    fail()
    dialogs = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QMessageBox) and widget.isVisible()]
    assert len(dialogs) == 1
    assert "the engine said 7" in dialogs[0].detailedText()
    next(button for button in dialogs[0].buttons() if button.text() == "Copy details").click()
    assert "the engine said 7" in QGuiApplication.clipboard().text()
    assert "bug:" in caplog.text


def test_pyqtgraph_is_not_imported_before_the_window_is_shown() -> None:
    code = "import sys, gui.main_window; sys.exit('pyqtgraph' in sys.modules)"
    finished = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "QT_QPA_PLATFORM": "offscreen"}, check=False, timeout=60
    )
    assert finished.returncode == 0
