"""The memory of one device as one bar: others' (grey), weights (full colour), KV (lighter), compute (lightest), free, and the
reserve hatched behind a tick; beneath it, thin, how busy the device is now.

Rejected: a stack of three bars (one memory, one bar), and red when nearly full (the planner refuses before that).
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.small_parts.marks import paint_mark
from gui.theme import Appearance
from gui.what_to_show.cards.worker_row_content import MemoryBarContent
from gui.what_to_show.worker_marks import NO_WORKER, WorkerMark

_KV_ALPHA, _COMPUTE_ALPHA = 150, 85


class MemoryBar(QWidget):
    """Paints a ``MemoryBarContent``."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._content = MemoryBarContent()
        self._mark = NO_WORKER
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_content(self, content: MemoryBarContent, mark: WorkerMark) -> None:
        """Draw it, if it is another one."""
        if (content, mark) == (self._content, self._mark):
            return
        self._content, self._mark = content, mark
        self.setToolTip(content.words)
        self.setAccessibleDescription(content.words)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._appearance.pixels(180), self._appearance.pixels(23))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._appearance.pixels(70), self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        thin = self._appearance.pixels(4)
        gap = self._appearance.pixels(4)
        bar = QRectF(0, self._appearance.pixels(1), self.width(), self.height() - thin - gap - self._appearance.pixels(2))
        self._paint_memory(painter, bar)
        if self._content.busy is not None:
            self._paint_busy(painter, QRectF(0, bar.bottom() + gap, self.width(), thin), self._content.busy)
        painter.end()

    def _paint_memory(self, painter: QPainter, bar: QRectF) -> None:
        painter.save()
        shape = QPainterPath()
        shape.addRoundedRect(bar, 3, 3)
        painter.setClipPath(shape)
        painter.fillRect(bar, self._appearance.colour("track"))
        reserve = QRectF(bar.left() + bar.width() * self._content.safe_end, bar.top(), bar.width(), bar.height())
        painter.fillRect(reserve, QBrush(self._appearance.colour("hatch"), Qt.BrushStyle.BDiagPattern))
        self._paint_used(painter, bar)
        painter.restore()
        if self._content.safe_end < 1.0:
            painter.setPen(QPen(self._appearance.colour("muted"), 1.5))
            painter.drawLine(reserve.topLeft(), reserve.bottomLeft())

    def _paint_used(self, painter: QPainter, bar: QRectF) -> None:
        content = self._content
        left = self._paint_part(painter, bar, bar.left(), content.used_by_others, self._appearance.colour("others"))
        width = bar.width() * content.weights
        if width > 0:
            paint_mark(painter, QRectF(left, bar.top(), width, bar.height()), self._mark, self._appearance, radius=0)
        left += width
        for share, alpha in ((content.kv, _KV_ALPHA), (content.compute, _COMPUTE_ALPHA)):
            colour = QColor(self._appearance.worker_colour(self._mark.colour))
            colour.setAlpha(alpha)
            left = self._paint_part(painter, bar, left, share, colour)

    @staticmethod
    def _paint_part(painter: QPainter, bar: QRectF, left: float, share: float, colour: QColor) -> float:
        width = bar.width() * share
        painter.fillRect(QRectF(left, bar.top(), width, bar.height()), colour)
        return left + width

    def _paint_busy(self, painter: QPainter, line: QRectF, busy: float) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._appearance.colour("track"))
        painter.drawRoundedRect(line, 2, 2)
        painter.setBrush(self._appearance.colour("others"))
        painter.drawRoundedRect(QRectF(line.left(), line.top(), line.width() * min(1.0, busy), line.height()), 2, 2)
