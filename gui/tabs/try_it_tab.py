"""Ask the running model something, and see the answer grow with its own timings."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from gui.small_parts.copy_button import CopyButton
from gui.small_parts.small_widgets import set_role
from gui.theme import Appearance
from gui.what_to_show.tabs_content import TryItContent


class TryItTab(QWidget):
    """Shows a ``TryItContent``."""

    asked = Signal(str, bool)
    """Prompt, with the model's chat template."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content: TryItContent | None = None
        self._appearance = appearance
        self.prompt = QPlainTextEdit()
        self.prompt.setPlaceholderText("Ask the model something, for example: Why is the sky blue?")
        self.prompt.setAccessibleName("Question")
        self.prompt.setTabChangesFocus(True)
        self.send = QPushButton("Ask")
        self.chat = QCheckBox("As a chat")
        self.chat.setChecked(True)
        self.chat.setToolTip("Use the model's chat template. Switch off for base models: they go on with the text")
        self.answer = QPlainTextEdit()
        self.answer.setReadOnly(True)
        self.answer.setAccessibleName("Answer")
        self.answer.setPlaceholderText("The answer appears here as it is generated.")
        self.footer = QLabel()
        self.copy = CopyButton("Copy answer", "the answer")
        self._lay_out()
        self.send.clicked.connect(self._ask)
        shortcut = QShortcut(QKeySequence("Ctrl+Return"), self.prompt)
        shortcut.activated.connect(self._ask)
        appearance.changed.connect(self._grow)
        self._grow()

    def show_content(self, content: TryItContent) -> None:
        """Show it, if it is another one. The answer grows at its end, so that a selection stays."""
        before, self._content = self._content, content
        if content == before:
            return
        self.send.setEnabled(content.can_ask)
        self.send.setToolTip(content.why_not or "Send it to the running model (Ctrl+Enter)")
        self._show_answer(content.answer)
        self.copy.show_text(content.answer)
        self.footer.setText(content.problem or content.footer or content.why_not)
        set_role(self.footer, "bad" if content.problem else "muted")

    def _show_answer(self, text: str) -> None:
        shown = self.answer.toPlainText()
        if text == shown:
            return
        if shown and text.startswith(shown):
            cursor = self.answer.textCursor()
            cursor.movePosition(cursor.MoveOperation.End)
            cursor.insertText(text[len(shown) :])
        else:
            self.answer.setPlainText(text)
        bar = self.answer.verticalScrollBar()
        bar.setValue(bar.maximum())

    def _ask(self) -> None:
        prompt = self.prompt.toPlainText().strip()
        if prompt and self.send.isEnabled():
            self.asked.emit(prompt, self.chat.isChecked())

    def _grow(self) -> None:
        self.prompt.setFixedHeight(self._appearance.pixels(52))

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.prompt, 1)
        side = QVBoxLayout()
        side.addWidget(self.send)
        side.addWidget(self.chat)
        top.addLayout(side)
        bottom = QHBoxLayout()
        bottom.addWidget(self.footer, 1)
        bottom.addWidget(self.copy)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 6, 0, 0)
        box.setSpacing(6)
        box.addLayout(top)
        box.addWidget(self.answer, 1)
        box.addLayout(bottom)
