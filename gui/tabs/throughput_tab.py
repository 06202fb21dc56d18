"""The throughput tab: two curves, and the figures that are compared with the prediction.

The curves are made after the window is up (``make_charts``): pyqtgraph's import must not delay the first sight of the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gui.small_parts.small_widgets import ElidedLabel
from gui.theme import Appearance
from gui.what_to_show.throughput_content import FigureContent, ThroughputContent

if TYPE_CHECKING:
    from gui.charts.throughput_chart import ThroughputChart

_DECODE_COLOUR, _PREFILL_COLOUR = 0, 5


class ThroughputTab(QWidget):
    """Shows a ``ThroughputContent``."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._content: ThroughputContent | None = None
        self._charts: tuple[ThroughputChart, ThroughputChart] | None = None
        self._figures: list[tuple[QLabel, QLabel, QLabel]] = []
        self.empty = QLabel()
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setProperty("role", "muted")
        self.empty.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._chart_row = QHBoxLayout()
        self._chart_row.setSpacing(16)
        self._chart_row.addWidget(self.empty, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 6, 0, 0)
        row.setSpacing(16)
        row.addLayout(self._chart_row, 1)
        row.addLayout(self._figure_grid())

    @property
    def charts(self) -> tuple[ThroughputChart, ThroughputChart] | None:
        """Decode and prefill, or ``None`` before ``make_charts``."""
        return self._charts

    def make_charts(self) -> None:
        """Import pyqtgraph and put the two curves in their place."""
        from gui.charts.throughput_chart import ThroughputChart  # noqa: PLC0415 - 0.4 s: after the window is shown

        decode = ThroughputChart(self._appearance, _DECODE_COLOUR)
        prefill = ThroughputChart(self._appearance, _PREFILL_COLOUR)
        self._charts = (decode, prefill)
        for title, chart in (("Decode, tokens per second", decode), ("Prefill, tokens per second", prefill)):
            column = QVBoxLayout()
            column.setSpacing(2)
            label = ElidedLabel(title, role="muted")
            column.addWidget(label)
            column.addWidget(chart, 1)
            holder = QWidget()
            holder.setLayout(column)
            column.setContentsMargins(0, 0, 0, 0)
            self._chart_row.addWidget(holder, 1)
        if self._content is not None:
            self._show_curves(self._content)

    def show_content(self, content: ThroughputContent) -> None:
        """Show it, if it is another one."""
        if content == self._content:
            return
        self._content = content
        for labels, figure in zip(self._figures, content.figures, strict=True):
            _show_figure(labels, figure)
        self._show_curves(content)

    def _show_curves(self, content: ThroughputContent) -> None:
        self.empty.setText(content.empty)
        self.empty.setVisible(bool(content.empty))
        if self._charts is None:
            return
        for chart, curve in zip(self._charts, (content.decode, content.prefill), strict=True):
            chart.parentWidget().setVisible(not content.empty)
            chart.show_content(curve)

    def _figure_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(0)
        for place in range(3):
            value, unit, comparison = QLabel("–"), QLabel(), QLabel()
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
        return grid


def _show_figure(labels: tuple[QLabel, QLabel, QLabel], figure: FigureContent) -> None:
    value, unit, comparison = labels
    value.setText(figure.value)
    value.setToolTip(figure.words)
    value.setAccessibleName(f"{figure.value} {figure.unit}, {figure.comparison}")
    unit.setText(figure.unit)
    comparison.setText(figure.comparison)
