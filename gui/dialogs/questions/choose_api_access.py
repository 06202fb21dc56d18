"""Who may use the API. This machine alone is the default; an address of the network is only taken with a key, and with the
check mark that says what it means."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from gui.small_parts.copy_button import CopyButton
from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.plain_tips import plain_tip
from gui.texts.translation import mark, tr
from gui.theme import Appearance, fixed_font
from gui.what_to_show.remote.api_access_content import ApiAccessContent, why_not_taken

_MEANS = mark(
    "Whoever reaches this address and knows the key can use the model, for as long as Crossply runs. The key and everything "
    "that is asked and answered goes over the network unencrypted: open it only in a network you trust."
)


class ChooseApiAccess(QDialog):
    """``taken`` carries an address or ``None``, and whether programs here need the key too."""

    taken = Signal(object, bool)
    key_asked = Signal()
    """A new key is to be made; ``show_content`` and ``show_key`` follow."""

    def __init__(self, content: ApiAccessContent, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content = content
        self.setWindowTitle(tr("Who may use the API"))
        self.setMinimumWidth(appearance.pixels(600))
        self.here = QRadioButton(tr("Programs on this machine only (recommended)"))
        self.addresses = {
            address: QRadioButton(tr("Other machines too, at {address}", address=address)) for address in content.addresses
        }
        self.understood = QCheckBox(tr("I understand, and want it open"))
        self.key_on_loopback = QCheckBox(tr("Programs on this machine need the key too"))
        self.key_words = self._words("", role="muted")
        self.key_field = QLineEdit()
        self.key_field.setReadOnly(True)
        self.key_field.setMinimumHeight(appearance.pixels(28))
        self.key_field.setFont(fixed_font(appearance.pixels(12)))
        self.key_field.setAccessibleName(tr("API key"))
        self.copy_key = CopyButton(tr("Copy"), tr("the API key"))
        self.make_key = QPushButton()
        self.make_key.setAutoDefault(False)
        self.take = QPushButton()
        self.take.setObjectName("primary")
        self.cancel = QPushButton(tr("Cancel"))
        self._open_part = QFrame()
        self._open_part.setObjectName("banner")
        self._group = QButtonGroup(self)
        self._box = QVBoxLayout(self)
        self._lay_out()
        self._connect()
        self.key_on_loopback.setChecked(content.key_on_loopback)
        self.understood.setChecked(content.chosen is not None)
        self.addresses.get(content.chosen or "", self.here).setChecked(True)
        self.show_content(content)
        self.show_key("")

    @property
    def address(self) -> str | None:
        """What is chosen now."""
        return next((address for address, button in self.addresses.items() if button.isChecked()), None)

    def show_content(self, content: ApiAccessContent) -> None:
        """Another state of the key; the addresses stay."""
        self._content = content
        self.key_words.setText(content.key_words)
        words = (tr("Make another key"), tr("The one there was counts no more, at once"))
        text, tip = words if content.has_key else (tr("Make a key"), tr("It is shown once"))
        self.make_key.setText(text)
        self.make_key.setToolTip(plain_tip(tip))
        self._weigh()

    def show_key(self, key: str) -> None:
        """A key that was made just now; empty hides it."""
        self.key_field.setText(key)
        self.key_field.setCursorPosition(0)
        self.copy_key.show_text(key)
        for part in (self.key_field, self.copy_key):
            part.setVisible(bool(key))
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit()

    def _weigh(self) -> None:
        address = self.address
        self._open_part.setVisible(address is not None)
        self.take.setText(tr("This machine only") if address is None else tr("Open on {address}", address=address))
        why = why_not_taken(
            self._content,
            address,
            key_on_loopback=self.key_on_loopback.isChecked(),
            understood=self.understood.isChecked(),
        )
        self.take.setEnabled(not why)
        self.take.setToolTip(plain_tip(why))
        self._fit()

    def _fit(self) -> None:
        """As high as its words are at its width: Qt does not ask for that by itself when labels wrap."""
        self._box.activate()
        self.resize(self.width(), self._box.totalHeightForWidth(self.width()))

    def _take(self) -> None:
        self.taken.emit(self.address, self.key_on_loopback.isChecked())
        self.accept()

    def _connect(self) -> None:
        for button in (self.here, *self.addresses.values()):
            self._group.addButton(button)
            button.toggled.connect(self._weigh)
        self.understood.toggled.connect(self._weigh)
        self.key_on_loopback.toggled.connect(self._weigh)
        self.make_key.clicked.connect(self.key_asked)
        self.take.clicked.connect(self._take)
        self.cancel.clicked.connect(self.reject)

    def _lay_out(self) -> None:
        box = self._box
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(8)
        title = self._words(tr("Who may use the API?"))
        title.setObjectName("title")
        box.addWidget(title)
        box.addWidget(self.here)
        for button in self.addresses.values():
            box.addWidget(button)
        if not self.addresses:
            box.addWidget(self._words(self._content.none_words, role="muted"))
        inside = QVBoxLayout(self._open_part)
        inside.setContentsMargins(14, 10, 14, 10)
        inside.setSpacing(8)
        inside.addWidget(self._words(tr(_MEANS)))
        inside.addWidget(self.understood)
        box.addWidget(self._open_part)
        box.addWidget(self.key_on_loopback)
        box.addWidget(self.key_words)
        row = QHBoxLayout()
        row.addWidget(self.key_field, 1)
        row.addWidget(self.copy_key)
        row.addWidget(self.make_key)
        row.addStretch(0)
        box.addLayout(row)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.take)
        box.addLayout(buttons)

    def _words(self, text: str, *, role: str = "text") -> PlainLabel:
        label = PlainLabel(text)
        label.setProperty("role", role)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        return label
