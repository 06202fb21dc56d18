"""The question at quitting, by its buttons."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from gui.dialogs.confirm_quit import QuitAnswer, answer_of, confirm_quit_dialog
from gui.what_to_show.quit_content import QuitQuestion

QUESTION = QuitQuestion(question="It runs.", words="It stops.", stop="Stop 2 workers and quit", keep="Keep 1 running and quit")


@pytest.mark.parametrize(
    ("press", "answer"),
    [
        ("Stop 2 workers and quit", QuitAnswer.STOP_ALL),
        ("Keep 1 running and quit", QuitAnswer.KEEP),
        ("Cancel", QuitAnswer.CANCEL),
    ],
)
def test_each_button_has_its_answer(qtbot, press: str, answer: QuitAnswer) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = confirm_quit_dialog(parent, QUESTION)
    dialog.checkBox().setChecked(press != "Cancel")
    QTimer.singleShot(0, next(button for button in dialog.buttons() if button.text() == press).click)
    assert answer_of(dialog) == (answer, press == "Cancel")


def test_escape_and_enter_cancel(qtbot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = confirm_quit_dialog(parent, QUESTION)
    assert dialog.defaultButton().text() == "Cancel"
    QTimer.singleShot(0, dialog.reject)
    assert answer_of(dialog) == (QuitAnswer.CANCEL, True)


def test_nothing_could_stay_so_that_is_not_offered(qtbot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = confirm_quit_dialog(parent, QuitQuestion(question="It runs.", words="", stop="Stop it", keep=""))
    assert {button.text() for button in dialog.buttons()} == {"Stop it", "Cancel"}
