"""Add machines: by typing an address, or by checking what a search of the network finds. One Add button for both.

The search begins when the dialog opens and ends with it. Rejected: two dialogs, "find" and "add" (people type an address when
the search does not find the machine, and look for it when they do not know the address).
"""

from __future__ import annotations

import getpass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gui.dialogs.found_list import FoundList
from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.plain_tips import plain_tip
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.remote.found_machines_content import Additions, AddMachinesContent, additions_of, user_to_offer


class AddMachines(QDialog):
    """Shows an ``AddMachinesContent``."""

    find_asked = Signal(bool)
    """Whether larger networks are searched too."""
    stop_asked = Signal()
    added = Signal(object)
    """A tuple of ``SshTarget``."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._content: AddMachinesContent | None = None
        self._user_changed = False
        self.setWindowTitle(tr("Add machines"))
        self.address = QLineEdit()
        self.address.setPlaceholderText("user@host:port")
        self.address.setAccessibleName(tr("Address: user@host:port"))
        self.problem = PlainLabel()
        self.problem.setWordWrap(True)
        self.list = FoundList(appearance)
        self.nothing = PlainLabel()
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setProperty("role", "muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Search of the network"))
        self.detail = PlainLabel()
        self.detail.setProperty("role", "muted")
        self.again = QPushButton(tr("Search again"))
        self.stop = QPushButton(tr("Stop"))
        self.wide = QPushButton(tr("Search larger networks too"))
        for button in (self.again, self.stop, self.wide):
            button.setObjectName("link")
            button.setAutoDefault(False)
        self.user = QLineEdit()
        self.user.setAccessibleName(tr("User name on the checked machines"))
        self.user.setPlaceholderText(tr("as ssh says"))
        self.user.setToolTip(
            plain_tip(tr("Empty: the user of ~/.ssh/config for each machine, else {user}", user=getpass.getuser()))
        )
        self.user.setMaximumWidth(appearance.pixels(180))
        self.add = QPushButton(tr("Add machine"))
        self.add.setObjectName("primary")
        self.add.setDefault(True)
        self.cancel = QPushButton(tr("Cancel"))
        self.cancel.setAutoDefault(False)
        self._lay_out()
        self._connect()
        self._weigh()
        self.resize(appearance.pixels(840), appearance.pixels(540))

    def show_content(self, content: AddMachinesContent) -> None:
        """Show it, if it is another one."""
        if content == self._content:
            return
        self._content = content
        self.list.show_rows(content.rows)
        self.nothing.setText(content.nothing)
        self.nothing.setVisible(bool(content.nothing))
        self.list.setVisible(not content.nothing)
        self.bar.setVisible(content.running)
        self.bar.setRange(0, 0 if content.fraction is None else 1000)
        self.bar.setValue(round((content.fraction or 0.0) * 1000))
        self.detail.setText(content.detail)
        self.stop.setVisible(content.running)
        self.again.setVisible(not content.running)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not event.spontaneous():  # opened, and not only brought back from being minimised
            self.address.setFocus()
            self.find_asked.emit(False)

    def done(self, result: int) -> None:
        """The search ends with the dialog."""
        self.stop_asked.emit()
        super().done(result)

    def _weigh(self) -> None:
        """What Add would do now."""
        if not self._user_changed:
            self.user.setText(user_to_offer(self.list.checked))
        additions = self._additions()
        self.add.setText(additions.button)
        self.add.setEnabled(bool(additions.targets) or bool(additions.problem))
        self.user.setEnabled(bool(self.list.checked))
        if not additions.problem:  # else what is wrong stays said while the search goes on
            self._say("")

    def _additions(self) -> Additions:
        return additions_of(self.address.text(), self.list.checked, self.user.text() if self._user_changed else None)

    def _say(self, problem: str) -> None:
        self.problem.setText(problem or tr("An SSH account is enough: nothing needs to be installed there."))
        self.problem.setProperty("role", "bad" if problem else "muted")
        self.address.setProperty("invalid", "true" if problem else "false")
        for part in (self.problem, self.address):
            part.style().unpolish(part)
            part.style().polish(part)

    def _add(self) -> None:
        additions = self._additions()
        if additions.problem:
            self._say(additions.problem)
        elif additions.targets:
            self.added.emit(additions.targets)
            self.accept()

    def _address_typed(self) -> None:
        self._say("")
        self._weigh()

    def _user_typed(self) -> None:
        self._user_changed = True
        self._weigh()

    def _connect(self) -> None:
        self.address.textChanged.connect(self._address_typed)
        self.list.checks_changed.connect(self._weigh)
        self.user.textEdited.connect(self._user_typed)
        self.again.clicked.connect(lambda: self.find_asked.emit(False))
        self.wide.clicked.connect(lambda: self.find_asked.emit(True))
        self.wide.setToolTip(tr("Networks of more than 254 addresses take longer: it can be stopped at any time"))
        self.stop.clicked.connect(self.stop_asked)
        self.add.clicked.connect(self._add)
        self.cancel.clicked.connect(self.reject)

    def _lay_out(self) -> None:
        typed = QGridLayout()
        typed.setHorizontalSpacing(12)
        typed.setVerticalSpacing(4)
        typed.addWidget(self._title(tr("By address")), 0, 0)
        typed.addWidget(self.address, 0, 1)
        typed.addWidget(self.problem, 1, 1)
        typed.setColumnStretch(1, 1)
        head = QHBoxLayout()
        head.addWidget(self._title(tr("On the network")))
        head.addWidget(self.detail, 1)
        for button in (self.stop, self.again, self.wide):
            head.addWidget(button)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        label = PlainLabel(tr("User name on the checked machines"))
        label.setBuddy(self.user)
        foot.addWidget(label)
        foot.addWidget(self.user)
        foot.addStretch(1)
        foot.addWidget(self.cancel)
        foot.addWidget(self.add)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(8)
        box.addLayout(typed)
        box.addSpacing(6)
        box.addLayout(head)
        box.addWidget(self.bar)
        box.addWidget(self.list, 1)
        box.addWidget(self.nothing, 1)
        box.addLayout(foot)

    def _title(self, text: str) -> QLabel:
        label = PlainLabel(text)
        label.setObjectName("name")
        return label
