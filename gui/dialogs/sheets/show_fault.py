"""The one dialog for bugs: what is expected to go wrong is shown in place, this is for what is not."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMessageBox, QWidget

from gui.small_parts.plain_label import plain_message_box
from gui.texts.translation import tr


def fault_dialog(details: str, parent: QWidget | None = None) -> QMessageBox:
    """Not modal to the engine: what runs keeps running."""
    dialog = plain_message_box(parent)
    dialog.setWindowTitle(tr("Crossply has a bug"))
    dialog.setIcon(QMessageBox.Icon.NoIcon)
    dialog.setText(tr("Something went wrong inside Crossply itself."))
    dialog.setInformativeText(tr("What runs keeps running. Please report the details below; Copy puts them on the clipboard."))
    dialog.setDetailedText(details)
    copy = dialog.addButton(tr("Copy details"), QMessageBox.ButtonRole.ActionRole)
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(details))
    dialog.addButton(tr("Close"), QMessageBox.ButtonRole.RejectRole)
    return dialog
