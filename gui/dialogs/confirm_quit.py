"""Asked once, when the window is closed while workers run. The buttons say what they do; Cancel is the default."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QMessageBox, QWidget

from gui.what_to_show.quit_content import QuitQuestion


class QuitAnswer(StrEnum):
    """What the person wants."""

    STOP_ALL = "stop all"
    KEEP = "keep running"
    CANCEL = "cancel"


_ANSWERS = {
    QMessageBox.ButtonRole.DestructiveRole: QuitAnswer.STOP_ALL,
    QMessageBox.ButtonRole.AcceptRole: QuitAnswer.KEEP,
}


def confirm_quit_dialog(parent: QWidget, content: QuitQuestion) -> QMessageBox:
    """The dialog."""
    dialog = QMessageBox(parent)
    dialog.setIcon(QMessageBox.Icon.NoIcon)
    dialog.setStyleSheet("QLabel { min-width: 340px; }")
    dialog.setTextFormat(Qt.TextFormat.PlainText)
    dialog.setWindowTitle("Quit Crossply")
    dialog.setText(content.question)
    dialog.setInformativeText(content.words)
    dialog.addButton(content.stop, QMessageBox.ButtonRole.DestructiveRole)
    if content.keep:
        dialog.addButton(content.keep, QMessageBox.ButtonRole.AcceptRole)
    cancel = dialog.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
    dialog.setDefaultButton(cancel)
    dialog.setEscapeButton(cancel)
    again = QCheckBox("Do not ask again (Settings can undo this)", dialog)
    dialog.setCheckBox(again)
    return dialog


def answer_of(dialog: QMessageBox) -> tuple[QuitAnswer, bool]:
    """Show it and wait: the answer, and whether to ask the next time, too."""
    dialog.exec()
    clicked = dialog.clickedButton()
    answer = QuitAnswer.CANCEL if clicked is None else _ANSWERS.get(dialog.buttonRole(clicked), QuitAnswer.CANCEL)
    return answer, not dialog.checkBox().isChecked()
