"""The layer map, painted: planned over actual, a cell per layer and one for the output head; boundaries are handles.

A cell that is not where the plan put it has a red outline and a red mark beneath, so that it is seen without colour too; a
worker over its memory has a red cross, its label in red and a line under its cells. A boundary follows the mouse or the arrow
keys at once; what that means for cells, bars and speeds comes with the next content. The chart is one stop of the Tab key, and
Up and Down choose among its boundaries: fourteen stops of their own would stand between the plan and the tabs.
Rejected: pyqtgraph (a map is no plot), a widget per cell (130 cells, two rows, each repainted at every change), and cells that
run ahead of the plan while a boundary is dragged (they would show a split that nobody reckoned).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetricsF, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui.charts.boundary_hand import BoundaryHand
from gui.small_parts.marks import paint_mark
from gui.small_parts.plain_tips import plain_tip
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.layer_map_content import EMPTY, CellContent, GroupContent, LayerMapContent

_TICK_STEPS = (1, 2, 4, 5, 8, 10, 16, 20, 32)
_ARROWS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
_CHOOSERS = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}


class LayerMapChart(QWidget):
    """Paints a ``LayerMapContent``; says where a boundary was moved to."""

    boundary_moved = Signal(int, int)
    """Which boundary, and in front of which layer it is to stand: at every layer that it passes."""
    move_begun = Signal()
    move_ended = Signal()
    move_cancelled = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._content = EMPTY
        self._hand = BoundaryHand()
        self._hovered: int | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Layer map"))
        appearance.changed.connect(self.updateGeometry)

    def show_content(self, content: LayerMapContent) -> None:
        """Draw it, if it is another one."""
        if content == self._content:
            return
        self._content = content
        if not self._hand.show_boundaries(content.boundaries):
            self.move_ended.emit()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if content.boundaries else Qt.FocusPolicy.NoFocus)
        self._describe()
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
            self._paint_row(painter, tr("planned"), self._content.planned, 0)
            self._paint_row(painter, tr("actual"), self._content.actual, 1)
            self._paint_ticks(painter)
            self._paint_handles(painter)
        else:
            painter.setPen(self._appearance.colour("muted"))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._content.words)
        painter.end()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), plain_tip(self.words_at(QPointF(event.pos()))), self)
            return True
        return super().event(event)

    def words_at(self, point: QPointF) -> str:
        """What the boundary or the cell under a point says; empty outside of them."""
        boundary = self._boundary_at(point)
        if boundary is not None:
            return self._content.boundaries[boundary].words
        for number, cells in enumerate((self._content.planned, self._content.actual)):
            for place, box in zip(range(len(cells)), self._cell_boxes(number), strict=False):
                if box.contains(point):
                    return self._content.words_of(number, place)
        return ""

    # -- moving boundaries

    def mousePressEvent(self, event: QMouseEvent) -> None:
        boundary = self._boundary_at(event.position())
        if event.button() is not Qt.MouseButton.LeftButton or boundary is None:
            super().mousePressEvent(event)
            return
        self._hand.take(boundary, by_mouse=True)
        self._describe()
        self.move_begun.emit()
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._hand.by_mouse:
            self._ask(self._hand.to(round((event.position().x() - self._left()) / self._step())))
            return
        hovered = self._boundary_at(event.position())
        if hovered != self._hovered:
            self._hovered = hovered
            self.setCursor(Qt.CursorShape.ArrowCursor if hovered is None else Qt.CursorShape.SplitHCursor)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._hand.by_mouse and event.button() is Qt.MouseButton.LeftButton:
            self._let_go()
        else:
            super().mouseReleaseEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = None
        self.update()
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key is Qt.Key.Key_Escape and self._hand.holds:
            self._hand.let_go(back=True)
            self.move_cancelled.emit()
            self.update()
        elif key in _ARROWS and self._content.boundaries and not self._hand.by_mouse:
            if not self._hand.holds:
                self._hand.take(self._hand.chosen, by_mouse=False)
                self.move_begun.emit()
            self._ask(self._hand.to(self._hand.layer + _ARROWS[key]))
        elif key in _CHOOSERS and self._content.boundaries and not self._hand.holds:
            self._hand.choose(self._hand.chosen + _CHOOSERS[key])
            self._describe()
            self.update()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """A key held down is one move, as one drag is."""
        if event.key() in _ARROWS and not event.isAutoRepeat() and self._hand.holds and not self._hand.by_mouse:
            self._let_go()
        super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        if self._hand.holds:
            self._let_go()
        super().focusOutEvent(event)
        self.update()

    def _ask(self, layer: int | None) -> None:
        if layer is not None:
            self.boundary_moved.emit(self._hand.chosen, layer)
            self.update()

    def _let_go(self) -> None:
        self._hand.let_go()
        self.move_ended.emit()
        self.update()

    def _describe(self) -> None:
        boundaries = self._content.boundaries
        chosen = f" {boundaries[self._hand.chosen].words}" if boundaries else ""
        self.setAccessibleDescription(f"{self._content.words}{chosen}")

    def _boundary_at(self, point: QPointF) -> int | None:
        """The one whose handle is under a point; of two the nearer one."""
        reach = max(5.0, min(8.0, self._step() / 2))
        near = [
            (abs(self._handle_box(place).center().x() - point.x()), place) for place in range(len(self._content.boundaries))
        ]
        rows = self._cell_box(0, 0).adjusted(0, -4, 0, 4)
        distance, place = min(near, default=(reach + 1, -1))
        return place if distance <= reach and rows.top() <= point.y() <= rows.bottom() else None

    # -- geometry

    def _row_height(self) -> int:
        return self._appearance.pixels(26)

    def _left(self) -> float:
        return float(self.fontMetrics().horizontalAdvance(tr("planned")) + self._appearance.pixels(14))

    def _step(self) -> float:
        return (self.width() - self._left() - 2) / max(1, len(self._content.planned))

    def _cell_box(self, place: int, row: int) -> QRectF:
        return next(self._cell_boxes(row, place))

    def _cell_boxes(self, row: int, first: int = 0) -> Iterator[QRectF]:
        """Those of a row, from one on."""
        left, step, height = self._left(), self._step(), self._row_height()
        gap = min(3.0, step * 0.18)
        top = self.fontMetrics().height() + self._appearance.pixels(5) + row * (height + self._appearance.pixels(6))
        for place in count(first):
            yield QRectF(left + place * step + gap / 2, top, step - gap, height)

    def _handle_box(self, boundary: int) -> QRectF:
        """Where its handle is drawn: between the cells of the upper row, a little higher than they are."""
        cell = self._cell_box(0, 0)
        middle = self._left() + self._hand.layer_of(boundary) * self._step()
        width = self._appearance.pixels(6)
        return QRectF(middle - width / 2, cell.top() - 2, width, cell.height() + 4)

    # -- painting

    def _paint_groups(self, painter: QPainter) -> None:
        font = painter.font()
        font.setBold(True)
        painter.save()
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        for group in self._content.groups:
            left = self._left() + group.first * self._step()
            room = group.n_cells * self._step() - self._appearance.pixels(6)
            text = next((label for label in group.labels if metrics.horizontalAdvance(label) <= room), "")
            if text:
                box = QRectF(left, 0, group.n_cells * self._step(), metrics.height())
                painter.setPen(self._appearance.colour("bad" if group.over else "text"))
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
            if group.over:
                self._paint_over(painter, group)
        painter.restore()

    def _paint_over(self, painter: QPainter, group: GroupContent) -> None:
        """A line under the cells of a worker that is over its memory."""
        first, last = self._cell_box(group.first, 0), self._cell_box(group.first + group.n_cells - 1, 0)
        beneath = first.bottom() + self._appearance.pixels(3)
        painter.setPen(QPen(self._appearance.colour("bad"), 2.5))
        painter.drawLine(QPointF(first.left(), beneath), QPointF(last.right(), beneath))

    def _paint_handles(self, painter: QPainter) -> None:
        for place in range(len(self._content.boundaries)):
            chosen = place == self._hand.chosen and (self.hasFocus() or self._hand.holds)
            active = chosen or place == self._hovered
            painter.setPen(QPen(self._appearance.colour("link" if active else "text"), 2.5 if chosen else 1.2))
            painter.setBrush(self._appearance.colour("raised" if active else "panel"))
            box = self._handle_box(place)
            painter.drawRoundedRect(box.adjusted(-1, -2, 1, 2) if chosen else box, 3, 3)

    def _paint_row(self, painter: QPainter, name: str, cells: tuple[CellContent, ...], row: int) -> None:
        first = self._cell_box(0, row)
        painter.setPen(self._appearance.colour("muted"))
        label = QRectF(0, first.top(), self._left(), first.height())
        painter.drawText(label, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        for box, cell in zip(self._cell_boxes(row), cells, strict=False):
            self._paint_cell(painter, box, cell)

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
        self._paint_tick(painter, n_layers, tr("out"))

    def _paint_tick(self, painter: QPainter, place: int, text: str) -> None:
        box = self._cell_box(place, 1)
        width = self._appearance.pixels(40)
        left = min(box.center().x() - width / 2, self.width() - width)
        area = QRectF(left, box.bottom() + self._appearance.pixels(5), width, self.fontMetrics().height())
        right = place == len(self._content.planned) - 1 and box.center().x() + width / 2 > self.width()
        flag = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignHCenter
        painter.drawText(area, int(flag | Qt.AlignmentFlag.AlignTop), text)
