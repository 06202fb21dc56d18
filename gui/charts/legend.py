"""Which curve is whose: marks and names on one line, as many as fit; the tooltip has them all."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.small_parts.marks import paint_mark
from gui.small_parts.plain_tips import plain_tip
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.watching.charts import LineContent


class Legend(QWidget):
    """Shows the names of lines."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._lines: tuple[tuple[str, object], ...] = ()
        self._contents: tuple[LineContent, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_lines(self, lines: tuple[LineContent, ...]) -> None:
        """Whose curves there are."""
        names = tuple((line.name, line.mark) for line in lines)
        if names == self._lines:
            return
        self._lines, self._contents = names, lines
        words = ", ".join(line.name for line in lines)
        self.setToolTip(plain_tip(words))
        self.setAccessibleName(tr("Curves: {words}", words=words))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._appearance.pixels(60), self.fontMetrics().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._appearance.colour("muted"))
        left, gap = 0.0, self._appearance.pixels(6)
        side = self.fontMetrics().height() * 0.6
        if self._contents and side + gap + self.fontMetrics().horizontalAdvance(self._contents[0].name + " +9") > self.width():
            self._paint_marks_alone(painter, side, gap)
            return
        for place, line in enumerate(self._contents):
            more = len(self._contents) - place
            reserve = self.fontMetrics().horizontalAdvance(f"+{more}") if more > 1 else 0
            width = self.fontMetrics().horizontalAdvance(line.name)
            if left + side + gap + width + reserve + gap > self.width():
                painter.drawText(
                    QRectF(left, 0, self.width() - left, self.height()), Qt.AlignmentFlag.AlignVCenter, f"+{more}"
                )
                break
            paint_mark(painter, QRectF(left, (self.height() - side) / 2, side, side), line.mark, self._appearance)
            left += side + gap
            painter.drawText(QRectF(left, 0, width + 2, self.height()), Qt.AlignmentFlag.AlignVCenter, line.name)
            left += width + 2 * gap
        painter.end()

    def _paint_marks_alone(self, painter: QPainter, side: float, gap: float) -> None:
        """Where there is no room for a single name."""
        for place, line in enumerate(self._contents):
            box = QRectF(place * (side + gap / 2), (self.height() - side) / 2, side, side)
            paint_mark(painter, box, line.mark, self._appearance)
        painter.end()
