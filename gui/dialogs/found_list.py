"""The list of machines that were found, with check marks that stay while the list grows."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from gui.small_parts.plain_tips import plain_tip
from gui.texts.translation import mark, tr
from gui.theme import Appearance
from gui.what_to_show.remote.found_machines_content import FoundRowContent

_COLUMNS = (mark("Machine"), mark("Address"), mark("Found by"), mark("What is on it"))


class FoundList(QTreeWidget):
    """Rows of ``FoundRowContent``. Space and clicks check; a machine is known by any of its names."""

    checks_changed = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._contents: tuple[FoundRowContent, ...] = ()
        self._checked: set[str] = set()
        self._filling = False
        self.setColumnCount(len(_COLUMNS))
        self.setHeaderLabels([tr(title) for title in _COLUMNS])
        self.setRootIsDecorated(False)
        self.setAccessibleName(tr("Machines that were found"))
        header = self.header()
        header.setSectionsMovable(False)
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.itemChanged.connect(self._changed)
        appearance.changed.connect(self._fit_columns)
        self._fit_columns()

    @property
    def checked(self) -> tuple[FoundRowContent, ...]:
        """The rows that are checked and can be added."""
        return tuple(content for content in self._contents if content.can_be_added and content.keys & self._checked)

    def show_rows(self, contents: tuple[FoundRowContent, ...]) -> None:
        """Show them, if they are others."""
        if contents == self._contents:
            return
        current = self._keys_at(self.currentIndex().row())
        self._contents = contents
        self._filling = True
        self.clear()
        for content in contents:
            self.addTopLevelItem(self._item_of(content))
        self._filling = False
        for place, content in enumerate(contents):
            item = self.topLevelItem(place)
            if item is not None and content.keys & current:  # the machine, not the row: a search puts others in front of it
                self.setCurrentItem(item)
                break
        self.checks_changed.emit()

    def _keys_at(self, row: int) -> frozenset[str]:
        return self._contents[row].keys if 0 <= row < len(self._contents) else frozenset()

    def _item_of(self, content: FoundRowContent) -> QTreeWidgetItem:
        on_it = ", ".join(content.things)
        lines = (content.why_not, *content.things) if content.why_not else (content.things or ("–",))
        item = QTreeWidgetItem([content.name, content.addresses, content.ways, "\n".join(lines)])
        for column in range(len(_COLUMNS)):
            item.setToolTip(column, plain_tip(item.text(column)))
            item.setTextAlignment(column, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            if not content.can_be_added:
                item.setForeground(column, self._appearance.colour("disabled"))
        if content.can_be_added:
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            checked = bool(content.keys & self._checked)
            item.setCheckState(0, Qt.CheckState.Checked if checked else Qt.CheckState.Unchecked)
        words = f"{content.name}, {content.addresses}. {content.why_not} {on_it}".replace("\n", ", ")
        item.setData(0, Qt.ItemDataRole.AccessibleTextRole, words)
        return item

    def _changed(self, item: QTreeWidgetItem, column: int) -> None:
        if self._filling or column != 0:
            return
        content = self._contents[self.indexOfTopLevelItem(item)]
        if item.checkState(0) == Qt.CheckState.Checked:
            self._checked |= content.keys
        else:
            self._checked -= content.keys
        self.checks_changed.emit()

    def _fit_columns(self) -> None:
        for column, width in enumerate((170, 130, 130)):
            self.setColumnWidth(column, self._appearance.pixels(width))
