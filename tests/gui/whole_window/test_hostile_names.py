"""Machines, devices, files and errors that call themselves markup: the real window and its dialogs show the words."""

from __future__ import annotations

import dataclasses
import re
from enum import Enum

import pytest
from PySide6.QtCore import QAbstractItemModel, QModelIndex, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QLabel, QMessageBox, QTabWidget, QWidget

from engine.vocabulary.running.problem import Problem, ProblemKind
from gui.dialogs.sheets.show_fault import fault_dialog
from gui.small_parts.plain_tips import plain_notice
from tests.fakes.states import cluster_states as states
from tests.fakes.states import remote_states as remote
from tests.fakes.states import watched_states as watched

EVIL = '<b>x</b><img src="file:///etc/passwd"><a href="http://x">y</a>'
_TAG = re.compile(r"<\s*/?\s*[a-zA-Z!]")
_WORDS_OF_OTHERS = frozenset(
    (
        *(
            "name",
            "machine_name",
            "friendly_name",
            "description",
            "hostname",
            "os_name",
            "architecture",
            "started_by",
            "source",
        ),
        *("happened", "advice", "details", "sentence", "words", "title", "text", "line", "banner", "prompt", "note"),
        *("why_none", "why_no_memory", "why_unusable", "why_not_with_coordinator"),
    )
)
"""Fields that other machines, programs and files fill."""


def poisoned(thing: object, field: str = "") -> object:
    """The same state, in which every word of others begins with markup."""
    if isinstance(thing, Enum):
        return thing
    if isinstance(thing, str):
        return f"{EVIL}{thing}" if field in _WORDS_OF_OTHERS and thing else thing
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        changes = {one.name: poisoned(getattr(thing, one.name), one.name) for one in dataclasses.fields(thing) if one.init}
        return dataclasses.replace(thing, **changes)
    if isinstance(thing, tuple) and type(thing) is tuple:
        return tuple(poisoned(part, field) for part in thing)
    return thing


def with_problem(state):
    problem = Problem(kind=ProblemKind.WORKER, where=EVIL, happened=f"{EVIL} ended.", advice=EVIL, details=EVIL)
    return dataclasses.replace(state, problems=(*state.problems, problem))


STATES = {
    "ready": lambda: remote.with_remotes(remote.ready(2), remote.no_runtime(3), lan=True),
    "phases": remote.four_phases,
    "other phases": remote.other_phases,
    "found": lambda: remote.found(running=True),
    "serving": lambda: watched.serving(remote.ready(2)),
    "mismatch": states.map_mismatch,
    "failed": states.worker_failed,
    "refused": states.plan_refused,
}


def markup_in(top: QWidget) -> list[str]:
    """Whatever Qt would read as markup that is not ours: labels, tips of widgets, actions, tabs and items."""
    labels = [label for label in top.findChildren(QLabel) if label.text()]
    wrong = [f"label: {one.text()[:60]!r}" for one in labels if one.textFormat() is not Qt.TextFormat.PlainText]
    for widget in (top, *top.findChildren(QWidget), *top.findChildren(QAction)):
        wrong += [
            f"{type(widget).__name__} tip: {tip[:80]!r}" for tip in (widget.toolTip(), widget.whatsThis()) if is_read(tip)
        ]
    for tabs in top.findChildren(QTabWidget):
        wrong += [tabs.tabToolTip(at) for at in range(tabs.count()) if is_read(tabs.tabToolTip(at))]
    models = [view.model() for kind in (QAbstractItemView, QComboBox) for view in top.findChildren(kind)]
    for model in models:
        wrong += [f"item: {tip[:80]!r}" for tip in item_tips(model) if is_read(tip)]
    return wrong


def is_read(tip: str) -> bool:
    """A tag that stands in a tip and is not of our own escape."""
    return bool(_TAG.search(tip.removeprefix("<qt>").removesuffix("</qt>").replace("<br>", "")))


def item_tips(model: QAbstractItemModel | None, parent: QModelIndex | None = None):
    if model is None:
        return
    parent = parent or QModelIndex()
    for row in range(min(200, model.rowCount(parent))):
        for column in range(model.columnCount(parent)):
            index = model.index(row, column, parent)
            yield str(model.data(index, Qt.ItemDataRole.ToolTipRole) or "")
        yield from item_tips(model, model.index(row, 0, parent))


@pytest.mark.parametrize("name", STATES)
def test_nothing_of_others_is_read_as_markup(qtbot, open_window, name: str) -> None:
    window = open_window(with_problem(poisoned(STATES[name]())))
    for at in range(window.tabs.count()):
        window.tabs.setCurrentIndex(at)
        qtbot.wait(1)
    assert markup_in(window) == []
    shown = [label.text() for label in window.findChildren(QLabel) if EVIL[:8] in label.text()]
    assert shown, "the words of others are there, as words"


def dialogs():
    machine = remote.target(2).machine_id
    ready = lambda: remote.with_remotes(remote.ready(2), lan=True)  # noqa: E731
    yield "add", lambda: remote.found(running=True), lambda window: window.machine_actions.add_machines()
    yield "key", lambda: remote.with_remotes(remote.asking()), lambda window: window.machine_actions.answer_all()
    yield "secret", lambda: remote.with_remotes(remote.asks_password()), lambda window: window.machine_actions.answer_all()
    yield "exposure", ready, lambda window: window.machine_actions.do(machine, "exposure")
    yield "remove", ready, lambda window: window.machine_actions.do(machine, "remove")


@pytest.mark.parametrize(("name", "state", "act"), list(dialogs()), ids=lambda value: value if isinstance(value, str) else "")
def test_no_dialog_reads_markup(qtbot, open_window, name: str, state, act) -> None:
    window = open_window(poisoned(state()))
    act(window)
    qtbot.wait(20)
    dialog = window.machine_actions.dialog
    assert dialog is not None
    assert markup_in(dialog) == []


def test_the_fault_dialog_shows_a_traceback_as_it_is(qtbot) -> None:
    dialog = fault_dialog(EVIL)
    qtbot.addWidget(dialog)
    dialog.setText(EVIL)
    dialog.setInformativeText(EVIL)
    assert isinstance(dialog, QMessageBox)
    assert markup_in(dialog) == []


def test_what_goes_to_the_desktop_has_no_markup() -> None:
    assert not set(plain_notice(EVIL)) & set("<>&")
    assert plain_notice("lab-02 is ready") == "lab-02 is ready"
