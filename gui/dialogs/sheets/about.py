"""About Crossply: versions, llama.cpp's build on each machine, licences; all of it can be copied."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from gui.assets import application_icon
from gui.small_parts.copy_button import CopyButton
from gui.small_parts.plain_label import PlainLabel
from gui.texts.translation import mark, tr
from gui.theme import Appearance
from gui.what_to_show.settings.about_content import AboutContent, about_as_text

_SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse
_WORDS = mark("Turns the machines of a lab into one llama.cpp host.")


class About(QDialog):
    """Shows an ``AboutContent``."""

    def __init__(self, content: AboutContent, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("About Crossply"))
        mark = PlainLabel()
        mark.setPixmap(application_icon().pixmap(appearance.pixels(40), appearance.pixels(40)))
        name = PlainLabel("Crossply")
        name.setObjectName("brand")
        words = PlainLabel(tr(_WORDS))
        words.setProperty("role", "muted")
        words.setWordWrap(True)
        title = QVBoxLayout()
        title.setSpacing(0)
        title.addWidget(name)
        title.addWidget(words)
        head = QHBoxLayout()
        head.setSpacing(14)
        head.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(title, 1)
        inside = QWidget()
        inside.setObjectName("page")
        lists = QVBoxLayout(inside)
        lists.setContentsMargins(20, 8, 20, 8)
        lists.setSpacing(10)
        for heading, lines in (
            (tr("Versions"), content.versions),
            (tr("llama.cpp on each machine"), content.machines),
            (tr("Licences"), content.licences),
        ):
            lists.addWidget(_heading(heading))
            lists.addLayout(_lines(lines))
        lists.addStretch(1)
        self.list = QScrollArea()
        self.list.setWidgetResizable(True)
        self.list.setObjectName("read")
        self.list.setAccessibleName(tr("Versions and licences"))
        self.list.setWidget(inside)
        self.copy_text = CopyButton(tr("Copy as text"), tr("versions and builds, for a bug report"))
        self.copy_text.show_text(about_as_text(content))
        self.copy_text.setAutoDefault(False)
        self.close_button = QPushButton(tr("Close"))
        self.close_button.setDefault(True)
        self.close_button.clicked.connect(self.accept)
        foot = QHBoxLayout()
        foot.addWidget(self.copy_text)
        foot.addStretch(1)
        foot.addWidget(self.close_button)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 16, 0, 14)
        for part in (head, foot):
            part.setContentsMargins(20, 0, 20, 0)
        box.addLayout(head)
        box.addWidget(self.list, 1)
        box.addLayout(foot)
        self.close_button.setFocus()
        room = self.screen().availableSize()
        self.resize(min(appearance.pixels(560), room.width() - 40), min(appearance.pixels(560), room.height() - 60))


def _heading(text: str) -> QLabel:
    label = PlainLabel(text)
    label.setObjectName("title")
    return label


def _lines(lines: Sequence[tuple[str, str]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(2)
    grid.setColumnStretch(1, 1)
    for place, (what, which) in enumerate(lines):
        left, right = PlainLabel(what), PlainLabel(which)
        left.setProperty("role", "muted")
        for label in (left, right):
            label.setTextInteractionFlags(_SELECTABLE)
        right.setWordWrap(True)
        grid.addWidget(left, place, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(right, place, 1, Qt.AlignmentFlag.AlignTop)
    return grid
