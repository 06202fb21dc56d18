"""One machine at the window: first run, split, drag, launch, ask, a worker killed, measure, save, close.

Run by ``test_one_machine`` (``python -m tests.end_to_end.window.one_machine_driver FOLDER``, with ``--size 1280x800`` and
``--dark``). Prints one JSON document. Its exit status is the application's.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QFileDialog

from engine.session.plan_runs.in_background import MEASURE_PLANS
from engine.session.state import Choices, ClusterState, RunPhase
from engine.vocabulary.plan import Plan, Policy
from gui.what_to_show.plan_table_content import ROWS
from tests.end_to_end.window.window_person import Person, visit

MEASURE_SECONDS = 240.0
"""80 on a machine that does nothing else."""
BEGINNING = "The capital of France is"


def split_of(state: ClusterState) -> list[int]:
    """Layers per worker of the plan on the table."""
    workers = state.plan.used_workers if isinstance(state.plan, Plan) else ()
    return [worker.n_layers for worker in workers]


def first_run(person: Person) -> dict[str, object]:
    """Launch, the tab, Ask: from nothing chosen to a token. One more click, and it writes no more."""
    person.wait("small model chosen by itself", lambda: isinstance(person.state.plan, Plan))
    person.launch("first run serving")
    answer = person.ask("Once upon a time", first_words_do=True)
    clicks = person.n_clicks - 1
    stopped = person.state.answer.stopped
    person.stop()
    return {"clicks": clicks, "first answer": answer, "stopped in the middle": stopped}


def split_the_cpu(person: Person) -> None:
    """In the menu; evenly, as a small model is fastest on one worker."""
    person.choose_in_menu("Machines", "Split this CPU into two workers")
    person.wait("two workers", lambda: len(person.state.offers) == 2)
    person.choose(person.window.plan.policy, Policy.EVEN.value)
    person.wait("shared out evenly", lambda: split_of(person.state) == [9, 9])


def drag_a_boundary(person: Person, layer: int) -> None:
    """The only one there is, with the mouse."""
    chart = person.window.layer_map.chart
    start = person.see(lambda: chart._handle_box(0).center())
    end = person.see(lambda: QPointF(chart._left() + layer * chart._step(), start.y()))
    person.drag(chart, start, end, "boundary under the mouse")
    person.wait("boundary moved", lambda: split_of(person.state) == [layer, 18 - layer] and not chart._hand.holds)


def back_and_forth(person: Person, dragged: list[int]) -> dict[str, object]:
    """Undo, redo, best, undo: with the mouse and with keys. Returns what the panel called the dragged split."""
    _best, undo, _redo = person.window.plan.edits.buttons
    chooser = person.window.plan.policy
    called = person.see(lambda: chooser.currentText() or chooser.placeholderText())
    person.click(undo)
    person.wait("undone", lambda: split_of(person.state) == [9, 9])
    person.press("ctrl+shift+z")
    person.wait("redone", lambda: split_of(person.state) == dragged)
    person.click(person.window.plan.edits.buttons[0])
    person.wait("back to best", lambda: is_best(person.state.choices) and isinstance(person.state.plan, Plan))
    person.press("ctrl+z")
    person.wait("best undone", lambda: split_of(person.state) == dragged)
    return {"called": called}


def is_best(choices: Choices) -> bool:
    """Nothing by hand."""
    return choices.given is None and choices.policy is Policy.FASTEST


def run_it(person: Person) -> dict[str, object]:
    """The dragged split, and a text for it to go on with: the model is no chat model, and the window knows."""
    person.launch()
    answer = person.ask(BEGINNING)
    run = person.state.run
    held = [place.actual for place in run.layer_map.places[:-1]]
    return {
        "answer": answer,
        "as a chat": person.see(person.window.try_it.chat.isChecked),
        "matches": run.layer_map.matches,
        "actual split": [held.count(worker.id) for worker in run.plan.used_workers],
    }


def kill_a_worker(person: Person) -> dict[str, object]:
    """From outside, while it serves: it is back by itself, and the strip says so."""
    victim = next(process for process in person.state.processes if process.worker_ids)
    person.open_tab(person.window.tabs, person.window.tabs.throughput)
    strip = person.window.notices.recovery
    os.kill(victim.pid, signal.SIGKILL)
    person.wait("worker lost", lambda: person.state.recovery.goes_on)
    person.wait(
        "back again", lambda: person.state.run_phase is RunPhase.READY and strip.isVisible() and strip.dismiss.isVisible()
    )
    said = person.see(lambda: [strip.title.text(), strip.words.text()])
    problems = [problem.happened for problem in person.state.problems]
    person.click(strip.dismiss)
    person.wait("dismissed", lambda: not strip.isVisible())
    person.stop()
    return {"victim": victim.title, "endpoint": victim.endpoint, "said": said, "problems": problems}


def measure(person: Person) -> dict[str, object]:
    """The best plans for real, from the plan panel."""
    before = len(person.state.history)
    person.click(person.window.plan.try_plans)
    person.wait("measuring", lambda: is_measuring(person.state) and person.state.run_phase is RunPhase.READY)
    person.wait("plans measured", lambda: not is_measuring(person.state), MEASURE_SECONDS)
    person.wait("stopped again", lambda: not person.state.run_wanted and person.state.run_phase is RunPhase.STOPPED)
    person.open_tab(person.window.tabs, person.window.history)
    person.wait("history", lambda: len(person.window.history.rows) > before)
    columns = person.see(lambda: [column.content for column in person.window.plan.table.columns])
    rows = person.see(lambda: person.window.history.rows)
    return {
        "columns": {f"{column.title}, {column.subtitle}": dict(zip(ROWS, column.cells, strict=True)) for column in columns},
        "chosen": next((column.title for column in columns if column.chosen), None),
        "runs": [row.cells for row in rows],
        "split afterwards": split_of(person.state),
    }


def is_measuring(state: ClusterState) -> bool:
    """Whether the best plans are being run."""
    return any(activity.id == MEASURE_PLANS for activity in state.activities)


def save(person: Person, file: Path) -> None:
    """By key, and the system's dialog."""
    person.press("ctrl+s")
    person.wait("where to save", lambda: any(isinstance(w, QFileDialog) for w in top_level(person)))
    person.press("ctrl+a")
    person.type(str(file))
    person.press("Return")
    person.wait("saved", lambda: person.state.document.path == str(file))


def top_level(person: Person) -> list[object]:
    """The file dialog is a child of the window, as dialogs are."""
    return [child for child in person.window.findChildren(QFileDialog) if child.isVisible()]


def leave(person: Person) -> None:
    """Close while it serves: no at first, then yes."""
    person.press("alt+F4")
    person.wait("asked before it closes", lambda: person.window.closing.dialog is not None)
    person.press("Escape")
    person.wait("goes on", lambda: person.window.closing.dialog is None and person.state.run_phase is RunPhase.READY)
    person.press("alt+F4")
    person.wait("asked again", lambda: person.window.closing.dialog is not None)
    person.click(person.see(lambda: button_of(person, "Stop everything and quit")))


def button_of(person: Person, words: str) -> object:
    """Of the question that is open."""
    return next(button for button in person.window.closing.dialog.buttons() if button.text() == words)


def journey(person: Person, file: Path) -> dict[str, object]:
    """All of it but the end."""
    told = first_run(person)
    split_the_cpu(person)
    drag_a_boundary(person, 6)
    told |= back_and_forth(person, [6, 12])
    told |= run_it(person)
    told |= kill_a_worker(person)
    told |= measure(person)
    save(person, file)
    person.launch("serving once more")
    return {**told, "seconds": person.seconds}


def main() -> int:
    """The application with a person at it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--dark", action="store_true")
    given = parser.parse_args()
    file = given.folder / "desk.crossply.toml"
    return visit(lambda person: journey(person, file), leave, given.folder, size=given.size, dark=given.dark)


if __name__ == "__main__":
    sys.exit(main())
