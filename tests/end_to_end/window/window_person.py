"""A person at the window: the real application with the real engine, and mouse and keys that come from the X server.

The person has a thread of its own and acts only through ``xdotool``: what is covered, disabled or out of view cannot be
clicked, and keys go where the keyboard is. Looking at widgets is done on the window's thread.
Rejected: events made in the process (QTest): they reach widgets that no pointer could, and a menu or a file dialog that waits
for its answer would make the person who is to give it wait too.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, QPoint, QPointF, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QComboBox, QScrollArea, QTabWidget, QWidget

from engine.open_session import open_session
from engine.session.session import Session
from engine.session.state import ClusterState, RunPhase
from gui.app import run
from gui.main_window import MainWindow
from gui.what_to_show.settings.preferences import Language

STUCK = 3
LONGEST_SECONDS = 150.0
_LOOK_SECONDS = 0.03
_SETTLE_SECONDS = 0.25
"""The window follows the session ten times a second."""
_HAND_SECONDS = 0.06
"""Until a click or a key has arrived."""
_DRAG_STEPS = 6

_T = TypeVar("_T")


class _Eyes(QObject):
    """Answers on the thread on which it was made, also while a menu or a dialog is open there."""

    _asked = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self._asked.connect(self._answer, Qt.ConnectionType.QueuedConnection)

    def see(self, look: Callable[[], _T]) -> _T:
        answer: Future[_T] = Future()
        self._asked.emit(look, answer)
        return answer.result(LONGEST_SECONDS)

    def _answer(self, look: Callable[[], _T], answer: Future[_T]) -> None:
        try:
            answer.set_result(look())
        except Exception as error:  # noqa: BLE001 - it is raised to whoever asked
            answer.set_exception(error)


class Person:
    """Clicks, drags, types, waits, and takes a picture after each step."""

    def __init__(self, window: MainWindow, session: Session, folder: Path) -> None:
        """On the window's thread."""
        self.window = window
        self.session = session
        self._folder = folder
        self._eyes = _Eyes()
        self._began = time.monotonic()
        self._n_pictures = 0
        self.n_clicks = 0
        self.seconds: dict[str, float] = {}
        """When each step was reached, since the window was there."""
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def state(self) -> ClusterState:
        """What the window can show."""
        return self.session.snapshot()

    # -- looking

    def see(self, look: Callable[[], _T]) -> _T:
        """Ask something of the widgets, on their thread."""
        return self._eyes.see(look)

    def wait(self, what: str, reached: Callable[[], object], seconds: float = LONGEST_SECONDS) -> None:
        """Note the time and take a picture when it is reached. ``reached`` may ask widgets."""
        self.wait_quietly(what, reached, seconds)
        n_times = sum(known.partition(" #")[0] == what for known in self.seconds)
        what = f"{what} #{n_times + 1}" if n_times else what
        self.seconds[what] = round(time.monotonic() - self._began, 2)
        time.sleep(_SETTLE_SECONDS)
        self.picture(what)

    def wait_quietly(self, what: str, reached: Callable[[], object], seconds: float = LONGEST_SECONDS) -> None:
        """The same for what is no step of its own."""
        deadline = time.monotonic() + seconds
        while not self.see(reached):
            if time.monotonic() > deadline:
                self.picture(f"stuck: {what}")
                raise TimeoutError(f"{what} (run: {self.state.run_phase}, problems: {self.state.problems})")
            time.sleep(_LOOK_SECONDS)

    def picture(self, what: str) -> None:
        """The window as the screen shows it, with menus and dialogs over it."""
        self._n_pictures += 1
        name = what.replace(" ", "-").replace(":", "").replace(",", "").replace("#", "")
        self.see(lambda: self._grab(self._folder / f"{self._n_pictures:02}-{name}.png"))

    def portrait(self, file: Path) -> None:
        """The window alone, without pointer, menus and dialogs."""
        self.see(lambda: self.window.grab().save(str(file)))

    def _grab(self, file: Path) -> None:
        box = self.window.geometry()
        self.window.screen().grabWindow(0, box.x(), box.y(), box.width(), box.height()).save(str(file))

    # -- doing

    def click(self, widget: QWidget, place: QPoint | QPointF | None = None) -> None:
        """As soon as it can be clicked, and where a pointer reaches it: scrolls to it as a person would."""
        self.wait_quietly(f"{_name_of(widget)} can be clicked", lambda: widget.isVisible() and widget.isEnabled(), 10)
        point = self.see(lambda: _reach(widget, place))
        _hand("mousemove", *_xy(point), "click", "1")
        self.n_clicks += 1

    def drag(self, widget: QWidget, start: QPointF, end: QPointF, picture: str) -> None:
        """Take, move in steps, take a picture, let go."""
        here, there = self.see(lambda: (_reach(widget, start), _reach(widget, end)))
        _hand("mousemove", *_xy(here), "mousedown", "1")
        for step in range(1, _DRAG_STEPS + 1):
            _hand("mousemove", *_xy(here + (there - here) * (step / _DRAG_STEPS)))
        time.sleep(_SETTLE_SECONDS)
        self.picture(picture)
        _hand("mouseup", "1")

    def press(self, keys: str) -> None:
        """One stroke as ``xdotool`` calls it: ``ctrl+shift+z``. It goes where the keyboard is."""
        self.wait_quietly("a window has the keyboard", lambda: QApplication.activeWindow() or QApplication.focusWindow(), 10)
        _hand("key", keys)

    def type(self, text: str) -> None:
        """Key by key, where the keyboard is."""
        _hand("type", "--delay", "6", "--", text)

    def open_tab(self, tabs: QTabWidget, page: QWidget) -> None:
        """By a click on its name."""
        self.click(tabs.tabBar(), self.see(lambda: tabs.tabBar().tabRect(tabs.indexOf(page)).center()))

    def choose(self, chooser: QComboBox, key: str) -> None:
        """By two clicks: on the chooser and on the entry."""
        self.click(chooser)
        view = chooser.view()
        self.wait_quietly("entries", view.isVisible, 10)
        entry = self.see(lambda: view.visualRect(chooser.model().index(chooser.findData(key), 0)).center())
        self.click(view.viewport(), entry)

    def choose_in_menu(self, name: str, words: str) -> None:
        """By two clicks: on a name of the menu bar and on the entry."""
        bar = self.window.menuBar()
        title = self.see(lambda: _entry(bar.actions(), name))
        self.click(bar, self.see(lambda: bar.actionGeometry(title).center()))
        menu = self.see(title.menu)
        self.wait_quietly("menu", menu.isVisible, 10)
        self.picture(f"menu {name}")
        self.click(menu, self.see(lambda: menu.actionGeometry(_entry(menu.actions(), words)).center()))

    # -- what every journey does

    def launch(self, what: str = "serving") -> None:
        """Until it serves."""
        self.click(self.window.header.primary)
        self.wait(f"{what}: loading", lambda: self.state.run_phase in (RunPhase.LOADING_MODEL, RunPhase.READY))
        self.wait(what, lambda: self.state.run_phase is RunPhase.READY)

    def ask(self, question: str, *, first_words_do: bool = False) -> str:
        """To the first token and to the end of the answer, and until the run was measured. Returns the answer.
        ``first_words_do``: stops it as soon as it has begun."""
        try_it = self.window.try_it
        if self.see(lambda: self.window.tabs.currentWidget() is not try_it):
            self.open_tab(self.window.tabs, try_it)
        else:
            self.click(try_it.prompt)
            self.press("ctrl+a")
        before = self.state.answer
        self.type(question)
        self.wait("can be asked", try_it.send.isEnabled)
        self.click(try_it.send)
        self.wait("first token", lambda: (now := self.state.answer) is not before and now is not None and now.text.strip())
        if first_words_do and self.see(try_it.send.text) == "Stop":
            self.click(try_it.send)
        self.wait("answer finished", lambda: self.state.answer is not None and self.state.answer.finished)
        self.wait("measured", lambda: self.state.run is not None and self.state.run.benchmark is not None)
        return self.see(try_it.answer.toPlainText)

    def stop(self) -> None:
        """By the button."""
        self.click(self.window.header.primary)
        self.wait("stopped", lambda: self.state.run_phase is RunPhase.STOPPED)


def _hand(*arguments: str) -> None:
    subprocess.run(["xdotool", *arguments], check=True, capture_output=True, timeout=30)
    time.sleep(_HAND_SECONDS)


def _xy(point: QPoint) -> tuple[str, str]:
    return str(point.x()), str(point.y())


def _entry(actions: Sequence[QAction], words: str) -> QAction:
    return next(action for action in actions if action.text().replace("&", "") == words)


def _name_of(widget: QWidget) -> str:
    return widget.accessibleName() or type(widget).__name__


def _reach(widget: QWidget, place: QPoint | QPointF | None) -> QPoint:
    """Where on the screen it is. Fails when something else is there."""
    above = widget.parentWidget()
    while above is not None and not widget.isWindow():
        if isinstance(above, QScrollArea):
            above.ensureWidgetVisible(widget)
        above = above.parentWidget()
    local = widget.rect().center() if place is None else place.toPoint() if isinstance(place, QPointF) else place
    point = widget.mapToGlobal(local)
    found = QApplication.widgetAt(point)
    if found is None or not (found is widget or widget.isAncestorOf(found)):
        raise AssertionError(f"{_name_of(widget)} cannot be reached at {point}: {found} is there")
    return point


def visit(
    journey: Callable[[Person], dict[str, object]],
    leave: Callable[[Person], None],
    folder: Path,
    *,
    size: str = "1280x800",
    dark: bool = False,
) -> int:
    """The application with a person at it. What ``journey`` returns is printed as JSON; then ``leave`` closes the window.
    Returns the application's exit status, ``STUCK`` when the person could not go on."""
    failed: list[BaseException] = []

    def walk(person: Person) -> None:
        try:
            person.wait("window", person.window.isActiveWindow)
            print(json.dumps(journey(person)), flush=True)
            leave(person)
        except Exception as error:  # noqa: BLE001 - whatever it was, the application must end
            traceback.print_exc()
            failed.append(error)
            person.see(lambda: (person.session.close(), QApplication.exit(STUCK)))

    def come(session: Session) -> None:
        window = next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow))
        window.resize(*(int(part) for part in size.split("x")))
        threading.Thread(target=walk, args=(Person(window, session, folder),), daemon=True).start()

    def open_session_and_come() -> Session:
        session = open_session()
        QTimer.singleShot(0, lambda: come(session))
        return session

    careless = os.umask(0o077)  # what the test itself writes is no finding
    settings = QSettings("Crossply", "Crossply")  # the application's own, which it reads before it opens its session
    settings.setValue("scheme", "Dark" if dark else "Light")
    settings.setValue("language", Language.ENGLISH.value)
    settings.sync()
    os.umask(careless)
    status = run(open_session_and_come, ["crossply"])
    return STUCK if failed else status


def close_the_window(person: Person) -> None:
    """As the title bar's button does."""
    person.press("alt+F4")
