"""Every command line that is, or would be, run: selectable, each with a Copy button."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from gui.small_parts.copy_button import CopyButton
from gui.small_parts.plain_label import PlainLabel
from gui.texts.translation import tr
from gui.theme import Appearance, fixed_font
from gui.what_to_show.tabs.tabs_content import CommandContent, CommandsContent, commands_as_script


class CommandsTab(QWidget):
    """Shows a ``CommandsContent``; rebuilt when the commands change, which is rare."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._content: CommandsContent | None = None
        self.rows: list[QFrame] = []
        self.empty = PlainLabel()
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setProperty("role", "muted")
        self.empty.setWordWrap(True)
        self.copy_all = CopyButton(tr("Copy all as a script"), tr("all commands, one after the other"))
        inside = QWidget()
        inside.setObjectName("clear")
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(0, 0, 8, 0)
        self._list.setSpacing(0)
        self._list.addWidget(self.empty)
        self._list.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setObjectName("read")
        scroll.setWidget(inside)
        scroll.setAccessibleName(tr("Commands"))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 6, 0, 0)
        box.addWidget(scroll, 1)
        box.addWidget(self.copy_all, 0, Qt.AlignmentFlag.AlignRight)
        appearance.changed.connect(self._set_fonts)

    def show_content(self, content: CommandsContent) -> None:
        """Show it, if it is another one."""
        if content == self._content:
            return
        self._content = content
        for row in self.rows:
            self._list.removeWidget(row)
            row.deleteLater()
        self.rows = [self._row_of(command) for command in content.commands]
        for place, row in enumerate(self.rows):
            self._list.insertWidget(place, row)
            row.show()
        self._list.activate()
        self.empty.setText(content.empty)
        self.empty.setVisible(bool(content.empty))
        self.copy_all.show_text(commands_as_script(content))
        self.copy_all.setVisible(bool(content.commands))
        self._set_fonts()

    def _row_of(self, command: CommandContent) -> QFrame:
        row = QFrame()
        row.setObjectName("command")
        title = PlainLabel(command.title)
        title.setObjectName("name")
        words = PlainLabel(command.shell)
        words.setObjectName("shell")
        words.setWordWrap(True)
        words.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        words.setAccessibleName(tr("Command of {title}", title=command.title))
        copy = CopyButton(tr("Copy"), tr("the command of {title}", title=command.title))
        copy.show_text(command.shell)
        head = QHBoxLayout()
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(copy)
        box = QVBoxLayout(row)
        box.setContentsMargins(0, 4, 0, 6)
        box.setSpacing(2)
        box.addLayout(head)
        box.addWidget(words)
        return row

    def _set_fonts(self) -> None:
        for row in self.rows:
            for label in row.findChildren(QLabel, "shell"):
                label.setFont(fixed_font(self._appearance.pixels(12)))
