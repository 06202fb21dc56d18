"""Is this the right machine? Its key was never seen before, so only a person can say. Accepting is never the default."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gui.small_parts.copy_button import CopyButton
from gui.small_parts.plain_label import PlainLabel
from gui.texts.translation import tr
from gui.theme import Appearance, fixed_font
from gui.what_to_show.remote.questions_content import HostKeyContent


class ConfirmHostKey(QDialog):
    """Shows one key. ``answered`` carries whether it was accepted; closing the dialog leaves the question open."""

    answered = Signal(bool)

    def __init__(self, content: HostKeyContent, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.setWindowTitle(tr("Is this the right machine?"))
        self.setMinimumWidth(appearance.pixels(560))
        self.fingerprint = self._fixed(content.key.fingerprint, tr("Fingerprint"))
        self.command = self._fixed(content.compare_command, tr("Command that prints the fingerprint there"))
        copy = CopyButton(tr("Copy"), tr("the command that prints the fingerprint there"))
        copy.show_text(content.compare_command)
        self.accept_key = QPushButton(tr("Accept and remember"))
        self.refuse = QPushButton(tr("Do not connect"))
        self.refuse.setDefault(True)
        self.accept_key.setAutoDefault(False)
        self.accept_key.clicked.connect(lambda: self._answer(accepted=True))
        self.refuse.clicked.connect(lambda: self._answer(accepted=False))
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(10)
        box.addWidget(
            self._words(tr("{target} shows a key that was never seen before.", target=content.target.text), name="title")
        )
        box.addWidget(self._key_panel(content))
        box.addWidget(
            self._words(
                tr("If it is another machine, it can read what you send to it. To be sure, run this on that machine itself:")
            )
        )
        row = QHBoxLayout()
        row.addWidget(self.command, 1)
        row.addWidget(copy)
        box.addLayout(row)
        box.addWidget(self._words(tr("Accept only if both fingerprints are the same, character by character."), role="muted"))
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.accept_key)
        buttons.addWidget(self.refuse)
        box.addLayout(buttons)
        self.refuse.setFocus()

    def _key_panel(self, content: HostKeyContent) -> QFrame:
        panel = QFrame()
        panel.setObjectName("panel")
        grid = QGridLayout(panel)
        grid.setContentsMargins(14, 10, 14, 10)
        grid.setHorizontalSpacing(14)
        rows = ((tr("Host"), self._words(content.key.host)), (tr("Key"), self._words(content.key.key_type)))
        for place, (what, label) in enumerate((*rows, (tr("Fingerprint"), self.fingerprint))):
            grid.addWidget(self._words(what, role="muted"), place, 0)
            grid.addWidget(label, place, 1)
        grid.setColumnStretch(1, 1)
        return panel

    def _words(self, text: str, *, role: str = "text", name: str = "") -> QLabel:
        label = PlainLabel(text)
        label.setObjectName(name)
        label.setProperty("role", role)
        label.setWordWrap(True)
        return label

    def _fixed(self, text: str, what: str) -> QLabel:
        label = self._words(text)
        label.setFont(fixed_font(self._appearance.pixels(13)))
        label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        label.setAccessibleName(f"{what}: {text}")
        return label

    def _answer(self, *, accepted: bool) -> None:
        self.answered.emit(accepted)
        self.accept()
