"""Asks for a password, a passphrase or a code. What is typed is masked, handed on once, and then wiped from the field."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from engine.remote_ports import Secret
from gui.small_parts.plain_label import PlainLabel
from gui.texts.engine_words import engine_word
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.remote.questions_content import SecretContent


class AskSecret(QDialog):
    """``answered`` carries the ``Secret``; closing the dialog leaves the question open."""

    answered = Signal(object)

    def __init__(self, content: SecretContent, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content = content
        self.setWindowTitle(
            tr("{secret} for {target}", secret=engine_word(content.kind).capitalize(), target=content.target.text)
        )
        self.setMinimumWidth(appearance.pixels(440))
        prompt = PlainLabel(content.prompt)
        prompt.setWordWrap(True)
        prompt.setObjectName("name")
        self.wrong = PlainLabel(tr("What was entered before was not accepted."))
        self.wrong.setProperty("role", "bad")
        self.wrong.setVisible(content.wrong_before)
        self.value = QLineEdit()
        self.value.setEchoMode(QLineEdit.EchoMode.Password)
        self.value.setAccessibleName(content.prompt)
        self.value.setInputMethodHints(Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText)
        self.remember = QCheckBox(tr("Keep it in the system keyring"))
        self.remember.setVisible(content.can_be_kept)
        hint = PlainLabel(tr("It is used to log in and written to no file, log or command line."))
        hint.setProperty("role", "muted")
        hint.setWordWrap(True)
        self.log_in = QPushButton(tr("Log in"))
        self.log_in.setObjectName("primary")
        self.log_in.setDefault(True)
        self.log_in.setEnabled(False)
        self.cancel = QPushButton(tr("Later"))
        self.value.textChanged.connect(lambda text: self.log_in.setEnabled(bool(text)))
        self.log_in.clicked.connect(self._answer)
        self.cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.log_in)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(10)
        for part in (prompt, self.wrong, self.value, self.remember, hint):
            box.addWidget(part)
        box.addLayout(buttons)

    def done(self, result: int) -> None:
        """Nothing typed outlives the dialog, also when it is cancelled."""
        self.value.setText("")  # and not clear(), which could be undone
        super().done(result)

    def _answer(self) -> None:
        asked = self._content
        remember = self.remember.isChecked() and asked.can_be_kept
        self.answered.emit(Secret(kind=asked.kind, value=self.value.text(), remember=remember, prompt=asked.prompt))
        self.accept()
