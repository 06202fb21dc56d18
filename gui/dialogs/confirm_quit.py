"""Asked once, when the window is closed while workers run. The buttons say what they do; Cancel is the default."""

from __future__ import annotations

from PySide6.QtWidgets import QMessageBox, QWidget

from gui.what_to_show.formatting import count_text


def confirm_quit_dialog(parent: QWidget, n_workers: int) -> QMessageBox:
    """The dialog; its first button is the one that quits."""
    what = count_text(n_workers, "worker") if n_workers else "everything"
    dialog = QMessageBox(parent)
    dialog.setIcon(QMessageBox.Icon.NoIcon)
    dialog.setWindowTitle("Quit Crossply")
    dialog.setText(f"The cluster is running with {what}.")
    dialog.setInformativeText("Quitting stops llama-server and its workers; requests that are running are cut off.")
    dialog.addButton(f"Stop {what} and quit", QMessageBox.ButtonRole.DestructiveRole)
    cancel = dialog.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
    dialog.setDefaultButton(cancel)
    dialog.setEscapeButton(cancel)
    return dialog


def wants_to_quit(dialog: QMessageBox) -> bool:
    """Show it and wait for the answer."""
    dialog.exec()
    clicked = dialog.clickedButton()
    return clicked is not None and dialog.buttonRole(clicked) == QMessageBox.ButtonRole.DestructiveRole
