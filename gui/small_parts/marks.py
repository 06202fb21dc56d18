"""How a worker's mark is painted: its colour and, over it, its pattern, in cards and in the layer map alike."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath

from gui.theme import Appearance, ink_on
from gui.what_to_show.worker_marks import WorkerMark

_PATTERNS = (
    Qt.BrushStyle.NoBrush,
    Qt.BrushStyle.BDiagPattern,
    Qt.BrushStyle.Dense6Pattern,
    Qt.BrushStyle.DiagCrossPattern,
)
_PATTERN_ALPHA = 46


def paint_mark(painter: QPainter, box: QRectF, mark: WorkerMark, appearance: Appearance, *, radius: float = 2.0) -> None:
    """Fill a rounded box with a worker's colour and pattern."""
    path = QPainterPath()
    path.addRoundedRect(box, radius, radius)
    colour = appearance.worker_colour(mark.colour)
    painter.fillPath(path, colour)
    style = _PATTERNS[mark.pattern % len(_PATTERNS)]
    if style != Qt.BrushStyle.NoBrush:
        ink = QColor(ink_on(colour))
        ink.setAlpha(_PATTERN_ALPHA)
        painter.fillPath(path, QBrush(ink, style))
