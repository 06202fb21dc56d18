"""Small widgets that Qt does not have: a label that shortens itself, a switch, a badge, the coloured stripe of a worker."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QLabel, QSizePolicy, QWidget

from gui.small_parts.marks import paint_mark
from gui.small_parts.plain_tips import plain_tip
from gui.theme import Appearance, ink_on
from gui.what_to_show.worker_marks import NO_WORKER, WorkerMark


class ElidedLabel(QLabel):
    """One line that ends in … when there is no room; the whole text is then its tooltip."""

    def __init__(self, text: str = "", *, role: str = "text", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._full = ""
        self.setProperty("role", role)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.show_text(text)

    def show_text(self, text: str) -> None:
        """Replace the text."""
        self._full = text
        self.setAccessibleName(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        shown = self.fontMetrics().elidedText(self._full, Qt.TextElideMode.ElideRight, max(0, self.width()))
        if shown != self.text():
            self.setText(shown)
        self.setToolTip(plain_tip(self._full) if shown != self._full else "")


def set_role(label: QLabel, role: str) -> None:
    """Give a label another colour role and let the stylesheet see it."""
    if label.property("role") != role:
        label.setProperty("role", role)
        label.style().unpolish(label)
        label.style().polish(label)


class Switch(QAbstractButton):
    """On or off, by click or space."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        appearance.changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        return QSize(self._appearance.pixels(30), self._appearance.pixels(18))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        radius = box.height() / 2
        on = self.isChecked() and self.isEnabled()
        focused = self.hasFocus()
        edge = self._appearance.colour("text" if focused else ("accent" if on else "hatch"))
        painter.setPen(QPen(edge, 2 if focused else 1))
        painter.setBrush(self._appearance.colour("accent" if on else "track"))
        painter.drawRoundedRect(box, radius, radius)
        knob = box.height() - 4
        left = box.right() - knob - 2 if self.isChecked() else box.left() + 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._appearance.colour("on_accent" if on else "others"))
        painter.drawEllipse(QRectF(left, box.top() + 2, knob, knob))
        painter.end()


class Badge(QWidget):
    """A pill that says which layers a worker holds, in the worker's colour."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._text = ""
        self._mark = NO_WORKER
        self._filled = False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_badge(self, text: str, mark: WorkerMark, words: str, *, filled: bool) -> None:
        """``filled``: it holds something; otherwise the pill is only a quiet word."""
        self._text, self._mark, self._filled = text, mark, filled
        self.setToolTip(plain_tip(words))
        self.setAccessibleName(f"{text}: {words}")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        widest = max(metrics.horizontalAdvance(self._text), metrics.horizontalAdvance("00–00 +"))
        return QSize(widest + self._appearance.pixels(18), metrics.height() + self._appearance.pixels(5))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        colour = self._appearance.worker_colour(self._mark.colour) if self._filled else self._appearance.colour("track")
        path = QPainterPath()
        path.addRoundedRect(box, box.height() / 2, box.height() / 2)
        painter.fillPath(path, colour)
        painter.setPen(ink_on(colour) if self._filled else self._appearance.colour("muted"))
        font = self.font()
        font.setBold(self._filled)
        painter.setFont(font)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._text)
        painter.end()


class Stripe(QWidget):
    """A worker's colour and pattern, at the left of its row."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._mark = NO_WORKER
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def show_mark(self, mark: WorkerMark) -> None:
        """Whose stripe it is."""
        self._mark = mark
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._appearance.pixels(7), 10)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_mark(painter, QRectF(self.rect()), self._mark, self._appearance)
        painter.end()
