"""The strip that tells what becomes of a run that broke: what happened, what is done and when, with what can be done now.

Not modal: whoever is asked may look at the cards and logs first. Rejected: a message box (it interrupts, and the run may be
back before anybody read it).
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from gui.assets import icon
from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.plain_tips import plain_tip
from gui.small_parts.small_widgets import set_role
from gui.texts.translation import mark, tr
from gui.theme import Appearance
from gui.what_to_show.recovery_content import RecoveryContent

_GO_TIP = mark("Start again now, on what is left")
_GO_BACK_TIP = mark("Stop, and start again with it: what is being answered breaks off, the address stays")


class RecoveryStrip(QFrame):
    """Shows a ``RecoveryContent``; hidden without one."""

    go_asked = Signal()
    go_back_asked = Signal()
    """To what was lost and is there again."""
    stop_asked = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._shown: RecoveryContent | None = None
        self._dismissed = 0
        self.setAccessibleName(tr("Recovery"))
        self._mark = PlainLabel()
        self.title = PlainLabel()
        self.title.setObjectName("name")
        self.words = PlainLabel()
        for label in (self.title, self.words):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.go = QPushButton()
        self.stop = QPushButton(tr("Stop"))
        self.stop.setToolTip(tr("Leave it stopped"))
        self.dismiss = QToolButton()
        self.dismiss.setObjectName("dots")
        self.dismiss.setToolTip(tr("Dismiss"))
        self.dismiss.setAccessibleName(tr("Dismiss"))
        self.go.clicked.connect(self._go)
        self.stop.clicked.connect(self.stop_asked)
        self.dismiss.clicked.connect(self._put_away)
        self._lay_out()
        appearance.changed.connect(self._paint)
        self.hide()

    def show_content(self, content: RecoveryContent | None) -> None:
        """What there is to tell; a notice that was dismissed stays away."""
        if content is not None and content.is_over and content.number <= self._dismissed:
            content = None
        elif content is None or content.number < self._dismissed:
            self._dismissed = 0  # another launch counts from one again
        if content == self._shown:
            return
        self._shown = content
        self.setVisible(content is not None)
        if content is not None:
            self._fill(content)

    def _fill(self, content: RecoveryContent) -> None:
        self.title.setText(content.title)
        self.words.setText(content.words)
        self.words.setVisible(bool(content.words))
        self.go.setText(content.go_text)
        self.go.setVisible(bool(content.go_text))
        self.go.setToolTip(plain_tip(tr(_GO_BACK_TIP if content.is_over else _GO_TIP)))
        self.stop.setVisible(content.can_stop)
        self.dismiss.setVisible(content.is_over)
        self._paint()

    def _paint(self) -> None:
        over = self._shown is not None and self._shown.is_over
        name = "recovered" if over else "recovering"
        if self.objectName() != name:
            self.setObjectName(name)
            self.style().unpolish(self)
            self.style().polish(self)
        pixels = self._appearance.pixels(16)
        if over:
            self._mark.setText("✓")
        else:
            self._mark.setPixmap(icon("alert", self._appearance.colour("warning")).pixmap(pixels, pixels))
        set_role(self._mark, "good" if over else "warning")
        self.dismiss.setIcon(icon("close", self._appearance.colour("text")))

    def _go(self) -> None:
        over = self._shown is not None and self._shown.is_over
        (self.go_back_asked if over else self.go_asked).emit()

    def _put_away(self) -> None:
        if self._shown is not None:
            self._dismissed = self._shown.number
            self._shown = None
            self.hide()

    def _lay_out(self) -> None:
        text = QVBoxLayout()
        text.setSpacing(0)
        text.addWidget(self.title)
        text.addWidget(self.words)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 8, 8)
        row.setSpacing(8)
        row.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(text, 1)
        for button in (self.go, self.stop, self.dismiss):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
