"""Asked before a machine is let go of: the button says what it does, and Cancel is the default."""

from __future__ import annotations

from PySide6.QtWidgets import QMessageBox, QWidget

from gui.small_parts.plain_label import plain_message_box
from gui.texts.translation import tr


def confirm_remove_dialog(parent: QWidget, machine: str, *, clean: bool, n_workers: int) -> QMessageBox:
    """The dialog; its destructive button removes. ``n_workers``: those of it that run now."""
    dialog = plain_message_box(parent)
    dialog.setIcon(QMessageBox.Icon.NoIcon)
    dialog.setStyleSheet("QLabel { min-width: 340px; }")
    dialog.setWindowTitle(tr("Remove a machine"))
    dialog.setText(tr("Remove {machine} from the cluster?", machine=machine))
    runs = tr("Its workers are part of the run: that ends. ") if n_workers else ""
    stays = (
        tr("What Crossply put there is deleted: its copy of llama.cpp and the cache of weights. Nothing else is touched.")
        if clean
        else tr("What Crossply put there stays, so that adding it again is quick.")
    )
    dialog.setInformativeText(runs + stays)
    words = tr("Remove and delete") if clean else tr("Remove")
    dialog.addButton(words, QMessageBox.ButtonRole.DestructiveRole)
    cancel = dialog.addButton(tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
    dialog.setDefaultButton(cancel)
    dialog.setEscapeButton(cancel)
    return dialog
