"""A person at the window, as a program: real mouse and key events on the real window with the real engine.

Run on the lab's desk by ``test_window_journey``; arguments: folder for the pictures, host names. Prints one JSON document:
seconds of each step since the window was there, the layer map's verdict, the answer.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTreeWidget, QTreeWidgetItem

from engine.open_session import open_session
from engine.session.session import Session
from engine.session.state import RunPhase
from engine.vocabulary.remote import RemotePhase
from gui.app import make_appearance, make_application
from gui.machine_cards.worker_row import WorkerRow
from gui.main_window import MainWindow
from gui.session_bridge import SessionBridge
from gui.what_to_show.cards.machine_card_content import CardAction

LEFT = Qt.MouseButton.LeftButton
LONGEST_SECONDS = 120.0


class Person:
    """Clicks, types, waits, and takes a picture after each step."""

    def __init__(self, window: MainWindow, session: Session, folder: Path) -> None:
        self.window = window
        self.session = session
        self._folder = folder
        self._began = time.monotonic()
        self.seconds: dict[str, float] = {}

    def wait(self, what: str, reached: Callable[[], object]) -> None:
        deadline = time.monotonic() + LONGEST_SECONDS
        while not reached():
            if time.monotonic() > deadline:
                self.picture(f"stuck: {what}")
                raise TimeoutError(what)
            QTest.qWait(20)
        self.seconds[what] = round(time.monotonic() - self._began, 2)
        QTest.qWait(250)
        self.picture(what)

    def picture(self, what: str) -> None:
        top = QApplication.activeWindow() or self.window
        self._folder.mkdir(parents=True, exist_ok=True)
        number = f"{len(self.seconds):02}-{what.replace(' ', '-').replace(':', '')}"
        self.window.grab().save(str(self._folder / f"{number}.png"))
        if top is not self.window:
            top.grab().save(str(self._folder / f"{number}-dialog.png"))

    def click(self, widget: object) -> None:
        QTest.mouseClick(widget, LEFT)
        QTest.qWait(50)


def add_three(person: Person, names: list[str]) -> None:
    """Search, check, add, accept each key."""
    person.click(person.window.machines.add)
    dialog = person.window.machine_actions.dialog
    tree = dialog.findChild(QTreeWidget)

    def row(name: str) -> QTreeWidgetItem | None:
        """Once it can be checked: a machine is listed before it is known whether ssh answers there."""
        items = tree.findItems(name, Qt.MatchFlag.MatchExactly, 0)
        return items[0] if items and items[0].flags() & Qt.ItemFlag.ItemIsUserCheckable else None

    def check_all() -> bool:
        for name in names:
            item = row(name)
            if item is not None and item.checkState(0) is not Qt.CheckState.Checked:
                tree.setCurrentItem(item)
                QTest.keyClick(tree, Qt.Key.Key_Space)
        return dialog.add.isEnabled() and all(
            (item := row(name)) is not None and item.checkState(0) is Qt.CheckState.Checked for name in names
        )

    person.wait("machines found", lambda: all(row(name) is not None for name in names))
    person.wait("machines checked", check_all)
    person.click(dialog.add)
    person.wait("machines added", lambda: len(person.session.snapshot().remotes) == len(names))
    person.wait("keys asked for", lambda: all(r.phase is RemotePhase.ASKING for r in person.session.snapshot().remotes))
    while asking := n_asking(person):
        if person.window.machine_actions.dialog is None:
            person.click(person.window.machines.answer)
        person.click(person.window.machine_actions.dialog.accept_key)
        person.wait(f"key {len(names) - asking + 1} accepted", lambda asking=asking: n_asking(person) < asking)


def n_asking(person: Person) -> int:
    """Machines that wait for an answer."""
    return sum(remote.phase is RemotePhase.ASKING for remote in person.session.snapshot().remotes)


def give_them_llama_cpp(person: Person) -> None:
    """One click for all that need it."""
    person.wait(
        "machines looked at", lambda: all(r.phase is RemotePhase.NO_RUNTIME for r in person.session.snapshot().remotes)
    )
    first = person.session.snapshot().remotes[0]
    person.click(person.window.machines.card(first.id).buttons[CardAction.COPY_RUNTIME_TO_ALL])
    person.wait("copying", lambda: any(r.phase is RemotePhase.COPYING for r in person.session.snapshot().remotes))
    person.wait("machines ready", lambda: all(r.phase is RemotePhase.READY for r in person.session.snapshot().remotes))


def leave_this_machine_out(person: Person) -> None:
    """Its own workers are switched off on its card: the layers go to the three."""
    card = person.window.machines.card("this-machine")
    for row in card.findChildren(WorkerRow):
        if row.switch.isVisible():
            person.click(row.switch)
    person.wait(
        "own workers off",
        lambda: (
            not any(w.offer.machine_id == "this-machine" for w in getattr(person.session.snapshot().plan, "used_workers", ()))
        ),
    )


def launch_and_ask(person: Person) -> None:
    """Launch, ask, first token, stop."""
    person.click(person.window.header.primary)
    person.wait("loading", lambda: person.session.snapshot().run_phase in (RunPhase.LOADING_MODEL, RunPhase.READY))
    person.wait("serving", lambda: person.session.snapshot().run_phase is RunPhase.READY)
    person.window.tabs.setCurrentWidget(person.window.try_it)
    person.wait("measured", lambda: person.session.snapshot().run.benchmark is not None)
    QTest.keyClicks(person.window.try_it.prompt, "What is the capital of France?")
    person.click(person.window.try_it.send)
    person.wait("first token", lambda: (answer := person.session.snapshot().answer) is not None and answer.text)
    person.wait("answer finished", lambda: person.session.snapshot().answer.finished)


def main() -> None:
    """The journey."""
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    application = make_application(["crossply"])
    settings = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
    session = open_session()
    bridge = SessionBridge(session, application)
    window = MainWindow(bridge, make_appearance(application, settings), settings)
    window.resize(1280, 800)
    bridge.start()
    window.show()
    person = Person(window, session, folder)
    person.wait("model known", lambda: session.snapshot().model is not None and session.snapshot().plan is not None)
    add_three(person, names)
    give_them_llama_cpp(person)
    leave_this_machine_out(person)
    launch_and_ask(person)
    state = session.snapshot()
    answer = {"matches": state.run.layer_map.matches, "answer": state.answer.text, "seconds": person.seconds}
    answer["machines"] = sorted({worker.offer.machine_name for worker in state.run.plan.used_workers})
    person.click(person.window.header.primary)
    person.wait("stopped", lambda: session.snapshot().run_phase is RunPhase.STOPPED)
    session.close()
    session.join()
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
