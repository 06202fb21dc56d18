"""Why the window does not come up: started from an icon nobody reads what is printed on standard error.

Rejected: an empty window with the sentence in it (every part of it would have to do without a session), and a notification of
the desktop (gone before it is read, and not everywhere).
"""

from __future__ import annotations

from PySide6.QtWidgets import QMessageBox

from engine.errors import EngineError
from gui.small_parts.plain_label import plain_message_box
from gui.texts.translation import tr


def not_opened_dialog(error: EngineError) -> QMessageBox:
    """What is wrong, and what to do; Crossply ends when it is closed."""
    dialog = plain_message_box()
    dialog.setWindowTitle(tr("Crossply cannot start"))
    dialog.setIcon(QMessageBox.Icon.NoIcon)
    dialog.setText(error.happened)
    dialog.setInformativeText(error.advice)
    dialog.setDetailedText(error.details)
    dialog.setDefaultButton(dialog.addButton(tr("Close"), QMessageBox.ButtonRole.RejectRole))
    return dialog
