"""A list of folders that one adds to and takes from."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QListWidget, QPushButton, QVBoxLayout, QWidget

from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.plain_tips import plain_tip
from gui.texts.translation import tr

_SHOWN_LINES = 3


class FolderList(QWidget):
    """``changed`` carries all folders there are then."""

    changed = Signal(object)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folders: tuple[str, ...] = ()
        self.list = QListWidget()
        self.list.setAccessibleName(title)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.none = PlainLabel(tr("None added."))
        self.none.setProperty("role", "muted")
        self.add = QPushButton(tr("Add…"))
        self.add.setToolTip(tr("Choose a folder"))
        self.add.setAccessibleName(tr("{title}: add a folder", title=title))
        self.take = QPushButton(tr("Remove"))
        self.take.setToolTip(tr("Take the chosen folder off the list (Del); the folder itself stays"))
        self.take.setAccessibleName(tr("{title}: take the chosen folder off the list", title=title))
        for button in (self.add, self.take):
            button.setAutoDefault(False)
        self.setFocusProxy(self.add)
        buttons = QHBoxLayout()
        buttons.addWidget(self.add)
        buttons.addWidget(self.take)
        buttons.addStretch(1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(self.none)
        box.addWidget(self.list)
        box.addLayout(buttons)
        self.add.clicked.connect(self._choose)
        self.take.clicked.connect(self._take)
        self.list.currentRowChanged.connect(lambda row: self.take.setEnabled(row >= 0))
        delete = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self.list)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self._take)

    def show_folders(self, folders: tuple[str, ...]) -> None:
        """These; the chosen line stays chosen where it can."""
        if folders != self._folders:
            row = self.list.currentRow()
            self._folders = folders
            self.list.clear()
            for folder in folders:
                self.list.addItem(folder)
                self.list.item(self.list.count() - 1).setToolTip(plain_tip(folder))
            self.list.setCurrentRow(min(row, len(folders) - 1))
        self.none.setVisible(not folders)
        self.list.setVisible(bool(folders))
        self.take.setVisible(bool(folders))
        self.take.setEnabled(self.list.currentRow() >= 0)
        line_height = max(0, self.list.sizeHintForRow(0))
        self.list.setFixedHeight(min(_SHOWN_LINES, len(folders)) * line_height + 2 * self.list.frameWidth() + 4)

    def add_folder(self, folder: str) -> None:
        """At the end, once."""
        if folder and folder not in self._folders:
            self.changed.emit((*self._folders, folder))

    def _choose(self) -> None:
        self.add_folder(QFileDialog.getExistingDirectory(self, tr("A folder with models")))

    def _take(self) -> None:
        row = self.list.currentRow()
        if row >= 0:
            self.changed.emit((*self._folders[:row], *self._folders[row + 1 :]))
