"""The question at quitting: its buttons and its words."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from gui.dialogs.questions.confirm_quit import confirm_quit_dialog
from gui.what_to_show.files.quit_content import QuitContent


def buttons_of(qtbot, content: QuitContent) -> list[str]:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = confirm_quit_dialog(parent, content)
    assert (dialog.text(), dialog.informativeText()) == (content.happened, content.words)
    assert dialog.defaultButton().text() == dialog.escapeButton().text() == "Cancel"
    assert not dialog.checkBox().isChecked()
    return sorted(button.text() for button in dialog.buttons())


def test_three_answers(qtbot) -> None:
    content = QuitContent(happened="It runs.", words="Some can stay.", keep="Keep running and quit")
    assert buttons_of(qtbot, content) == ["Cancel", "Keep running and quit", "Stop everything and quit"]


def test_nothing_could_stay_so_that_is_not_offered(qtbot) -> None:
    assert buttons_of(qtbot, QuitContent(happened="It runs.", words="It stops.", keep="")) == [
        "Cancel",
        "Stop everything and quit",
    ]
