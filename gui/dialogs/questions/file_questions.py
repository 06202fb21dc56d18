"""Two questions about cluster files, in verbs: what is to become of changes, and may ports be opened. The safe answer is the
default."""

from __future__ import annotations

from PySide6.QtWidgets import QMessageBox, QWidget

from gui.small_parts.plain_label import plain_message_box
from gui.texts.translation import tr
from gui.what_to_show.files.document_content import OpensPortsContent, UnsavedContent

_Role = QMessageBox.ButtonRole


def unsaved_dialog(parent: QWidget, content: UnsavedContent) -> QMessageBox:
    """Save (accept), Discard (destructive) or Cancel."""
    dialog = _question(parent, tr("Unsaved changes"), content.happened, tr("Without saving, the changes are lost."))
    save = dialog.addButton(content.save, _Role.AcceptRole)
    dialog.addButton(tr("Discard"), _Role.DestructiveRole)
    cancel = dialog.addButton(tr("Cancel"), _Role.RejectRole)
    dialog.setDefaultButton(save)
    dialog.setEscapeButton(cancel)
    return dialog


def opens_ports_dialog(parent: QWidget, content: OpensPortsContent) -> QMessageBox:
    """Open the ports (destructive) or use tunnels."""
    dialog = _question(parent, tr("Open ports"), content.happened, f"{content.machines}\n\n{content.warning}")
    tunnels = dialog.addButton(tr("Use tunnels"), _Role.RejectRole)
    dialog.addButton(tr("Open the ports"), _Role.DestructiveRole)
    dialog.setDefaultButton(tunnels)
    dialog.setEscapeButton(tunnels)
    return dialog


def _question(parent: QWidget, title: str, happened: str, words: str) -> QMessageBox:
    dialog = plain_message_box(parent)
    dialog.setIcon(QMessageBox.Icon.NoIcon)
    dialog.setStyleSheet("QLabel { min-width: 340px; }")
    dialog.setWindowTitle(title)
    dialog.setText(happened)
    dialog.setInformativeText(words)
    return dialog
