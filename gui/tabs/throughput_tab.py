"""The throughput tab: curves over time, the same as a table, and the figures that are compared with the prediction.

The curves are made after the window is up (``make_charts``): pyqtgraph's import must not delay the first sight of the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gui.charts.legend import Legend
from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.plain_tips import plain_tip
from gui.small_parts.small_widgets import ElidedLabel
from gui.small_parts.text_table import TextTable
from gui.tabs.throughput_bar import ThroughputBar
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.tabs.throughput_content import FigureContent, ThroughputContent
from gui.what_to_show.watching.charts import ChartContent, Unit
from gui.what_to_show.watching.figures_table import FiguresTable

if TYPE_CHECKING:
    from gui.charts.throughput_chart import ThroughputChart

_IN_ONE_ROW = 760
_ANY_WIDTH = 16_777_215
_STRETCHES = (3, 2, 2)
_ONE_ROW = ((0, 0, 2, 1), (0, 1, 2, 1), (0, 2, 1, 1), (1, 2, 1, 1))
_TWO_ROWS = ((0, 0, 1, 1), (0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 1, 1))
"""Row, column, rows, columns of each chart."""


class ChartBlock(QWidget):
    """A chart under its title, with the names of its curves, or the sentence that stands for it."""

    def __init__(self, appearance: Appearance, chart: ThroughputChart, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chart = chart
        self.title = ""
        """What is drawn."""
        self._title = ElidedLabel(role="muted")
        self._legend = Legend(appearance)
        self.empty = PlainLabel()
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setProperty("role", "muted")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._title, 1)
        head.addWidget(self._legend, 1)
        self._pages = QStackedWidget()
        self._pages.addWidget(chart)
        self._pages.addWidget(self.empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(head)
        appearance.changed.connect(self._fit_title)
        column.addWidget(self._pages, 1)

    @property
    def is_empty(self) -> bool:
        """Whether a sentence stands for the chart."""
        return self._pages.currentIndex() == 1

    def show_content(self, content: ChartContent) -> None:
        """Show it."""
        self.title = content.title
        self._legend.setVisible(content.unit is not Unit.RATE and not content.empty)
        self._fit_title()
        self._title.show_text(content.title)
        self._legend.show_lines(content.lines)
        self.empty.setText(content.empty)
        self._pages.setCurrentIndex(1 if content.empty else 0)
        if not content.empty:
            self.chart.show_content(content)

    def _fit_title(self) -> None:
        """Beside names of curves it takes no more than it needs."""
        width = self._title.fontMetrics().horizontalAdvance(self.title) + 4
        self._title.setMaximumWidth(_ANY_WIDTH if self._legend.isHidden() else width)
        self._title.setMinimumWidth(0 if self._legend.isHidden() else width)


class ThroughputTab(QWidget):
    """Shows a ``ThroughputContent``, or a ``FiguresTable`` while ``bar.as_table`` is on."""

    changed = Signal()
    """Another window of time, or the table instead of the curves: its content is wanted anew."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._content: ThroughputContent | None = None
        self.blocks: tuple[ChartBlock, ...] = ()
        self._figures: list[tuple[QLabel, QLabel, QLabel]] = []
        self.bar = ThroughputBar(appearance)
        self.empty = PlainLabel()
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setProperty("role", "muted")
        self.empty.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.table = TextTable(tr("Throughput, as a table"))
        self._grid_page = QWidget()
        self._grid = QGridLayout(self._grid_page)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)
        self._pages = QStackedWidget()
        for page in (self.empty, self._grid_page, self.table):
            self._pages.addWidget(page)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 6, 0, 0)
        box.setSpacing(4)
        box.addWidget(self.bar)
        box.addWidget(self._scrolling(), 1)
        self.bar.window_chosen.connect(lambda _window: self.changed.emit())
        self.bar.as_table.toggled.connect(self._turn)
        appearance.changed.connect(self._arrange)

    @property
    def charts(self) -> tuple[ThroughputChart, ...] | None:
        """Decode, prefill, busy, network; ``None`` before ``make_charts``."""
        return tuple(block.chart for block in self.blocks) or None

    @property
    def content(self) -> ThroughputContent | None:
        """What is shown."""
        return self._content

    @property
    def table_in_front(self) -> bool:
        """Whether the table is wanted and there is something in it."""
        return self._pages.currentWidget() is self.table

    def make_charts(self) -> None:
        """Import pyqtgraph and put the curves in their place."""
        from gui.charts.throughput_chart import ThroughputChart  # noqa: PLC0415 - 0.4 s: after the window is shown

        charts = [ThroughputChart(self._appearance, small=place > 1, words_at_marks=place == 0) for place in range(4)]
        self.blocks = tuple(ChartBlock(self._appearance, chart) for chart in charts)
        self._arrange()
        if self._content is not None:
            self._show_curves(self._content)

    def show_content(self, content: ThroughputContent) -> None:
        """Show it, if it is another one."""
        if content == self._content:
            return
        self._content = content
        self.bar.show_window(content.window)
        self.bar.show_can_save(not content.empty)
        self._figure_box.setVisible(bool(content.figures))
        for labels, figure in zip(self._figures, content.figures, strict=False):
            _show_figure(labels, figure)
        self._show_curves(content)

    def show_table(self, table: FiguresTable) -> None:
        """The same as a table, newest first."""
        if table.rows != tuple(reversed(self.table.texts.rows)):
            self.table.show_rows(table.titles, tuple(reversed(table.rows)), numbers=range(1, len(table.titles) - 1))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _show_curves(self, content: ThroughputContent) -> None:
        self.empty.setText(content.empty)
        self._turn()
        for block, chart in zip(self.blocks, content.charts, strict=False):
            block.show_content(chart)

    def _turn(self, _on: bool = False) -> None:
        """Which page is in front."""
        empty = self._content is None or bool(self._content.empty)
        page = 0 if empty or not self.blocks else (2 if self.bar.as_table.isChecked() else 1)
        if page != self._pages.currentIndex():
            self._pages.setCurrentIndex(page)
            self.changed.emit()

    def _arrange(self) -> None:
        """One row where there is room: decode, prefill, and the two small ones above each other; else two rows."""
        wide = self.width() >= self._appearance.pixels(_IN_ONE_ROW)
        places = _ONE_ROW if wide else _TWO_ROWS
        for block, place in zip(self.blocks, places, strict=False):
            self._grid.addWidget(block, *place)
        for column, stretch in enumerate(_STRETCHES):
            self._grid.setColumnStretch(column, stretch if wide else int(column < 2))

    def _scrolling(self) -> QScrollArea:
        """Curves and figures: where the window is too small for them, or the text too large, they scroll."""
        inside = QWidget()
        inside.setObjectName("clear")
        row = QHBoxLayout(inside)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(16)
        row.addWidget(self._pages, 1)
        self._figure_box = self._make_figures()
        row.addWidget(self._figure_box)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inside)
        return scroll

    def _make_figures(self) -> QWidget:
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(0)
        for place in range(3):
            value, unit, comparison = PlainLabel("–"), PlainLabel(), PlainLabel()
            value.setObjectName("figure")
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            unit.setAlignment(Qt.AlignmentFlag.AlignBottom)
            comparison.setAlignment(Qt.AlignmentFlag.AlignTop)
            comparison.setProperty("role", "muted")
            grid.addWidget(value, 3 * place, 0, 2, 1)
            grid.addWidget(unit, 3 * place, 1)
            grid.addWidget(comparison, 3 * place + 1, 1)
            grid.setRowMinimumHeight(3 * place + 2, 12)
            self._figures.append((value, unit, comparison))
        grid.setRowStretch(9, 1)
        return box


def _show_figure(labels: tuple[QLabel, QLabel, QLabel], figure: FigureContent) -> None:
    value, unit, comparison = labels
    value.setText(figure.value)
    value.setToolTip(plain_tip(figure.words))
    value.setAccessibleName(f"{figure.value} {figure.unit}, {figure.comparison}")
    unit.setText(figure.unit)
    comparison.setText(figure.comparison)
