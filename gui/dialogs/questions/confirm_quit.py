"""Asked once, when the window is closed while something runs. The buttons say what they do; Cancel is the default."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QDialogButtonBox, QMessageBox, QSizePolicy, QWidget

from gui.small_parts.plain_label import plain_message_box
from gui.texts.translation import tr
from gui.what_to_show.files.quit_content import QuitContent

_Role = QMessageBox.ButtonRole


def confirm_quit_dialog(parent: QWidget, content: QuitContent) -> QMessageBox:
    """Stop everything (destructive), leave what can stay (accept; only where something can) or Cancel."""
    dialog = plain_message_box(parent)
    dialog.setIcon(QMessageBox.Icon.NoIcon)
    dialog.setStyleSheet("QLabel { min-width: 380px; }")
    dialog.setWindowTitle(tr("Quit Crossply"))
    dialog.setText(content.happened)
    dialog.setInformativeText(content.words)
    dialog.addButton(tr("Stop everything and quit"), _Role.DestructiveRole)
    if content.keep:
        dialog.addButton(content.keep, _Role.AcceptRole)
    cancel = dialog.addButton(tr("Cancel"), _Role.RejectRole)
    _stack_buttons(dialog)
    dialog.setDefaultButton(cancel)
    dialog.setEscapeButton(cancel)
    again = QCheckBox(tr("Do not ask again (Settings can undo this)"), dialog)
    dialog.setCheckBox(again)
    return dialog


def _stack_buttons(dialog: QMessageBox) -> None:
    """One below the other: side by side, at 200 % text, they are wider than Qt lets a message be, and their words are cut."""
    box = dialog.findChild(QDialogButtonBox)
    if box is not None:
        box.setOrientation(Qt.Orientation.Vertical)
        box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
