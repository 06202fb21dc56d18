"""One curve of tokens per second with its prediction as a dashed line: the only file that knows pyqtgraph.

pyqtgraph takes 0.4 s to import, so this module is imported after the window is shown (``gui.tabs.throughput_tab``).
A missing sample is NaN and drawn as a gap. Rejected: decode and prefill on one axis (they differ by a factor of thirty: decode
would be a flat line), and two axes in one plot (nobody reads the right one).
"""

from __future__ import annotations

import math

import numpy
import pyqtgraph
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from gui.theme import Appearance
from gui.what_to_show.throughput_content import CurveContent

_SHOWN_SECONDS = 600
_LEAST_SECONDS = 60
_VEIL_ALPHA = 190


class _AgoAxis(pyqtgraph.AxisItem):  # type: ignore[misc] # pyqtgraph has no types
    """Seconds before now as words: ``now``, ``50 s``, ``5 min``."""

    def tickStrings(self, values: list[float], _scale: float, _spacing: float) -> list[str]:
        return [_ago(-value) for value in values]


def _ago(seconds: float) -> str:
    if seconds <= 0:
        return "now"
    return f"{seconds / 60:.0f} min" if seconds >= 60 and seconds % 60 == 0 else f"{seconds:.0f} s"


def _tick_seconds(shown: float) -> tuple[float, float]:
    major = next(step for step in (15, 30, 60, 120) if shown / step <= 6 or step == 120)
    return float(major), float(major)


class ThroughputChart(pyqtgraph.PlotWidget):  # type: ignore[misc] # pyqtgraph has no types
    """Shows a ``CurveContent``."""

    def __init__(self, appearance: Appearance, colour_number: int, parent: QWidget | None = None) -> None:
        super().__init__(parent, axisItems={"bottom": _AgoAxis("bottom")})
        self._appearance = appearance
        self._colour_number = colour_number
        self._content: CurveContent | None = None
        self._line = self.plot([], [], connect="finite")
        self._dots = pyqtgraph.ScatterPlotItem(size=4)
        self.addItem(self._dots)
        self._predicted = pyqtgraph.InfiniteLine(angle=0, movable=False)
        self._predicted_label = pyqtgraph.InfLineLabel(self._predicted, text="", position=0.02, anchors=[(0, 1), (0, 1)])
        self._predicted.setVisible(False)
        self.addItem(self._predicted, ignoreBounds=True)
        self._set_up()
        appearance.changed.connect(self._paint_colours)
        self._paint_colours()

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def minimumSizeHint(self) -> QSize:
        return QSize(self._appearance.pixels(160), self._appearance.pixels(90))

    def show_content(self, content: CurveContent) -> None:
        """Draw it, if it is another one."""
        if content == self._content:
            return
        self._content = content
        self.setAccessibleName(content.title)
        rates = numpy.array([math.nan if rate is None else rate for rate in content.rates], dtype=float)
        seconds = numpy.array(content.seconds, dtype=float)
        self._line.setData(seconds, rates)
        known = numpy.isfinite(rates)
        self._dots.setData([at for at, _rate in content.dots], [rate for _at, rate in content.dots])
        self._predicted.setVisible(content.predicted is not None)
        if content.predicted is not None:
            self._predicted.setValue(content.predicted)
            self._predicted_label.setText(content.predicted_words)
        self._fit(content, rates[known])

    def _fit(self, content: CurveContent, known: object) -> None:
        top = max((float(rate) for rate in numpy.asarray(known)), default=0.0)
        top = max(top, content.predicted or 0.0, 1.0)
        oldest = min(content.seconds, default=0.0)
        shown = max(_LEAST_SECONDS, min(_SHOWN_SECONDS, -oldest))
        self.setXRange(-shown, 0, padding=0.04)
        self.getAxis("bottom").setTickSpacing(*_tick_seconds(shown))
        self.setYRange(0, top * 1.2, padding=0)

    def _set_up(self) -> None:
        self.setMouseEnabled(x=False, y=False)
        self.hideButtons()
        self.setMenuEnabled(False)
        self.setFrameShape(self.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.showGrid(x=False, y=True, alpha=0.25)
        self.setAntialiasing(True)
        self.getPlotItem().getAxis("left").setWidth(self._appearance.pixels(44))

    def _paint_colours(self) -> None:
        colour = self._appearance.worker_colour(self._colour_number)
        muted = self._appearance.colour("muted")
        self.setBackground(self._appearance.colour("panel"))
        self._line.setPen(pyqtgraph.mkPen(colour, width=2))
        self._dots.setBrush(colour)
        self._dots.setPen(pyqtgraph.mkPen(None))
        self._predicted.setPen(pyqtgraph.mkPen(muted, width=1, style=Qt.PenStyle.DashLine))
        self._predicted_label.setColor(muted)
        veil = self._appearance.colour("panel")
        veil.setAlpha(_VEIL_ALPHA)
        self._predicted_label.fill = pyqtgraph.mkBrush(veil)
        font = self.font()
        font.setPixelSize(self._appearance.pixels(12))
        for name in ("left", "bottom"):
            axis = self.getAxis(name)
            axis.setPen(pyqtgraph.mkPen(QColor(self._appearance.colour("grid"))))
            axis.setTextPen(pyqtgraph.mkPen(muted))
            axis.setTickFont(font)
