"""Asked once, when the window is closed while something runs. The buttons say what they do; Cancel is the default."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from gui.what_to_show.files.quit_content import QuitContent

_Role = QMessageBox.ButtonRole


def confirm_quit_dialog(parent: QWidget, content: QuitContent) -> QMessageBox:
    """Stop everything (destructive), leave what can stay (accept; only where something can) or Cancel."""
    dialog = QMessageBox(parent)
    dialog.setIcon(QMessageBox.Icon.NoIcon)
    dialog.setStyleSheet("QLabel { min-width: 380px; }")
    dialog.setTextFormat(Qt.TextFormat.PlainText)
    dialog.setWindowTitle("Quit Crossply")
    dialog.setText(content.happened)
    dialog.setInformativeText(content.words)
    dialog.addButton("Stop everything and quit", _Role.DestructiveRole)
    if content.keep:
        dialog.addButton(content.keep, _Role.AcceptRole)
    cancel = dialog.addButton("Cancel", _Role.RejectRole)
    dialog.setDefaultButton(cancel)
    dialog.setEscapeButton(cancel)
    return dialog
