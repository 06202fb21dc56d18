"""Who can reach a machine's workers. The tunnel is the default; an address is only taken with the check mark that says what it
means: rpc-server has no password, and reaching its port is enough to run code (CVE-2026-34159, llama.cpp #25289)."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from gui.small_parts.copy_button import CopyButton
from gui.theme import Appearance, fixed_font
from gui.what_to_show.remote.exposure_content import ExposureContent, firewall_lines, why_not_bound

_WHY = (
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
        self.setWindowTitle(f"Exposure of {content.machine}")
        self.setMinimumWidth(appearance.pixels(620))
        self.tunnel = QRadioButton("Through an SSH tunnel: no port of it can be reached from the network (recommended)")
        self.addresses = {address.address: QRadioButton(address.label) for address in content.addresses}
        self.understood = QCheckBox("I understand")
        self.understood.setAccessibleName(content.warning)
        self.take = QPushButton("Use the tunnel")
        self.take.setObjectName("primary")
        self.cancel = QPushButton("Cancel")
        self._group = QButtonGroup(self)
        self._lines = QGridLayout()
        self._open_part = QFrame()
        self._open_part.setObjectName("banner")
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
        self.take.setText(f"Open on {address}" if opens else "Use the tunnel")
        self.take.setEnabled(not opens or self.understood.isChecked())
        if address is not None:
            self._show_lines(address)
        self.adjustSize()

    def _take(self) -> None:
        address = self.address
        if address is not None and (not self.understood.isChecked() or why_not_bound(address) is not None):
            return
        self.chosen.emit(address)
        self.accept()

    def _show_lines(self, address: str) -> None:
        while (item := self._lines.takeAt(0)) is not None:
            part = item.widget()
            if part is not None:
                part.hide()
                part.deleteLater()
        for place, line in enumerate(firewall_lines(address, self._content.ports, self._coordinator)):
            command = self._words(line.command)
            command.setFont(fixed_font(self._appearance.pixels(12)))
            command.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            command.setAccessibleName(f"{line.tool}: {line.command}")
            copy = CopyButton("Copy", f"the command for {line.tool}")
            copy.show_text(line.command)
            self._lines.addWidget(self._words(line.tool), place, 0, Qt.AlignmentFlag.AlignTop)
            self._lines.addWidget(command, place, 1)
            self._lines.addWidget(copy, place, 2, Qt.AlignmentFlag.AlignTop)

    def _lay_out(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(8)
        title = self._words(f"How are the workers on {self._content.machine} reached?")
        title.setObjectName("title")
        box.addWidget(title)
        box.addWidget(self.tunnel)
        head = (
            "Open on the network, on one address of its own:" if self.addresses else "It has no address that could be bound."
        )
        box.addWidget(self._words(head, role="muted"))
        for button in self.addresses.values():
            box.addWidget(button)
        self._lay_out_open_part()
        box.addWidget(self._open_part)
        if self._content.running:
            box.addWidget(self._words("What runs now stays as it is: this counts from the next launch.", role="muted"))
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.take)
        box.addLayout(buttons)

    def _lay_out_open_part(self) -> None:
        inside = QVBoxLayout(self._open_part)
        inside.setContentsMargins(14, 10, 14, 10)
        inside.setSpacing(8)
        inside.addWidget(self._words(_WHY))
        self._lines.setColumnStretch(1, 1)
        self._lines.setHorizontalSpacing(10)
        inside.addLayout(self._lines)
        row = QHBoxLayout()
        row.addWidget(self.understood, 0, Qt.AlignmentFlag.AlignTop)
        warning = self._words(self._content.warning.removeprefix("I understand "))
        warning.setObjectName("name")
        row.addWidget(warning, 1)
        inside.addLayout(row)

    def _words(self, text: str, *, role: str = "text") -> QLabel:
        label = QLabel(text)
        label.setProperty("role", role)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        return label
