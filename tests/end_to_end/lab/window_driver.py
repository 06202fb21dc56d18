"""A person at the window, as a program: real mouse and key events in the real application with the real engine.

Run on the lab's desk by ``test_window_journey`` (``python -m tests.end_to_end.lab.window_driver FOLDER NAME...``, with
``--size 1280x800`` and ``--dark``); also takes the README's picture of three machines. Prints one JSON document: seconds of
each step since the window was there, the layer map's verdict, the answer. Its exit status is the application's.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSettings, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTabWidget, QTreeWidget, QTreeWidgetItem, QWidget

from engine.open_session import open_session
from engine.session.session import Session
from engine.session.state import ClusterState, RunPhase
from engine.vocabulary.plan import Policy
from engine.vocabulary.remote import RemotePhase
from gui.app import run
from gui.machine_cards.worker_row import WorkerRow
from gui.main_window import MainWindow
from gui.what_to_show.cards.machine_card_content import CardAction

LEFT = Qt.MouseButton.LeftButton
LONGEST_SECONDS = 120.0
STUCK = 3


class Person:
    """Clicks, types, waits, and takes a picture after each step."""

    def __init__(self, window: MainWindow, session: Session, folder: Path) -> None:
        self.window = window
        self.session = session
        self._folder = folder
        self._began = time.monotonic()
        self.seconds: dict[str, float] = {}

    @property
    def state(self) -> ClusterState:
        """What the window can show."""
        return self.session.snapshot()

    def wait(self, what: str, reached: Callable[[], object]) -> None:
        """Note the time and take a picture when it is reached."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while not reached():
            if time.monotonic() > deadline:
                self.picture(f"stuck: {what}")
                raise TimeoutError(what)
            QTest.qWait(20)
        self.seconds[what] = round(time.monotonic() - self._began, 2)
        QTest.qWait(250)  # the window follows ten times a second
        self.picture(what)

    def all_are(self, phase: RemotePhase) -> Callable[[], bool]:
        """Whether every machine is in that phase."""
        return lambda: all(remote.phase is phase for remote in self.state.remotes)

    def picture(self, what: str) -> None:
        """The window, and the dialog over it if there is one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        number = f"{len(self.seconds):02}-{what.replace(' ', '-').replace(':', '')}"
        self.window.grab().save(str(self._folder / f"{number}.png"))
        dialog = self.window.machine_actions.dialog
        if dialog is not None:
            dialog.grab().save(str(self._folder / f"{number}-dialog.png"))

    def click(self, widget: QWidget, place: QPoint | None = None) -> None:
        """Once it is there to be clicked: scrolls to it as a person would."""
        if not widget.isVisible() or not widget.isEnabled():
            raise AssertionError(f"cannot be clicked: {widget.accessibleName() or widget}")
        self._scroll_to(widget)
        QTest.mouseClick(widget, LEFT, Qt.KeyboardModifier.NoModifier, place or QPoint())
        QTest.qWait(50)

    def _scroll_to(self, widget: QWidget) -> None:
        grid = self.window.machines.grid
        if grid.isAncestorOf(widget):
            grid.ensureWidgetVisible(widget)
            QTest.qWait(20)

    def open_tab(self, tabs: QTabWidget, page: QWidget) -> None:
        """By a click on its name."""
        box: QRect = tabs.tabBar().tabRect(tabs.indexOf(page))
        self.click(tabs.tabBar(), box.center())


def add_machines(person: Person, names: list[str]) -> None:
    """Search, check, add."""
    person.click(person.window.machines.add)
    dialog = person.window.machine_actions.dialog
    tree = dialog.findChild(QTreeWidget)

    def row(name: str) -> QTreeWidgetItem | None:
        """Once it can be checked: a machine is listed before it is known whether ssh answers there."""
        items = tree.findItems(name, Qt.MatchFlag.MatchExactly, 0)
        return items[0] if items and items[0].flags() & Qt.ItemFlag.ItemIsUserCheckable else None

    def is_checked(name: str) -> bool:
        item = row(name)
        return item is not None and item.checkState(0) is Qt.CheckState.Checked

    def check_all() -> bool:
        for name in names:
            item = row(name)
            if item is not None and not is_checked(name):
                tree.setCurrentItem(item)
                QTest.keyClick(tree, Qt.Key.Key_Space)
        return dialog.add.isEnabled() and all(is_checked(name) for name in names)

    person.wait("machines found", lambda: all(row(name) is not None for name in names))
    person.wait("machines checked", check_all)
    person.click(dialog.add)
    person.wait("machines added", lambda: len(person.state.remotes) == len(names))


def accept_keys(person: Person) -> None:
    """One question after the other, in the order in which they are put."""
    person.wait("keys asked for", person.all_are(RemotePhase.ASKING))
    for number in range(1, n_asking(person) + 1):
        if person.window.machine_actions.dialog is None:
            person.click(person.window.machines.answer)
        person.picture(f"key {number}")
        before = n_asking(person)
        person.click(person.window.machine_actions.dialog.accept_key)
        person.wait(f"key {number} accepted", lambda before=before: n_asking(person) < before)


def n_asking(person: Person) -> int:
    """Machines that wait for an answer."""
    return sum(remote.phase is RemotePhase.ASKING for remote in person.state.remotes)


def give_them_llama_cpp(person: Person) -> None:
    """One click for all that need it."""
    person.wait("machines looked at", person.all_are(RemotePhase.NO_RUNTIME))
    first = person.state.remotes[0]
    person.click(person.window.machines.card(first.id).buttons[CardAction.COPY_RUNTIME_TO_ALL])
    person.wait("copying", lambda: any(activity.fraction for activity in person.state.activities))
    person.wait("machines ready", person.all_are(RemotePhase.READY))


def leave_this_machine_out(person: Person) -> None:
    """Its own workers are switched off on its card: the layers go to the three."""
    card = person.window.machines.card("this-machine")
    for row in card.findChildren(WorkerRow):
        if row.switch.isVisible():
            person.click(row.switch)

    def is_left_out() -> bool:
        used = getattr(person.state.plan, "used_workers", ())
        return bool(used) and not any(worker.offer.machine_id == "this-machine" for worker in used)

    person.wait("own workers off", is_left_out)


def share_out_evenly(person: Person) -> None:
    """So small a model is fastest on one machine, which is what the plan says at first."""
    chooser = person.window.plan.policy
    chooser.setFocus(Qt.FocusReason.TabFocusReason)
    names = [chooser.itemData(place) for place in range(chooser.count())]
    steps = names.index(Policy.EVEN) - chooser.currentIndex()
    for _ in range(abs(steps)):
        QTest.keyClick(chooser, Qt.Key.Key_Down if steps > 0 else Qt.Key.Key_Up)
    person.wait("shared out evenly", lambda: getattr(person.state.plan, "policy", None) is Policy.EVEN)


def launch(person: Person) -> None:
    """Until it serves and was measured."""
    person.click(person.window.header.primary)
    person.wait("starting", lambda: person.state.processes)
    person.wait("loading", lambda: person.state.run_phase in (RunPhase.LOADING_MODEL, RunPhase.READY))
    person.wait("serving", lambda: person.state.run_phase is RunPhase.READY)


def ask(person: Person) -> None:
    """To the first token and to the end of the answer."""
    try_it = person.window.try_it
    person.open_tab(person.window.tabs, try_it)
    person.wait("can be asked", try_it.send.isEnabled)
    person.click(try_it.prompt)
    QTest.keyClicks(try_it.prompt, "What is the capital of France?")
    person.click(try_it.send)
    person.wait("first token", lambda: (answer := person.state.answer) is not None and answer.text)
    person.wait("answer finished", lambda: person.state.answer.finished)
    person.wait("measured", lambda: person.state.run.benchmark is not None)


def stop(person: Person) -> None:
    """And look at what is left."""
    person.click(person.window.header.primary)
    person.wait("stopped", lambda: person.state.run_phase is RunPhase.STOPPED)


def journey(person: Person, names: list[str]) -> dict[str, object]:
    """All of it."""
    person.wait("model known", lambda: person.state.model is not None and person.state.plan is not None)
    add_machines(person, names)
    accept_keys(person)
    give_them_llama_cpp(person)
    leave_this_machine_out(person)
    share_out_evenly(person)
    launch(person)
    ask(person)
    state = person.state
    used = {worker.offer.machine_name for worker in state.run.plan.used_workers}
    stop(person)
    return {
        "matches": state.run.layer_map.matches,
        "answer": state.answer.text,
        "machines": sorted(used),
        "seconds": person.seconds,
    }


def main() -> int:
    """The application with a person at it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--dark", action="store_true")
    given = parser.parse_args()
    failed: list[BaseException] = []

    def walk(session: Session) -> None:
        window = next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow))
        window.resize(*(int(part) for part in given.size.split("x")))
        try:
            print(json.dumps(journey(Person(window, session, given.folder), given.names)), flush=True)
        except Exception as error:  # noqa: BLE001 - whatever it was, the application must end
            traceback.print_exc()
            failed.append(error)
            session.close()
            QApplication.exit(STUCK)
            return
        window.close()  # as the title bar's button does; without a window manager no shortcut reaches an inactive window

    def open_session_and_come() -> Session:
        session = open_session()
        QTimer.singleShot(0, lambda: walk(session))
        return session

    settings = QSettings("Crossply", "Crossply")  # the application's own, which it reads before it opens its session
    settings.setValue("scheme", "Dark" if given.dark else "Light")
    settings.sync()
    status = run(open_session_and_come, ["crossply"])
    return STUCK if failed else status


if __name__ == "__main__":
    sys.exit(main())
