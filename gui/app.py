"""The application object around the window: theme, icon, what happens to bugs and to signals.

A bug in a slot is only printed by PySide6 and the application goes on, so the excepthooks are not optional: they log it and
show one dialog. SIGINT and SIGTERM close the session like the window does; Qt never calls closeEvent for them.
"""

from __future__ import annotations

import gc
import logging
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType, TracebackType

from PySide6.QtCore import QObject, QSettings, QTimer, Signal
from PySide6.QtWidgets import QApplication, QMessageBox

from engine.errors import EngineError
from engine.session.session import Session
from gui.assets import application_icon, icon_file
from gui.dialogs.sheets.not_opened import not_opened_dialog
from gui.dialogs.sheets.show_fault import fault_dialog
from gui.main_window import MainWindow
from gui.session_bridge import SessionBridge
from gui.theme import Appearance
from gui.window.language import speak
from gui.window.preference_store import read_preferences

logger = logging.getLogger(__name__)

DESKTOP_ID = "org.crossply.Crossply"
_SETTLED_MILLISECONDS = 3000
"""By then the window is up and everything is imported, the charts too."""


class FaultReporter(QObject):
    """Carries a bug from any thread to the GUI thread and shows the first one; the rest are in the log."""

    happened = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._dialog: QMessageBox | None = None
        self.happened.connect(self._show)

    def report(self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        """``sys.excepthook``'s shape."""
        if issubclass(kind, KeyboardInterrupt):
            return
        words = "".join(traceback.format_exception(kind, error, trace))
        logger.error("bug:\n%s", words)
        self.happened.emit(words)

    def report_thread(self, arguments: threading.ExceptHookArgs) -> None:
        """``threading.excepthook``'s shape."""
        self.report(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)

    def _show(self, details: str) -> None:
        if self._dialog is not None:
            return
        self._dialog = fault_dialog(details)
        self._dialog.finished.connect(self._forget)
        self._dialog.open()

    def _forget(self) -> None:
        self._dialog = None


def make_application(arguments: list[str]) -> QApplication:
    """The application object with its names and icon."""
    application = QApplication(arguments)
    application.setApplicationName("Crossply")
    application.setOrganizationName("Crossply")
    application.setDesktopFileName(DESKTOP_ID)
    application.setWindowIcon(application_icon())
    application.setQuitOnLastWindowClosed(False)
    return application


def make_appearance(application: QApplication, settings: QSettings) -> Appearance:
    """The theme that was chosen last."""
    appearance = Appearance(application, arrow_file=icon_file("arrow-down-mid").as_posix())
    preferences = read_preferences(settings)
    appearance.show(preferences.scheme, preferences.text_scale)
    return appearance


def run(open_session: Callable[[], Session], arguments: list[str], to_open: str | None = None) -> int:
    """Show the window on a session and run until both are gone. ``to_open``: a model or a cluster file. Returns the exit
    status. Raises the ``EngineError`` of a session that cannot be opened, after it was shown."""
    application = make_application(arguments)
    reporter = FaultReporter(application)
    sys.excepthook = reporter.report
    threading.excepthook = reporter.report_thread
    settings = QSettings()
    speak(application, read_preferences(settings).language)
    appearance = make_appearance(application, settings)
    try:
        session = open_session()
    except EngineError as error:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own handler would wait until the dialog is closed
        not_opened_dialog(error).exec()
        raise
    bridge = SessionBridge(session, application)
    window = MainWindow(bridge, appearance, settings)
    window.ended.connect(application.quit)
    _close_on_signals(window)
    if to_open is not None:
        window.files.open_at_start(to_open)
    bridge.start()
    window.show()
    QTimer.singleShot(_SETTLED_MILLISECONDS, application, spare_the_collector)
    status = application.exec()
    session.join()
    return status


def spare_the_collector() -> None:
    """What is there by now stays until the end, so Python's garbage collector need not look at it again and again: one full
    round of it held up everything for 40 to 80 ms (measured, 200 machines)."""
    gc.freeze()


def _close_on_signals(window: MainWindow) -> None:
    """Python runs signal handlers between two steps of its own; the bridge's timer makes such steps ten times a second."""

    def close(_number: int, _frame: FrameType | None) -> None:
        window.begin_closing()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, close)
