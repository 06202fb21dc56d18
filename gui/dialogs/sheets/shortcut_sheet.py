"""The shortcut sheet: every key that does something, to be read."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from gui.small_parts.plain_label import PlainLabel
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.actions.shortcuts_content import ShortcutGroup, either

_KEY_CHARACTERS = 22
_NARROW_SCALE = 1.5
"""From this text size on there is one column."""


class ShortcutSheet(QDialog):
    """Shows ``ShortcutGroup``s in two columns. Not modal: it may stay beside the window."""

    def __init__(
        self,
        groups: tuple[ShortcutGroup, ...],
        written: Callable[[str], str],
        appearance: Appearance,
        parent: QWidget | None = None,
    ) -> None:
        """``written``: a shortcut as this system writes it."""
        super().__init__(parent)
        self._written = written
        self.setWindowTitle(tr("Keyboard shortcuts"))
        inside = QWidget()
        inside.setObjectName("page")
        columns = QHBoxLayout(inside)
        columns.setContentsMargins(20, 16, 20, 8)
        columns.setSpacing(32)
        for some in _halves(groups) if appearance.text_scale < _NARROW_SCALE else (groups,):
            column = QVBoxLayout()
            column.setSpacing(14)
            for group in some:
                column.addLayout(self._group(group))
            column.addStretch(1)
            columns.addLayout(column, 1)
        self.list = QScrollArea()
        self.list.setWidgetResizable(True)
        self.list.setObjectName("read")
        self.list.setAccessibleName(tr("Keyboard shortcuts"))
        self.list.setWidget(inside)
        self.close_button = QPushButton(tr("Close"))
        self.close_button.clicked.connect(self.accept)
        foot = QHBoxLayout()
        foot.setContentsMargins(20, 4, 20, 14)
        foot.addStretch(1)
        foot.addWidget(self.close_button)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.list, 1)
        box.addLayout(foot)
        self.close_button.setFocus()
        wanted = inside.sizeHint().expandedTo(QSize(appearance.pixels(760), 0))
        room = self.screen().availableSize()
        self.resize(
            min(wanted.width() + appearance.pixels(24), room.width() - 40),
            min(wanted.height() + appearance.pixels(60), room.height() - 60),
        )

    def _group(self, group: ShortcutGroup) -> QVBoxLayout:
        title = PlainLabel(group.title)
        title.setObjectName("title")
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        grid.setColumnMinimumWidth(0, self.fontMetrics().averageCharWidth() * _KEY_CHARACTERS)
        for place, (keys, words) in enumerate(group.lines):
            key_label, meaning = PlainLabel(either(tuple(self._written(key) for key in keys))), PlainLabel(words)
            key_label.setObjectName("name")
            meaning.setWordWrap(True)
            grid.addWidget(key_label, place, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(meaning, place, 1, Qt.AlignmentFlag.AlignTop)
        box = QVBoxLayout()
        box.setSpacing(4)
        box.addWidget(title)
        box.addLayout(grid)
        return box


def _halves(groups: tuple[ShortcutGroup, ...]) -> tuple[tuple[ShortcutGroup, ...], tuple[ShortcutGroup, ...]]:
    """Two columns of about the same height, in reading order."""
    heights = [2 + len(group.lines) for group in groups]
    places = range(1, len(groups))
    at = min(places, key=lambda place: abs(sum(heights[:place]) - sum(heights[place:])), default=len(groups))
    return groups[:at], groups[at:]
