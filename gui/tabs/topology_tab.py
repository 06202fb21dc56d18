"""The topology tab: a drawing where there is room, else a list, which can be chosen too: it says everything in words."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from gui.charts.topology_chart import TopologyChart
from gui.small_parts.copy_button import CopyButton
from gui.small_parts.small_widgets import ElidedLabel
from gui.small_parts.text_table import TextTable
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.tabs.topology_content import TopologyContent, column_titles


class TopologyTab(QWidget):
    """Shows a ``TopologyContent``."""

    machine_chosen = Signal(str)
    """Its card is wanted."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content: TopologyContent | None = None
        self._summary = ElidedLabel(role="muted")
        self.as_list = QPushButton(tr("List"))
        self.as_list.setCheckable(True)
        self.as_list.setToolTip(tr("Every machine and its link in words"))
        self.copy = CopyButton(tr("Copy as text"), tr("the list, tab-separated"))
        self.chart = TopologyChart(appearance)
        self.table = TextTable(tr("Machines and their links"))
        self._pages = QStackedWidget()
        self._pages.addWidget(self.chart)
        self._pages.addWidget(self.table)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._summary, 1)
        head.addWidget(self.copy)
        head.addWidget(self.as_list)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 6, 0, 0)
        box.setSpacing(6)
        box.addLayout(head)
        box.addWidget(self._pages, 1)
        self.as_list.toggled.connect(lambda _on: self._turn())
        self.chart.chosen.connect(self.machine_chosen)
        self.table.activated.connect(self._choose_row)
        self.table.clicked.connect(self._choose_row)
        appearance.changed.connect(self._turn)

    def show_content(self, content: TopologyContent) -> None:
        """Show it, if it is another one."""
        if content == self._content:
            return
        self._content = content
        self.copy.show_text("\n".join("\t".join(cells) for cells in (column_titles(), *(m.cells for m in content.machines))))
        self.chart.show_content(content)
        self.table.show_rows(
            column_titles(), [machine.cells for machine in content.machines], [m.words for m in content.machines]
        )
        self._turn()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._turn()

    @property
    def is_list(self) -> bool:
        """Whether the list is in front."""
        return self._pages.currentWidget() is self.table

    def _turn(self) -> None:
        if self._content is None:
            return
        fits = self.chart.has_room_for(len(self._content.machines))
        self._pages.setCurrentWidget(self.chart if fits and not self.as_list.isChecked() else self.table)
        self.as_list.setEnabled(fits)
        summary = self._content.empty or self._content.summary
        self._summary.show_text(
            summary if fits else tr("{summary} · listed: there is no room here to draw so many", summary=summary)
        )

    def _choose_row(self, index: QModelIndex) -> None:
        if self._content is not None and index.row() < len(self._content.machines):
            self.machine_chosen.emit(self._content.machines[index.row()].machine_id)
