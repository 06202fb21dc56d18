"""The topology, painted: the coordinator in the middle, machines at both sides, links between.

A tunnel is a full line, an open port a dashed one with a warning, a machine that is not reached has a dotted one: never colour
alone. Arrow keys go from machine to machine, Enter shows its card. Rejected: QGraphicsView (nothing moves, zooms or is
dragged), and words along the lines (they lie upon each other from the fourth machine on).
"""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui.small_parts.marks import paint_mark
from gui.small_parts.plain_tips import plain_tip
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.tabs.topology_content import TopologyContent, TopologyMachine
from gui.what_to_show.watching.star_layout import Box, Sizes, Star, star_of

_BEND = 0.5


class TopologyChart(QWidget):
    """Paints a ``TopologyContent``."""

    chosen = Signal(str)
    """A machine was clicked, or Enter pressed on it."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._machines: tuple[TopologyMachine, ...] = ()
        self.current = 0
        """Which machine the keyboard is at."""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("Topology"))
        self.setMouseTracking(True)
        appearance.changed.connect(self.updateGeometry)

    def show_content(self, content: TopologyContent) -> None:
        """Draw it, if it is another one."""
        if content.machines == self._machines:
            return
        self._machines = content.machines
        self.current = min(self.current, max(0, len(content.machines) - 1))
        self._tell()
        self.update()

    def has_room_for(self, n_machines: int) -> bool:
        """Whether so many, the coordinator's included, can be drawn in the size that it has."""
        return star_of(max(0, n_machines - 1), self.width() - 2, self.height() - 2, self._sizes()) is not None

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def minimumSizeHint(self) -> QSize:
        sizes = self._sizes()
        return QSize(self._appearance.pixels(300), round(2 * sizes.height + sizes.gap))

    def boxes(self) -> tuple[Box, ...]:
        """Where each machine is, in the order of the content."""
        star, _detailed = self._star()
        return () if star is None else (star.centre, *star.machines)

    # -- what a person does

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self._place_at(event.position())
        if place is not None and event.button() is Qt.MouseButton.LeftButton:
            self._go_to(place)
            self.chosen.emit(self._machines[place].machine_id)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        over = self._place_at(event.position()) is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1}
        step = steps.get(Qt.Key(event.key()))
        if self._machines and step is not None:
            self._go_to((self.current + step) % len(self._machines))
        elif self._machines and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self._machines[self.current].machine_id)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self._place_at(QPointF(event.pos()))
            words = "" if place is None else tr("{words}\nClick: show its card", words=self._machines[place].words)
            QToolTip.showText(event.globalPos(), plain_tip(words), self)
            return True
        return super().event(event)

    def _go_to(self, place: int) -> None:
        self.current = place
        self._tell()
        self.update()

    def _tell(self) -> None:
        if self._machines:
            self.setAccessibleDescription(self._machines[self.current].words)

    def _place_at(self, point: QPointF) -> int | None:
        return next((place for place, box in enumerate(self.boxes()) if _rectangle(box).contains(point)), None)

    # -- geometry

    def _sizes(self, *, detailed: bool = False) -> Sizes:
        pixels = self._appearance.pixels
        line = self.fontMetrics().height()
        return Sizes(
            narrowest=pixels(250 if detailed else 170),
            widest=pixels(340 if detailed else 264),
            height=(5 if detailed else 3) * line + pixels(20 if detailed else 16),
            centre_width=pixels(190),
            gap=pixels(10),
            link=pixels(96),
        )

    def _star(self) -> tuple[Star | None, bool]:
        """With large boxes where they fit, else with small ones; which of the two."""
        n, width, height = len(self._machines) - 1, self.width() - 2, self.height() - 2
        if n < 0:
            return None, False
        large = star_of(n, width, height, self._sizes(detailed=True))
        return (large, True) if large is not None else (star_of(n, width, height, self._sizes()), False)

    # -- painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        star, detailed = self._star()
        if star is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(1, 1)
        for machine, link in zip(self._machines[1:], star.links, strict=True):
            self._paint_link(painter, machine, link)
        for place, (machine, box) in enumerate(zip(self._machines, (star.centre, *star.machines), strict=True)):
            current = place == self.current and self.hasFocus()
            lines = machine.link_lines if detailed else (machine.link_short,)
            self._paint_machine(painter, machine, _rectangle(box), lines, current=current)
        painter.end()

    def _paint_link(self, painter: QPainter, machine: TopologyMachine, points: tuple[tuple[float, float], ...]) -> None:
        link = machine.link
        if link is None:
            return
        role = "warning" if link.is_open else ("link" if link.flowing else "others")
        style = Qt.PenStyle.DashLine if link.is_open else Qt.PenStyle.SolidLine
        pen = QPen(self._appearance.colour(role if link.connected else "hatch"), 2.5 if link.flowing else 1.5)
        pen.setStyle(style if link.connected else Qt.PenStyle.DotLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(_path(points))
        if link.flow:
            self._paint_flow(painter, link.flow, points)

    def _paint_flow(self, painter: QPainter, words: str, points: tuple[tuple[float, float], ...]) -> None:
        """At the machine's end, where each link is alone."""
        metrics = QFontMetricsF(self._font(11))
        (x1, _y1), (x2, y2) = points[-2:]
        width, height = metrics.horizontalAdvance(words) + self._appearance.pixels(8), metrics.height()
        beside = self._appearance.pixels(4)
        left = x2 - width - beside if x2 > x1 else x2 + beside
        pill = QRectF(left, y2 - height / 2, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._appearance.colour("panel"))
        painter.drawRoundedRect(pill, height / 2, height / 2)
        painter.setFont(self._font(11))
        painter.setPen(self._appearance.colour("text"))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, words)

    def _paint_machine(
        self, painter: QPainter, machine: TopologyMachine, box: QRectF, lines: tuple[str, ...], *, current: bool
    ) -> None:
        centre = machine.link is None
        painter.setPen(QPen(self._appearance.colour("link" if current or centre else "border"), 2 if current else 1))
        painter.setBrush(self._appearance.colour("raised" if centre else "panel"))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        pad, line = self._appearance.pixels(9), float(self.fontMetrics().height())
        inside = box.adjusted(pad, self._appearance.pixels(6), -pad, 0)
        gap = self._appearance.pixels(2)
        self._paint_head(painter, machine, QRectF(inside.left(), inside.top(), inside.width(), line))
        second = QRectF(inside.left(), inside.top() + line + gap, inside.width(), line)
        self._paint_workers(painter, machine, second)
        warn = machine.link is not None and machine.link.is_open
        for number, words in enumerate(lines):
            role, shown = ("warning", f"⚠ {words}") if warn and not number else ("muted", words)
            below = second.translated(0, (number + 1) * (line + gap))
            self._write(painter, below, shown, self._appearance.colour(role), self._font(12))

    def _paint_head(self, painter: QPainter, machine: TopologyMachine, line: QRectF) -> None:
        font = self._font(13)
        status = f"{machine.status_shape} {machine.status}"
        width = min(line.width() * 0.55, QFontMetricsF(font).horizontalAdvance(status) + 2)
        right = QRectF(line.right() - width, line.top(), width, line.height())
        self._write(painter, right, status, self._appearance.colour(machine.status_role), font)
        font.setBold(True)
        left = QRectF(line.left(), line.top(), line.width() - width - self._appearance.pixels(6), line.height())
        self._write(painter, left, machine.name, self._appearance.colour("text"), font)

    def _paint_workers(self, painter: QPainter, machine: TopologyMachine, line: QRectF) -> None:
        """Each mark with its layers, as many as fit."""
        muted, font = self._appearance.colour("muted"), self._font(12)
        metrics, gap, side = QFontMetricsF(font), self._appearance.pixels(4), line.height() * 0.62
        if not machine.workers:
            self._write(painter, line, tr("holds no layers"), muted, font)
        left = line.left()
        for place, worker in enumerate(machine.workers):
            more = len(machine.workers) - place
            width = metrics.horizontalAdvance(worker.short)
            reserve = metrics.horizontalAdvance(f"+{more}") if more > 1 else 0
            if left + side + gap + width + reserve > line.right():
                self._write(painter, QRectF(left, line.top(), line.right() - left, line.height()), f"+{more}", muted, font)
                return
            mark = QRectF(left, line.center().y() - side / 2, side, side)
            paint_mark(painter, mark, worker.mark, self._appearance)
            text = QRectF(left + side + gap, line.top(), width + 2, line.height())
            self._write(painter, text, worker.short, self._appearance.colour("text"), font)
            left = text.right() + 2 * gap

    def _write(self, painter: QPainter, box: QRectF, words: str, colour: QColor, font: QFont) -> None:
        painter.setFont(font)
        painter.setPen(colour)
        shown = QFontMetricsF(font).elidedText(words, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)

    def _font(self, pixels: int) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(self._appearance.pixels(pixels))
        return font


def _rectangle(box: Box) -> QRectF:
    return QRectF(box.left, box.top, box.width, box.height)


def _path(points: tuple[tuple[float, float], ...]) -> QPainterPath:
    """Level at both ends of every piece, so that lines leave and reach boxes at right angles."""
    path = QPainterPath(QPointF(*points[0]))
    for (x1, y1), (x2, y2) in pairwise(points):
        bend = (x2 - x1) * _BEND
        path.cubicTo(QPointF(x1 + bend, y1), QPointF(x2 - bend, y2), QPointF(x2, y2))
    return path
