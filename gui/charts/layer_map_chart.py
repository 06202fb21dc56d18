"""The layer map, painted: planned over actual, a cell per layer and one for the output head.

A cell that is not where the plan put it has a red outline and a red mark beneath, so that it is seen without colour too.
Rejected: pyqtgraph (a map is no plot) and a widget per cell (130 cells, two rows, each repainted at every change).
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui.small_parts.marks import paint_mark
from gui.theme import Appearance
from gui.what_to_show.layer_map_content import EMPTY, CellContent, LayerMapContent

_TICK_STEPS = (1, 2, 4, 5, 8, 10, 16, 20, 32)


class LayerMapChart(QWidget):
    """Paints a ``LayerMapContent``."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._content = EMPTY
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Layer map")
        appearance.changed.connect(self.updateGeometry)

    def show_content(self, content: LayerMapContent) -> None:
        """Draw it, if it is another one."""
        if content == self._content:
            return
        self._content = content
        self.setAccessibleDescription(content.words)
        self.update()

    @property
    def content(self) -> LayerMapContent:
        """What is drawn."""
        return self._content

    def sizeHint(self) -> QSize:
        lines = self.fontMetrics().height()
        return QSize(self._appearance.pixels(480), 2 * lines + 2 * self._row_height() + self._appearance.pixels(18))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._appearance.pixels(300), self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._content.planned:
            self._paint_groups(painter)
            self._paint_row(painter, "planned", self._content.planned, 0)
            self._paint_row(painter, "actual", self._content.actual, 1)
            self._paint_ticks(painter)
        else:
            painter.setPen(self._appearance.colour("muted"))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._content.words)
        painter.end()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.words_at(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def words_at(self, point: QPointF) -> str:
        """What the cell under a point says; empty outside the cells."""
        for number, cells in enumerate((self._content.planned, self._content.actual)):
            for place, cell in enumerate(cells):
                if self._cell_box(place, number).contains(point):
                    return cell.words
        return ""

    # -- geometry

    def _row_height(self) -> int:
        return self._appearance.pixels(26)

    def _left(self) -> float:
        return float(self.fontMetrics().horizontalAdvance("planned") + self._appearance.pixels(14))

    def _step(self) -> float:
        return (self.width() - self._left() - 2) / max(1, len(self._content.planned))

    def _cell_box(self, place: int, row: int) -> QRectF:
        step = self._step()
        gap = min(3.0, step * 0.18)
        top = (
            self.fontMetrics().height() + self._appearance.pixels(5) + row * (self._row_height() + self._appearance.pixels(6))
        )
        return QRectF(self._left() + place * step + gap / 2, top, step - gap, self._row_height())

    # -- painting

    def _paint_groups(self, painter: QPainter) -> None:
        font = painter.font()
        font.setBold(True)
        painter.save()
        painter.setFont(font)
        painter.setPen(self._appearance.colour("text"))
        metrics = QFontMetricsF(font)
        for group in self._content.groups:
            left = self._left() + group.first * self._step()
            room = group.n_cells * self._step() - self._appearance.pixels(6)
            text = next((label for label in group.labels if metrics.horizontalAdvance(label) <= room), "")
            if text:
                box = QRectF(left, 0, group.n_cells * self._step(), metrics.height())
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()

    def _paint_row(self, painter: QPainter, name: str, cells: tuple[CellContent, ...], row: int) -> None:
        first = self._cell_box(0, row)
        painter.setPen(self._appearance.colour("muted"))
        label = QRectF(0, first.top(), self._left(), first.height())
        painter.drawText(label, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        for place, cell in enumerate(cells):
            self._paint_cell(painter, self._cell_box(place, row), cell)

    def _paint_cell(self, painter: QPainter, box: QRectF, cell: CellContent) -> None:
        if cell.mark is None:
            painter.setPen(QPen(self._appearance.colour("hatch"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 2, 2)
            return
        paint_mark(painter, box, cell.mark, self._appearance)
        if cell.differs:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._appearance.colour("panel"), 4))
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 2, 2)
            painter.setPen(QPen(self._appearance.colour("bad"), 2.5))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 2, 2)
            middle, beneath = box.center().x(), box.bottom() + self._appearance.pixels(3)
            painter.drawLine(QPointF(middle - 2, beneath), QPointF(middle + 2, beneath))

    def _paint_ticks(self, painter: QPainter) -> None:
        metrics = QFontMetricsF(painter.font())
        n_layers = len(self._content.planned) - 1
        room = metrics.horizontalAdvance("000") + self._appearance.pixels(36)
        step = next((step for step in _TICK_STEPS if step * self._step() >= room), _TICK_STEPS[-1])
        painter.setPen(self._appearance.colour("muted"))
        for layer in [layer for layer in range(0, n_layers, step) if (n_layers - layer) * self._step() >= room]:
            self._paint_tick(painter, layer, str(layer))
        self._paint_tick(painter, n_layers, "out")

    def _paint_tick(self, painter: QPainter, place: int, text: str) -> None:
        box = self._cell_box(place, 1)
        width = self._appearance.pixels(40)
        left = min(box.center().x() - width / 2, self.width() - width)
        area = QRectF(left, box.bottom() + self._appearance.pixels(5), width, self.fontMetrics().height())
        right = place == len(self._content.planned) - 1 and box.center().x() + width / 2 > self.width()
        flag = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignHCenter
        painter.drawText(area, int(flag | Qt.AlignmentFlag.AlignTop), text)
