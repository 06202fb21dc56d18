"""Files dropped on the window, by the events that a window system sends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

from engine.session.state import Choices
from engine.vocabulary.remote import SshTarget
from tests.fakes.states import cluster_states as states

COPY, LEFT, NONE = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def files(*paths: str) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    return data


def at(window: QWidget, widget: QWidget) -> QPoint:
    return widget.mapTo(window, widget.rect().center())


def hover(window: QWidget, data: QMimeData, place: QPoint) -> bool:
    """Enter and move; whether the system may drop here."""
    enter = QDragEnterEvent(place, COPY, data, LEFT, NONE)
    QApplication.sendEvent(window.windowHandle(), enter)
    move = QDragMoveEvent(place, COPY, data, LEFT, NONE)
    QApplication.sendEvent(window.windowHandle(), move)
    return enter.isAccepted() and move.isAccepted() and move.dropAction() == COPY


def drop(window: QWidget, data: QMimeData, place: QPoint) -> bool:
    event = QDropEvent(QPointF(place), COPY, data, LEFT, NONE)
    QApplication.sendEvent(window.windowHandle(), event)
    return event.isAccepted() and event.dropAction() == COPY


@pytest.mark.parametrize("where", ["prompt", "header", "plan", "status"])
def test_a_model_can_be_dropped_anywhere(open_window, where: str) -> None:
    window = open_window(states.plan_shown())
    window.tabs.setCurrentWidget(window.try_it)
    widget = window.try_it.prompt if where == "prompt" else getattr(window, where)
    data, place = files("/m/new.gguf"), at(window, widget)
    assert hover(window, data, place)
    overlay = window.drops.overlay
    assert overlay.isVisible()
    assert overlay.geometry() == window.rect()
    assert (overlay.title.text(), overlay.words.text()) == ("Drop to use this model", "new.gguf")
    assert drop(window, data, place)
    assert not overlay.isVisible()
    assert window.session.state.choices.model_path == "/m/new.gguf"
    assert window.try_it.prompt.toPlainText() == ""


def test_the_model_that_is_chosen_is_read_again_when_it_is_dropped_again(open_window) -> None:
    window = open_window(states.plan_shown())
    data, place = files(window.session.state.choices.model_path), at(window, window.plan)
    assert drop(window, data, place)
    assert window.session.commands == [("read_model_again",)]


def test_a_cluster_file_is_opened(open_window) -> None:
    window = open_window(states.plan_shown())
    data, place = files("/l/lab.crossply.toml"), QPoint(300, 300)
    assert hover(window, data, place)
    assert drop(window, data, place)
    assert window.session.commands == [("open_cluster", "/l/lab.crossply.toml")]


def test_what_is_neither_is_refused_in_one_sentence_that_goes_with_the_pointer(open_window) -> None:
    window = open_window(states.plan_shown())
    data, place = files("/notes.txt"), QPoint(300, 300)
    assert not hover(window, data, place)
    overlay = window.drops.overlay
    assert overlay.isVisible()
    assert overlay.words.text() == "notes.txt is neither a GGUF model nor a cluster file (.crossply.toml)."
    assert overlay.words.property("role") == "bad"
    QApplication.sendEvent(window.windowHandle(), QDragLeaveEvent())
    assert not overlay.isVisible()
    assert not drop(window, data, place)
    assert window.session.commands == []


def test_while_it_runs_nothing_is_taken(open_window) -> None:
    window = open_window(states.ready())
    assert not hover(window, files("/m/new.gguf"), QPoint(300, 300))
    assert not drop(window, files("/m/new.gguf"), QPoint(300, 300))
    assert window.session.commands == []


def test_text_goes_where_it_went_before(open_window) -> None:
    window = open_window(states.plan_shown())
    window.tabs.setCurrentWidget(window.try_it)
    data = QMimeData()
    data.setText("Why is the sky blue?")
    place = at(window, window.try_it.prompt)
    hover(window, data, place)
    assert not window.drops.overlay.isVisible()
    drop(window, data, place)
    assert window.try_it.prompt.toPlainText() == "Why is the sky blue?"


def test_a_cluster_in_place_of_machines_that_are_in_no_file_is_asked_about(open_window) -> None:
    shown = states.plan_shown()
    window = open_window(replace(shown, choices=replace(shown.choices, targets=(SshTarget(host="gpu-node"),))))
    drop(window, files("/l/lab.crossply.toml"), QPoint(300, 300))
    assert window.session.commands == []
    assert window.files.dialog is not None
    assert window.files.dialog.text() == "The machines that you chose are in no file yet."


def test_choices_are_those_of_the_file_that_was_dropped(open_window) -> None:
    window = open_window(replace(states.no_model(), choices=Choices()))
    drop(window, files(str(Path("/m/é x.gguf"))), QPoint(300, 300))
    assert window.session.state.choices.model_path == "/m/é x.gguf"
