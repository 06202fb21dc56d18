"""Curves over the time of day, with a prediction as a dashed line and what happened as dated marks: the one file that knows
pyqtgraph.

pyqtgraph takes 0.4 s to import, so this module is imported after the window is shown (``gui.tabs.throughput_tab``). A missing
value is NaN and drawn as a gap. Rejected: decode and prefill on one axis (they differ by a factor of thirty: decode would be a
flat line), two axes in one plot (nobody reads the right one), and zooming by wheel (the wheel scrolls the page).
"""

from __future__ import annotations

import math

import numpy
import pyqtgraph
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFocusEvent, QFont, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QToolTip, QWidget

from gui.small_parts.plain_tips import plain_tip
from gui.theme import Appearance
from gui.what_to_show.watching.charts import (
    ChartContent,
    MarkContent,
    Unit,
    axis_text,
    nearest_place,
    spoken,
    tick_text,
    words_at,
)

_VEIL_ALPHA = 190
_TICK_STEPS = (5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
_PEN_STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)
"""The second mark beside the colour, as the patterns of the cards are."""


_Line = tuple[QPen, QPointF, QPointF]


class _Axis(pyqtgraph.AxisItem):  # type: ignore[misc] # pyqtgraph has no types
    """Draws its ticks itself: pyqtgraph records them and plays them back, with lines that let the ground shine through, which
    Qt blends pixel by pixel. That took 1.5 ms, more than all curves of a chart, and filled rectangles take a tenth."""

    def paint(self, painter: QPainter, _option: object, _widget: object) -> None:
        if self.picture is None:  # type: ignore[has-type] # pyqtgraph's mark for "something changed"
            self.picture = self.generateDrawSpecs(painter) or ()
        if self.picture:
            painter.save()
            self._draw(painter, *self.picture)
            painter.restore()

    def _draw(self, painter: QPainter, line: _Line, ticks: list[_Line], texts: list[tuple[QRectF, int, str]]) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for pen, begins, ends in (line, *ticks):
            painter.fillRect(QRectF(begins, ends).normalized().adjusted(-0.5, -0.5, 0.5, 0.5), pen.color())
        painter.setFont(self.style["tickFont"] or painter.font())
        painter.setPen(self.textPen())
        for box, flags, text in texts:
            painter.drawText(box, int(flags), text)


class _ClockAxis(_Axis):
    """Seconds since the epoch as times of day."""

    def tickStrings(self, values: list[float], _scale: float, spacing: float) -> list[str]:
        return [tick_text(value, spacing) for value in values]


class _ValueAxis(_Axis):
    """Values in their unit."""

    unit = Unit.RATE

    def tickStrings(self, values: list[float], _scale: float, _spacing: float) -> list[str]:
        return [axis_text(self.unit, value) for value in values]


class _Pointer(pyqtgraph.InfiniteLine):  # type: ignore[misc] # pyqtgraph has no types
    """Where somebody points: it follows the scale only while it is seen."""

    def viewTransformChanged(self) -> None:
        if self.isVisible():
            super().viewTransformChanged()

    def setVisible(self, visible: bool) -> None:
        super().setVisible(visible)
        self.viewTransformChanged()


class ThroughputChart(pyqtgraph.PlotWidget):  # type: ignore[misc] # pyqtgraph has no types
    """Shows a ``ChartContent``. Pointing at it, or the arrow keys, tell the values of a time."""

    def __init__(
        self, appearance: Appearance, *, small: bool = False, words_at_marks: bool = False, parent: QWidget | None = None
    ) -> None:
        """``small``: beside others, without the words of the prediction."""
        self._values = _ValueAxis("left")
        super().__init__(parent, axisItems={"bottom": _ClockAxis("bottom"), "left": self._values})
        self._appearance = appearance
        self._small = small
        self._step = 0
        self._words_at_marks = words_at_marks
        self.content: ChartContent | None = None
        self.lines: list[pyqtgraph.PlotDataItem] = []
        self._dots = pyqtgraph.ScatterPlotItem(size=4, pen=None)
        self._happened = {role: pyqtgraph.PlotDataItem([], [], connect="pairs") for role in ("muted", "bad")}
        self._shown_dots: tuple[object, object] = ([], [])
        self._shown_marks: dict[str, tuple[list[float], float]] = {}
        self._labels: list[pyqtgraph.TextItem] = []
        self._predicted = pyqtgraph.InfiniteLine(angle=0, movable=False)
        self._predicted_label = pyqtgraph.InfLineLabel(self._predicted, text="", position=0.99, anchors=[(1, 1), (1, 1)])
        self._pointed = _Pointer(angle=90, movable=False)
        self._set_up()
        appearance.changed.connect(self._paint_colours)
        self._paint_colours()

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def minimumSizeHint(self) -> QSize:
        return QSize(self._appearance.pixels(130), self._appearance.pixels(50 if self._small else 90))

    def show_content(self, content: ChartContent) -> None:
        """Draw it, if it is another one."""
        if content == self.content:
            return
        before, self.content = self.content, content
        self.setAccessibleName(content.title)
        self.setAccessibleDescription(spoken(content))
        self._values.unit = content.unit
        times = numpy.array(content.times, dtype=float)
        self._keep_lines(len(content.lines))
        for item, line in zip(self.lines, content.lines, strict=True):
            item.setData(times, numpy.array([math.nan if value is None else value for value in line.values], dtype=float))
        self._predicted.setVisible(content.predicted is not None)
        if content.predicted is not None:
            self._predicted.setValue(content.predicted)
            self._predicted_label.setText("" if self._small else content.predicted_words)
        self._fit(content)
        self._show_marks(content)
        if before is None or [line.mark for line in before.lines] != [line.mark for line in content.lines]:
            self._paint_lines()
        self._show_dots(content)
        self._follow_scale()

    # -- pointing

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.content is not None:
            where = self.getPlotItem().getViewBox().mapSceneToView(QPointF(event.position()))
            self._point_at(float(where.x()), event.globalPosition().toPoint())

    def leaveEvent(self, event: QEvent) -> None:
        self._pointed.setVisible(False)
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right go from reading to reading, Home and End to the first and the last."""
        times = () if self.content is None else self.content.times
        here = nearest_place(times, float(self._pointed.value())) if self._pointed.isVisible() else len(times) - 1
        moves = {
            Qt.Key.Key_Left: (here or 0) - 1,
            Qt.Key.Key_Right: (here or 0) + 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: len(times) - 1,
        }
        place = moves.get(Qt.Key(event.key()))
        if place is None or not times:
            event.ignore()
            return
        at_seconds = times[max(0, min(len(times) - 1, place))]
        spot = self.getPlotItem().getViewBox().mapViewToScene(QPointF(at_seconds, 0)).toPoint()
        self._point_at(at_seconds, self.mapToGlobal(QPoint(spot.x(), 0)))

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._paint_frame()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._pointed.setVisible(False)
        self._paint_frame()

    def _point_at(self, at_seconds: float, where: QPoint) -> None:
        words = "" if self.content is None else words_at(self.content, at_seconds)
        self._pointed.setVisible(bool(words))
        self._pointed.setValue(at_seconds)
        if self.content is not None:
            self.setAccessibleDescription(words or spoken(self.content))
        QToolTip.showText(where, plain_tip(words), self)

    # -- drawing

    def _keep_lines(self, n: int) -> None:
        while len(self.lines) > n:
            self.removeItem(self.lines.pop())
        while len(self.lines) < n:
            line = pyqtgraph.PlotDataItem([], [], connect="finite")
            line.setClipToView(True)
            self.addItem(line)
            self.lines.append(line)

    def _show_dots(self, content: ChartContent) -> None:
        colours = [self._appearance.worker_colour(line.mark.colour) for line in content.lines for _dot in line.dots]
        dots = [dot for line in content.lines for dot in line.dots]
        if (dots, colours) == self._shown_dots:
            return
        self._shown_dots = (dots, colours)
        self._dots.setVisible(bool(dots))
        self._dots.setData([at for at, _value in dots], [value for _at, value in dots], brush=colours or None)

    def _show_marks(self, content: ChartContent) -> None:
        top = self._ceiling(content)
        for role, item in self._happened.items():
            times = [mark.at_seconds for mark in content.marks if mark.role == role]
            if (times, top if times else 0.0) != self._shown_marks.get(role):
                self._shown_marks[role] = (times, top if times else 0.0)
                item.setVisible(bool(times))
                item.setData(numpy.repeat(numpy.array(times, dtype=float), 2), numpy.array([0.0, top] * len(times)))
        for label in self._labels:
            self.removeItem(label)
        self._labels = []
        if self._words_at_marks:
            self._label_marks(content)

    def _label_marks(self, content: ChartContent) -> None:
        """Words for as many as there is room: what went wrong first, then from the newest back. Pointing tells the others."""
        taken: list[tuple[float, float]] = []
        metrics = QFontMetricsF(self._font())
        seconds = max(1.0, content.span[1] - content.span[0])
        per_second = max(1.0, self.getPlotItem().getViewBox().width()) / seconds
        for mark in sorted(content.marks, key=lambda mark: (mark.role != "bad", -mark.at_seconds)):
            left = (mark.at_seconds - content.span[0]) * per_second
            room = max(left, seconds * per_second - left)
            words = metrics.elidedText(mark.words, Qt.TextElideMode.ElideRight, min(0.7 * seconds * per_second, room - 14))
            width = metrics.horizontalAdvance(words) + 14
            fits_right = left + width <= seconds * per_second
            begins = left if fits_right else left - width
            if begins >= -4 and all(begins + width <= start or begins >= end for start, end in taken):
                taken.append((begins, begins + width))
                self._label(mark, words, self._ceiling(content), anchor=(0, 0) if fits_right else (1, 0))

    def _label(self, mark: MarkContent, words: str, top: float, anchor: tuple[int, int]) -> None:
        label = pyqtgraph.TextItem(words, color=self._appearance.colour(mark.role), anchor=anchor)
        label.fill = pyqtgraph.mkBrush(self._veil())
        label.setFont(self._font())
        label.setPos(mark.at_seconds, top)
        self.addItem(label, ignoreBounds=True)
        self._labels.append(label)

    def _fit(self, content: ChartContent) -> None:
        begins, ends = content.span
        beside = 0.02 * (ends - begins)
        top = self._ceiling(content)
        self.getPlotItem().getViewBox().setRange(xRange=(begins - beside, ends + beside), yRange=(0, top), padding=0)
        if content.unit is Unit.BUSY:
            self._values.setTicks([[(share, axis_text(content.unit, share)) for share in (0.0, 0.5, 1.0)]])
        room = max(1.0, self.width() / (self._appearance.pixels(12) * 7))
        step = next((step for step in _TICK_STEPS if (ends - begins) / step <= room), _TICK_STEPS[-1])
        if step != self._step:
            self._step = step
            self.getAxis("bottom").setTickSpacing(float(step), float(step))

    def _ceiling(self, content: ChartContent) -> float:
        """Where the value axis ends: above the curves there is room for the words of marks and of the prediction."""
        rows = self._words_at_marks + (content.predicted is not None and not self._small)
        height = max(1.0, float(self.getPlotItem().getViewBox().height()))
        share = rows * (QFontMetricsF(self._font()).height() + 4) / height
        return content.top / (1 - min(0.5, share))

    def _follow_scale(self) -> None:
        """pyqtgraph moves what hangs on the scale while it paints, which has everything painted once more: so before that."""
        self.scene().prepareForPaint()

    def _resized(self) -> None:
        if self.content is not None:
            self._fit(self.content)
            self._show_marks(self.content)
            self._follow_scale()

    def _set_up(self) -> None:
        self.setMouseEnabled(x=False, y=False)
        self.hideButtons()
        self.setMenuEnabled(False)
        self.setFrameShape(self.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.showGrid(x=False, y=True, alpha=0.25)
        for name in ("left", "bottom"):
            axis = self.getAxis(name)
            axis.enableAutoSIPrefix(False)  # a label that is not shown: it was set as HTML with every reading
            axis.setStyle(autoExpandTextSpace=False)  # its size is fixed
        for name in ("top", "right"):
            self.getAxis(name).unlinkFromView()  # never shown, and yet worked out
        self._values.setStyle(maxTickLevel=1)  # the next level: 25 lines that nobody sees, and half of a chart's time
        self.setAntialiasing(not self._small)  # fifteen curves: a third of the time
        for line in (self._predicted, self._pointed):
            line.setVisible(False)
            self.addItem(line, ignoreBounds=True)
        for item in self._happened.values():
            self.addItem(item, ignoreBounds=True)
        self.addItem(self._dots)
        self.getPlotItem().getViewBox().sigResized.connect(self._resized)  # it gets its size after the widget does

    def _font(self) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(self._appearance.pixels(12))
        return font

    def _veil(self) -> QColor:
        veil = self._appearance.colour("panel")
        veil.setAlpha(_VEIL_ALPHA)
        return veil

    def _paint_lines(self) -> None:
        for item, line in zip(self.lines, () if self.content is None else self.content.lines, strict=True):
            style = _PEN_STYLES[line.mark.pattern % len(_PEN_STYLES)]
            colour = self._appearance.worker_colour(line.mark.colour)
            item.setPen(pyqtgraph.mkPen(colour, width=1.5 if self._small else 2, style=style))

    def _paint_frame(self) -> None:
        colour = self._appearance.colour("link")
        self.getPlotItem().getViewBox().setBorder(pyqtgraph.mkPen(colour, width=2) if self.hasFocus() else None)

    def _paint_colours(self) -> None:
        muted = self._appearance.colour("muted")
        self.setBackground(self._appearance.colour("panel"))
        self._predicted.setPen(pyqtgraph.mkPen(muted, width=1, style=Qt.PenStyle.DashLine))
        self._predicted_label.setColor(muted)
        self._predicted_label.fill = pyqtgraph.mkBrush(self._veil())
        self._pointed.setPen(pyqtgraph.mkPen(muted, width=1))
        for role, item in self._happened.items():
            colour = self._appearance.colour("disabled" if role == "muted" else role)
            item.setPen(pyqtgraph.mkPen(colour, width=1, style=Qt.PenStyle.DashLine))
        for name in ("left", "bottom"):
            axis = self.getAxis(name)
            axis.setPen(pyqtgraph.mkPen(QColor(self._appearance.colour("grid"))))
            axis.setTextPen(pyqtgraph.mkPen(muted))
            axis.setTickFont(self._font())
        self.getAxis("bottom").setHeight(self._appearance.pixels(12) + 14)
        self.getAxis("left").setWidth(self._appearance.pixels(58 if self._small else 44))
        self._paint_lines()
        if self.content is not None:
            self._fit(self.content)
            self._show_marks(self.content)
            self._show_dots(self.content)
