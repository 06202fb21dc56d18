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
from gui.app import FaultReporter, spare_the_collector


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


@pytest.mark.parametrize(
    ("name", "said"), [("notes.txt", "neither a GGUF model nor a cluster file"), ("gone.gguf", "no file")]
)
def test_a_file_that_cannot_be_opened_is_one_sentence(tmp_path, capsys, name: str, said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / name)])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_file_on_the_command_line_is_opened(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    opened = []
    monkeypatch.setattr("gui.app.run", lambda _open_session, _arguments, to_open: opened.append(to_open) or 0)
    for name in ("m.GGUF", "lab.crossply.toml"):
        (tmp_path / name).touch()
        assert main([name]) == 0
    assert main([]) == 0
    assert opened == [str(tmp_path / "m.GGUF"), str(tmp_path / "lab.crossply.toml"), None]


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


def test_why_it_cannot_start_is_shown_in_a_window() -> None:
    """Started from an icon, nobody reads what is printed."""
    code = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from engine.errors import BadInput
import gui.__main__, engine.open_session

def refuse():
    def look():
        dialog = QApplication.activeModalWidget()
        print(dialog.text(), dialog.informativeText(), dialog.detailedText(), sep="|")
        dialog.reject()
    QTimer.singleShot(0, look)
    raise BadInput("The policy is <b>wrong</b>.", advice="Ask the administrator.", details="line 3")

engine.open_session.open_session = refuse
sys.exit(gui.__main__.main([]))
"""
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.stdout.strip() == "The policy is <b>wrong</b>.|Ask the administrator.|line 3"
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == "crossply: The policy is <b>wrong</b>. Ask the administrator."


def test_pyqtgraph_is_not_imported_before_the_window_is_shown() -> None:
    code = "import sys, gui.main_window; sys.exit('pyqtgraph' in sys.modules)"
    finished = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "QT_QPA_PLATFORM": "offscreen"}, check=False, timeout=60
    )
    assert finished.returncode == 0


def test_what_is_there_at_the_start_is_no_work_for_the_collector(monkeypatch) -> None:
    frozen = []
    monkeypatch.setattr("gui.app.gc.freeze", lambda: frozen.append(True))
    spare_the_collector()
    assert frozen == [True]
