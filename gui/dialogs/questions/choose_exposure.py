"""Who can reach a machine's workers. The tunnel is the default; an address is only taken with the check mark that says what it
means: rpc-server has no password, and reaching its port is enough to run code (CVE-2026-34159, llama.cpp #25289)."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
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
from gui.what_to_show.remote.exposure_content import FIREWALLS, ExposureContent, firewall_lines, why_not_bound

_WHY = mark(
    "rpc-server has no password and trusts what it is sent: whoever reaches its port can run code as its user "
    "(CVE-2026-34159, llama.cpp #25289). A firewall that lets in only this machine is the least it needs."
)


class ChooseExposure(QDialog):
    """``chosen`` carries an address, or ``None`` for the tunnel."""

    chosen = Signal(object)

    def __init__(
        self, content: ExposureContent, coordinator: str | None, appearance: Appearance, parent: QWidget | None = None
    ) -> None:
        """``coordinator``: the address with which this machine reaches the other; ``None`` = not known."""
        super().__init__(parent)
        self._content = content
        self._coordinator = coordinator
        self._appearance = appearance
        self.setWindowTitle(tr("Exposure of {machine}", machine=content.machine))
        self.setMinimumWidth(appearance.pixels(620))
        self.tunnel = QRadioButton(tr("Through an SSH tunnel: no port of it can be reached from the network (recommended)"))
        self.addresses = {address.address: QRadioButton(_no_shortcut(address.label)) for address in content.addresses}
        self.understood = QCheckBox(_no_shortcut(content.warning.replace(tr(" owns "), tr("\nowns "))))
        self.understood.setAccessibleName(content.warning)
        self.take = QPushButton(tr("Use the tunnel"))
        self.take.setObjectName("primary")
        self.cancel = QPushButton(tr("Cancel"))
        self._group = QButtonGroup(self)
        self._lines = QGridLayout()
        self.commands: dict[str, tuple[QLineEdit, CopyButton]] = {}
        """By firewall."""
        self._open_part = QFrame()
        self._open_part.setObjectName("banner")
        self._box = QVBoxLayout(self)
        self._lay_out()
        for button in (self.tunnel, *self.addresses.values()):
            self._group.addButton(button)
            button.toggled.connect(self._weigh)
        self.understood.toggled.connect(self._weigh)
        self.take.clicked.connect(self._take)
        self.cancel.clicked.connect(self.reject)
        self.addresses.get(content.chosen or "", self.tunnel).setChecked(True)
        self._weigh()

    @property
    def address(self) -> str | None:
        """What is chosen now."""
        return next((address for address, button in self.addresses.items() if button.isChecked()), None)

    def _weigh(self) -> None:
        address = self.address
        opens = address is not None
        self._open_part.setVisible(opens)
        self.take.setText(tr("Open on {address}", address=address) if opens else tr("Use the tunnel"))
        self.take.setEnabled(not opens or self.understood.isChecked())
        if address is not None:
            self._show_lines(address)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit()

    def _fit(self) -> None:
        """As high as its words are at its width: Qt does not ask for that by itself when labels wrap."""
        self._box.activate()
        self.resize(self.width(), self._box.totalHeightForWidth(self.width()))

    def _take(self) -> None:
        address = self.address
        if address is not None and (not self.understood.isChecked() or why_not_bound(address) is not None):
            return
        self.chosen.emit(address)
        self.accept()

    def _show_lines(self, address: str) -> None:
        for line in firewall_lines(address, self._content.ports, self._coordinator):
            field, copy = self.commands[line.tool]
            field.setText(line.command)
            field.setCursorPosition(0)
            field.setToolTip(plain_tip(line.command))
            copy.show_text(line.command)

    def _add_line(self, place: int, tool: str) -> None:
        field = QLineEdit()
        field.setReadOnly(True)
        field.setMinimumHeight(self._appearance.pixels(28))
        field.setFont(fixed_font(self._appearance.pixels(12)))
        field.setAccessibleName(tr("Command for {tool}", tool=tool))
        copy = CopyButton(tr("Copy"), tr("the command for {tool}", tool=tool))
        self.commands[tool] = (field, copy)
        self._lines.addWidget(self._words(tool), place, 0)
        self._lines.addWidget(field, place, 1)
        self._lines.addWidget(copy, place, 2)

    def _lay_out(self) -> None:
        box = self._box
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(8)
        title = self._words(tr("How are the workers on {machine} reached?", machine=self._content.machine))
        title.setObjectName("title")
        box.addWidget(title)
        box.addWidget(self.tunnel)
        head = (
            tr("Open on the network, on one address of its own:")
            if self.addresses
            else tr("It has no address that could be bound.")
        )
        box.addWidget(self._words(head, role="muted"))
        for button in self.addresses.values():
            box.addWidget(button)
        self._lay_out_open_part()
        box.addWidget(self._open_part)
        if self._content.running:
            box.addWidget(self._words(tr("What runs now stays as it is: this counts from the next launch."), role="muted"))
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.take)
        box.addLayout(buttons)

    def _lay_out_open_part(self) -> None:
        inside = QVBoxLayout(self._open_part)
        inside.setContentsMargins(14, 10, 14, 10)
        inside.setSpacing(8)
        inside.addWidget(self._words(tr(_WHY)))
        for place, tool in enumerate(FIREWALLS):
            self._add_line(place, tool)
        self._lines.setColumnStretch(1, 1)
        self._lines.setHorizontalSpacing(10)
        inside.addLayout(self._lines)
        inside.addWidget(self.understood)

    def _words(self, text: str, *, role: str = "text") -> QLabel:
        label = PlainLabel(text)
        label.setProperty("role", role)
        label.setWordWrap(True)
        return label


def _no_shortcut(text: str) -> str:
    """An ``&`` in a name is no shortcut."""
    return text.replace("&", "&&")
