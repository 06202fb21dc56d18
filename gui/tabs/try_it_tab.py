"""Ask the running model something, see the answer grow with its own timings, stop it; and how other programs ask.

One button asks and stops: a second one would always be dead. A click that comes too soon after asking was meant for asking.
"""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeySequence, QShortcut
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from gui.small_parts.copy_button import CopyButton
from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.plain_tips import plain_tip
from gui.small_parts.small_widgets import ElidedLabel, set_role
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.tabs.tabs_content import TryItContent

_DOUBLE_CLICK_SECONDS = 0.4


class TryItTab(QWidget):
    """Shows a ``TryItContent``."""

    asked = Signal(str, bool)
    """Prompt, with the model's chat template."""
    stop_asked = Signal()
    """The answer that is being given is long enough."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content: TryItContent | None = None
        self._appearance = appearance
        self.prompt = QPlainTextEdit()
        self.prompt.setAccessibleName(tr("Question"))
        self.prompt.setTabChangesFocus(True)
        self.send = QPushButton(tr("Ask"))
        self.chat = QCheckBox(tr("As a chat"))
        self.chat.setChecked(True)
        self.chat.setToolTip(tr("Use the model's chat template. Switch off for base models: they go on with the text"))
        self.answer = QPlainTextEdit()
        self.answer.setReadOnly(True)
        self.answer.setAccessibleName(tr("Answer"))
        self.answer.setPlaceholderText(tr("The answer appears here as it is generated."))
        self.footer = PlainLabel()
        self.footer.setWordWrap(True)
        self.copy = CopyButton(tr("Copy answer"), tr("the answer"))
        self._asked_at = -_DOUBLE_CLICK_SECONDS
        self._question = ("", True)
        self.served = ElidedLabel(role="muted")
        self.copy_address = CopyButton(tr("Copy address"), tr("the address of the API"))
        self.copy_curl = CopyButton(tr("Copy curl"), tr("a curl command that asks the model"))
        self.open_page = QPushButton(tr("Open the server's own page"))
        self.open_page.setObjectName("link")
        self.open_page.setToolTip(tr("llama-server's own page, in the browser"))
        self.open_page.clicked.connect(self._open)
        self._lay_out()
        self.send.clicked.connect(self._press)
        shortcut = QShortcut(QKeySequence("Ctrl+Return"), self.prompt)
        shortcut.activated.connect(self._ask)
        stop = QShortcut(QKeySequence("Esc"), self, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
        stop.activated.connect(self._stop)
        appearance.changed.connect(self._grow)
        self._grow()

    def show_content(self, content: TryItContent) -> None:
        """Show it, if it is another one. The answer grows at its end, so that a selection stays."""
        before, self._content = self._content, content
        if content == before:
            return
        self.send.setEnabled(content.can_ask or content.can_stop)
        self.send.setText(tr("Stop") if content.can_stop else tr("Ask"))
        ask_words = content.why_not or tr("Send it to the running model (Ctrl+Enter)")
        self.send.setToolTip(plain_tip(tr("End this answer (Esc)") if content.can_stop else ask_words))
        if before is None or before.as_chat != content.as_chat:  # else the box stays as the person set it
            self.chat.setChecked(content.as_chat)
        self.prompt.setPlaceholderText(content.example)
        self._show_answer(content.answer)
        self.copy.show_text(content.answer)
        self._show_served(content)
        self.footer.setText(content.problem or content.footer or content.why_not)
        self.footer.setToolTip(plain_tip(content.footer_words if content.footer and not content.problem else ""))
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

    def _show_served(self, content: TryItContent) -> None:
        self.served.show_text(content.served)
        self.copy_address.show_text(content.api_url)
        self.copy_curl.show_text(content.curl)
        self.copy_curl.setToolTip(plain_tip(content.curl))
        for button in (self.copy_address, self.copy_curl, self.open_page):
            button.setVisible(bool(content.api_url))

    def _press(self) -> None:
        if self._answering():
            self._stop()
        else:
            self._ask()

    def _ask(self) -> None:
        question = (self.prompt.toPlainText().strip(), self.chat.isChecked())
        if not question[0] or not self.send.isEnabled() or self._answering():
            return
        if question != self._question or not self._just_asked():
            self._question, self._asked_at = question, time.monotonic()
            self.asked.emit(*question)

    def _stop(self) -> None:
        if self._answering() and not self._just_asked():
            self.send.setEnabled(False)
            self.footer.setText(tr("Stopping at the next word…"))
            self.stop_asked.emit()

    def _just_asked(self) -> bool:
        """The session may not have heard of it yet: a second click would ask the same once more."""
        return time.monotonic() - self._asked_at <= _DOUBLE_CLICK_SECONDS

    def _answering(self) -> bool:
        return self._content is not None and self._content.can_stop

    def _open(self) -> None:
        if self._content is not None and self._content.api_url:
            QDesktopServices.openUrl(QUrl(self._content.api_url))

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
        other = QHBoxLayout()
        other.addWidget(self.served, 1)
        for button in (self.copy_address, self.copy_curl, self.open_page):
            other.addWidget(button)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 6, 0, 0)
        box.setSpacing(6)
        box.addLayout(top)
        box.addWidget(self.answer, 1)
        box.addLayout(bottom)
        box.addLayout(other)
