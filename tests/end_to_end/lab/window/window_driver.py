"""Three machines at the window, by clicks: find, add, compare keys, copy llama.cpp, plan, launch, ask, stop.

Run on the lab's desk by ``test_window_journey`` (``python -m tests.end_to_end.lab.window.window_driver FOLDER NAME...``, with
``--size 1280x800`` and ``--dark``); also takes the README's picture of three machines (``--portrait FILE``). Prints one JSON
document: seconds of each step since the window was there, the layer map's verdict, the answer. Its exit status is the
application's.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QDialog, QTreeWidget, QTreeWidgetItem

from engine.session.state import ClusterState
from engine.vocabulary.plan import Policy
from engine.vocabulary.remote import RemotePhase
from gui.machine_cards.worker_row import WorkerRow
from gui.what_to_show.cards.machine_card_content import CardAction
from tests.end_to_end.window.window_person import Person, close_the_window, visit

_CHECK_BOX_PIXELS = 10


def all_are(person: Person, phase: RemotePhase) -> Callable[[], bool]:
    """Whether every machine is in that phase."""
    return lambda: all(remote.phase is phase for remote in person.state.remotes)


def dialog_of(person: Person) -> QDialog | None:
    """The one about machines that is open."""
    return person.window.machine_actions.dialog


def add_machines(person: Person, names: list[str]) -> None:
    """Search, check, add."""
    person.click(person.window.machines.add)
    person.wait_quietly("dialog", lambda: dialog_of(person) is not None)
    dialog = dialog_of(person)
    tree = person.see(lambda: dialog.findChild(QTreeWidget))

    def row(name: str) -> QTreeWidgetItem | None:
        """Once it can be checked: a machine is listed before it is known whether ssh answers there."""
        items = tree.findItems(name, Qt.MatchFlag.MatchExactly, 0)
        return items[0] if items and items[0].flags() & Qt.ItemFlag.ItemIsUserCheckable else None

    def is_checked(name: str) -> bool:
        item = row(name)
        return item is not None and item.checkState(0) is Qt.CheckState.Checked

    def check_box(name: str) -> QPoint:
        """At the left end of its row."""
        box = tree.visualItemRect(row(name))
        return QPoint(box.left() + _CHECK_BOX_PIXELS, box.center().y())

    def are_found() -> bool:
        """And no more are to come, which would move the rows."""
        return all(row(name) is not None for name in names) and not person.state.finding.running

    person.wait("machines found", are_found)
    for name in names:
        person.click(tree.viewport(), person.see(lambda name=name: check_box(name)))
        person.wait_quietly(f"{name} is checked", lambda name=name: is_checked(name))
    person.wait("machines checked", dialog.add.isEnabled)
    person.click(dialog.add)
    person.wait("machines added", lambda: len(person.state.remotes) == len(names))


def accept_keys(person: Person) -> None:
    """One question after the other, in the order in which they are put."""
    person.wait("keys asked for", all_are(person, RemotePhase.ASKING))
    for number in range(1, n_asking(person.state) + 1):
        if person.see(lambda: dialog_of(person) is None):
            person.click(person.window.machines.answer)
        person.picture(f"key {number}")
        before = n_asking(person.state)
        person.click(person.see(lambda: dialog_of(person).accept_key))
        person.wait(f"key {number} accepted", lambda before=before: n_asking(person.state) < before)


def n_asking(state: ClusterState) -> int:
    """Machines that wait for an answer."""
    return sum(remote.phase is RemotePhase.ASKING for remote in state.remotes)


def give_them_llama_cpp(person: Person) -> None:
    """One click for all that need it."""
    person.wait("machines looked at", all_are(person, RemotePhase.NO_RUNTIME))
    first = person.state.remotes[0]
    person.click(person.see(lambda: person.window.machines.card(first.id).buttons[CardAction.COPY_RUNTIME_TO_ALL]))
    person.wait("copying", lambda: any(activity.fraction for activity in person.state.activities))
    person.wait("machines ready", all_are(person, RemotePhase.READY))


def leave_this_machine_out(person: Person) -> None:
    """Its own workers are switched off on its card: the layers go to the three."""
    rows = person.see(lambda: person.window.machines.card("this-machine").findChildren(WorkerRow))
    for row in rows:
        if person.see(row.switch.isVisible):
            person.click(row.switch)

    def is_left_out() -> bool:
        used = getattr(person.state.plan, "used_workers", ())
        return bool(used) and not any(worker.offer.machine_id == "this-machine" for worker in used)

    person.wait("own workers off", is_left_out)


def share_out_evenly(person: Person) -> None:
    """So small a model is fastest on one machine, which is what the plan says at first."""
    person.choose(person.window.plan.policy, Policy.EVEN.value)
    person.wait("shared out evenly", lambda: getattr(person.state.plan, "policy", None) is Policy.EVEN)


def journey(person: Person, names: list[str], portrait: Path | None = None) -> dict[str, object]:
    """All of it."""
    person.wait("model known", lambda: person.state.model is not None and person.state.plan is not None)
    add_machines(person, names)
    accept_keys(person)
    give_them_llama_cpp(person)
    leave_this_machine_out(person)
    share_out_evenly(person)
    person.launch()
    answer = person.ask("The capital of France is", first_words_do=True)
    state = person.state
    if portrait is not None:
        person.open_tab(person.window.tabs, person.window.tabs.topology)
        person.portrait(portrait)
    used = {worker.offer.machine_name for worker in state.run.plan.used_workers}
    person.stop()
    return {
        "matches": state.run.layer_map.matches,
        "answer": answer,
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
    parser.add_argument("--portrait", type=Path, help="where to put a picture of the window with all three at work")
    given = parser.parse_args()

    def walk(person: Person) -> dict[str, object]:
        return journey(person, given.names, given.portrait)

    return visit(walk, close_the_window, given.folder, size=given.size, dark=given.dark)


if __name__ == "__main__":
    sys.exit(main())
