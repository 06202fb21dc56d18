"""The memory of one device as one bar: others' (grey), weights (full colour), KV (lighter), compute (lightest), free, and the
reserve hatched behind a tick; a dark line along its foot is what llama.cpp says it has allocated. Beneath it, thin, how busy
the device is now, and in words how hot it is, what share of a token's time it takes, and who can reach it.

Rejected: a stack of three bars (one memory, one bar), and red when nearly full (the planner refuses before that).
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetrics, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.small_parts.marks import paint_mark
from gui.small_parts.plain_tips import plain_tip
from gui.theme import Appearance
from gui.what_to_show.cards.memory_bar_content import MemoryBarContent
from gui.what_to_show.worker_marks import NO_WORKER, WorkerMark

_KV_ALPHA, _COMPUTE_ALPHA = 150, 85
_CAPTION_PIXELS = 11


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
        told, self._content, self._mark = self._content.words, content, mark
        if told != content.words:
            self.setToolTip(plain_tip(content.words))
            self.setAccessibleDescription(content.words)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._appearance.pixels(180), self._appearance.pixels(21) + self._small_metrics().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(self._appearance.pixels(64), self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pixels = self._appearance.pixels
        bar = QRectF(0, pixels(1), self.width(), pixels(12))
        thin = QRectF(0, bar.bottom() + pixels(3), self.width(), pixels(4))
        paint_memory(painter, bar, self._content, self._mark, self._appearance)
        if self._content.busy is not None:
            self._paint_busy(painter, thin, self._content.busy)
        self._paint_caption(painter, thin.bottom())
        painter.end()

    def _paint_busy(self, painter: QPainter, line: QRectF, busy: float) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._appearance.colour("track"))
        painter.drawRoundedRect(line, 2, 2)
        painter.setBrush(self._appearance.colour("others"))
        painter.drawRoundedRect(QRectF(line.left(), line.top(), line.width() * min(1.0, busy), line.height()), 2, 2)

    def _paint_caption(self, painter: QPainter, top: float) -> None:
        """As many facts as there is room for; all of them are in the tooltip."""
        metrics = self._small_metrics()
        text = ""
        for part in self._content.caption:
            longer = f"{text} · {part}" if text else part
            if metrics.horizontalAdvance(longer) <= self.width():
                text = longer
        painter.setFont(self._small_font())
        painter.setPen(self._appearance.colour("muted"))
        room = QRectF(0, top, self.width(), self.height() - top)
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)

    def _small_font(self) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(self._appearance.pixels(_CAPTION_PIXELS))
        return font

    def _small_metrics(self) -> QFontMetrics:
        return QFontMetrics(self._small_font())


def paint_memory(painter: QPainter, bar: QRectF, content: MemoryBarContent, mark: WorkerMark, appearance: Appearance) -> None:
    """The bar alone, also for a machine's one line."""
    painter.save()
    shape = QPainterPath()
    shape.addRoundedRect(bar, 3, 3)
    painter.setClipPath(shape)
    painter.fillRect(bar, appearance.colour("track"))
    reserve = QRectF(bar.left() + bar.width() * content.safe_end, bar.top(), bar.width(), bar.height())
    painter.fillRect(reserve, QBrush(appearance.colour("hatch"), Qt.BrushStyle.BDiagPattern))
    _paint_used(painter, bar, content, mark, appearance)
    painter.restore()
    if content.safe_end < 1.0:
        painter.setPen(QPen(appearance.colour("muted"), 1.5))
        painter.drawLine(reserve.topLeft(), reserve.bottomLeft())


def _paint_used(painter: QPainter, bar: QRectF, content: MemoryBarContent, mark: WorkerMark, appearance: Appearance) -> None:
    begin = left = _paint_part(painter, bar, bar.left(), content.used_by_others, appearance.colour("others"))
    width = bar.width() * content.weights
    if width > 0:
        paint_mark(painter, QRectF(left, bar.top(), width, bar.height()), mark, appearance, radius=0)
    left += width
    for share, alpha in ((content.kv, _KV_ALPHA), (content.compute, _COMPUTE_ALPHA)):
        colour = QColor(appearance.worker_colour(mark.colour))
        colour.setAlpha(alpha)
        left = _paint_part(painter, bar, left, share, colour)
    if content.actual is not None:
        foot = bar.height() / 6
        painter.fillRect(QRectF(begin, bar.bottom() - foot, bar.width() * content.actual, foot), appearance.colour("text"))


def _paint_part(painter: QPainter, bar: QRectF, left: float, share: float, colour: QColor) -> float:
    width = bar.width() * share
    painter.fillRect(QRectF(left, bar.top(), width, bar.height()), colour)
    return left + width
