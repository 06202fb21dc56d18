"""The command palette: type what you want to do, Enter does it. What cannot be done is there too, and says why.

Rejected: hiding what cannot be done (one looks for it elsewhere and does not learn what is missing).
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QHeaderView, QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.plain_tips import plain_tip
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.actions.palette_content import PaletteRow, nothing_found

_MOVES = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class CommandPalette(QDialog):
    """``chosen`` carries the key of an action that can be done, after the palette has closed."""

    chosen = Signal(str)

    def __init__(
        self,
        rows_for: Callable[[str], tuple[PaletteRow, ...]],
        written: Callable[[str], str],
        appearance: Appearance,
        parent: QWidget | None = None,
    ) -> None:
        """``rows_for`` what was typed; ``written``: a shortcut as this system writes it."""
        super().__init__(parent)
        self._rows_for = rows_for
        self._written = written
        self._appearance = appearance
        self._rows: tuple[PaletteRow, ...] = ()
        self.setWindowTitle(tr("All actions"))
        self.field = QLineEdit()
        self.field.setPlaceholderText(tr("Type what you want to do"))
        self.field.setAccessibleName(tr("What do you want to do?"))
        self.field.setClearButtonEnabled(True)
        self.list = QTreeWidget()
        self.list.setColumnCount(3)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setAccessibleName(tr("Actions"))
        self.list.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # the arrow keys of the field move in it
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.nothing = PlainLabel()
        self.nothing.setProperty("role", "muted")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setWordWrap(True)
        self.reason = PlainLabel()
        self.reason.setProperty("role", "muted")
        self.reason.setWordWrap(True)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 12, 12, 12)
        box.setSpacing(8)
        box.addWidget(self.field)
        box.addWidget(self.list, 1)
        box.addWidget(self.nothing, 1)
        box.addWidget(self.reason)
        self._set_up_columns()
        self.field.textChanged.connect(self.show_matches)
        self.field.returnPressed.connect(self._take_current)
        self.field.installEventFilter(self)
        self.list.itemClicked.connect(self._take_current)
        self.list.itemActivated.connect(self._take_current)
        self.list.currentItemChanged.connect(self._explain)
        self.resize(appearance.pixels(620), appearance.pixels(430))
        self.show_matches()

    @property
    def current(self) -> PaletteRow | None:
        """The row that Enter would take."""
        item = self.list.currentItem()
        place = -1 if item is None else self.list.indexOfTopLevelItem(item)
        return self._rows[place] if 0 <= place < len(self._rows) else None

    def show_matches(self) -> None:
        """Rows for what is typed now; the first one is chosen."""
        typed = self.field.text()
        self._rows = self._rows_for(typed)
        self.list.clear()
        self.list.addTopLevelItems([self._item(row) for row in self._rows])
        self.list.setVisible(bool(self._rows))
        self.nothing.setText(nothing_found(typed))
        self.nothing.setVisible(not self._rows)
        first = self.list.topLevelItem(0)
        if first is not None:
            self.list.setCurrentItem(first)
        self._explain()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrow keys of the field move in the list."""
        moves = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in _MOVES
        if watched is self.field and moves:
            self.list.event(event)
            return True
        return super().eventFilter(watched, event)

    def _item(self, row: PaletteRow) -> QTreeWidgetItem:
        item = QTreeWidgetItem([f"✓ {row.words}" if row.chosen else row.words, row.where, self._written(row.shortcut)])
        item.setToolTip(0, plain_tip(row.why_not))
        item.setData(0, Qt.ItemDataRole.AccessibleTextRole, row.spoken)
        item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for column in (1, 2):
            item.setForeground(column, self._appearance.colour("muted"))
        if row.why_not:
            item.setForeground(0, self._appearance.colour("disabled"))
            item.setForeground(2, self._appearance.colour("disabled"))
        return item

    def _explain(self) -> None:
        row = self.current
        self.reason.setText("" if row is None else (row.why_not or tr("Enter: {words}", words=row.words)))

    def _take_current(self) -> None:
        row = self.current
        if row is not None and not row.why_not:
            self.accept()
            self.chosen.emit(row.key)

    def _set_up_columns(self) -> None:
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
