"""One machine in one line: state, name, its workers' memory and layers, safe memory. Painted by hand; Enter opens its card.

Rejected: the card's widgets made smaller (thirty of them per machine, and a window shows twenty lines).
"""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from gui.charts.memory_bar import paint_memory
from gui.small_parts.plain_tips import plain_tip
from gui.texts.translation import tr
from gui.theme import Appearance, ink_on
from gui.what_to_show.cards.machine_card_content import MachineCardContent
from gui.what_to_show.cards.memory_bar_content import MemoryBarContent
from gui.what_to_show.cards.worker_row_content import WorkerRowContent
from gui.what_to_show.formatting import NOT_KNOWN, bytes_text

_HEIGHT = 30
_BADGE_WIDTH, _DEVICE_WIDTH = 62, 52
_WORKER_WIDTH = 150
_FIGURE_WIDTH = 66
_SPEED_FROM = 560


class MachineLine(QWidget):
    """Shows a ``MachineCardContent`` in one line."""

    opened = Signal(str)
    asked = Signal(str, str)
    """Machine, ``CardAction``."""
    stepped = Signal(str, int)
    """To the next line (1) or the one before (-1)."""
    reached = Signal(str)
    """It has the keyboard now."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._content: MachineCardContent | None = None
        self._hovered = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @staticmethod
    def height_of(appearance: Appearance) -> int:
        """Of every line."""
        return appearance.pixels(_HEIGHT)

    def show_content(self, content: MachineCardContent) -> None:
        """Show it, if what a line shows of it is something else: loads change ten times a second and are not in here."""
        before, self._content = self._content, content
        if before is not None and (before == content or _drawn(before) == _drawn(content)):
            return
        self.update()
        words = _words_of(content)
        if words != self.accessibleName():
            self.setAccessibleName(words)
            self.setToolTip(plain_tip(tr("{words}\nEnter or a click opens its card.", words=words)))

    def sizeHint(self) -> QSize:
        return QSize(self._appearance.pixels(320), self.height_of(self._appearance))

    def menu(self) -> QMenu:
        """What can be asked of the machine, also when the line shows another one by then: its card's buttons and menu."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        content = self._content
        if content is not None:
            for entry in (*content.buttons, *content.menu):
                action = menu.addAction(entry.text)
                action.setData(entry.action.value)
                asked = partial(self.asked.emit, content.machine_id, entry.action)
                action.triggered.connect(lambda _checked=False, asked=asked: asked())
        return menu

    # -- events

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu().popup(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Right):
            self._open()
        elif event.key() == Qt.Key.Key_Menu:
            self.menu().popup(self.mapToGlobal(QPoint(self.width() // 2, self.height())))
        elif self._content is not None and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.stepped.emit(self._content.machine_id, -1 if event.key() == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self._open()

    def enterEvent(self, _event: QEvent) -> None:
        self._hovered = True
        self.update()

    def leaveEvent(self, _event: QEvent) -> None:
        self._hovered = False
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()
        if self._content is not None:
            self.reached.emit(self._content.machine_id)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    # -- painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        content = self._content
        if content is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter)
        pixels = self._appearance.pixels
        at = pixels(10)
        at += self._paint_text(painter, at, pixels(16), content.status_shape, content.status_role)
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)
        name_width = min(pixels(180), max(pixels(90), self.width() // 5))
        at += self._paint_text(painter, at, name_width, content.title, "text", bold) + pixels(8)
        status_width = pixels(104)
        at += self._paint_text(painter, at, status_width, content.status, content.status_role) + pixels(8)
        right = self.width() - pixels(26)
        self._paint_text(painter, right + pixels(8), pixels(14), "›", "muted")
        for figure in self._figures(content):
            right -= pixels(_FIGURE_WIDTH)
            self._paint_text(painter, right, pixels(_FIGURE_WIDTH), figure, "muted", align=Qt.AlignmentFlag.AlignRight)
        self._paint_middle(painter, QRect(at, 0, max(0, right - pixels(6) - at), self.height()), content)
        painter.end()

    def _figures(self, content: MachineCardContent) -> list[str]:
        """From the right: safe memory, and where there is room its fastest worker's speed."""
        safe = bytes_text(content.safe_bytes) if content.safe_bytes else NOT_KNOWN
        wide = self.width() > self._appearance.pixels(_SPEED_FROM)
        return [safe, content.speed_words] if wide and content.speed_words else [safe]

    def _paint_ground(self, painter: QPainter) -> None:
        colour = self._appearance.colour
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.fillRect(self.rect(), colour("raised" if self._hovered or self.hasFocus() else "panel"))
        painter.setPen(colour("hairline"))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        if self.hasFocus():
            painter.setPen(QPen(colour("link"), 1.5))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)

    def _paint_middle(self, painter: QPainter, box: QRect, content: MachineCardContent) -> None:
        """Workers, as many as there is room for; of a machine without any, what it says."""
        rows = [row for row in content.rows if row.switch_shown]
        if not rows or content.buttons:
            words = content.sentence.replace("\n", " ")
            self._paint_text(painter, box.left(), box.width(), words, content.sentence_role)
            return
        shown = max(1, min(len(rows), box.width() // self._appearance.pixels(_WORKER_WIDTH)))
        if shown < len(rows):
            more = self._appearance.pixels(30)
            self._paint_text(painter, box.right() - more, more, f"+{len(rows) - shown}", "muted")
            box = box.adjusted(0, 0, -more, 0)
        width = min(self._appearance.pixels(230), box.width() // max(1, shown))
        for place, row in enumerate(rows[:shown]):
            self._paint_worker(painter, QRect(box.left() + place * width, box.top(), width, box.height()), row)

    def _paint_worker(self, painter: QPainter, box: QRect, row: WorkerRowContent) -> None:
        """Device, memory, layers; the bar gives way first."""
        pixels = self._appearance.pixels
        badge, gap = pixels(_BADGE_WIDTH), pixels(6)
        name = min(pixels(_DEVICE_WIDTH), max(0, box.width() - badge - gap))
        self._paint_text(painter, box.left(), name, row.name, "text" if row.badge_filled else "muted")
        left = box.left() + name + gap
        height = pixels(10)
        bar = QRectF(left, box.center().y() - height / 2 + 1, max(0, box.width() - name - badge - 4 * gap), height)
        if bar.width() > pixels(20):
            paint_memory(painter, bar, row.bar, row.mark, self._appearance)
            left = round(bar.right()) + gap
        pill_height = pixels(19)
        self._paint_badge(painter, QRectF(left, box.center().y() - pill_height / 2 + 1, badge, pill_height), row)

    def _paint_badge(self, painter: QPainter, pill: QRectF, row: WorkerRowContent) -> None:
        ground = self._appearance.worker_colour(row.mark.colour) if row.badge_filled else self._appearance.colour("track")
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(pill, pill.height() / 2, pill.height() / 2)
        painter.setPen(ink_on(ground) if row.badge_filled else self._appearance.colour("muted"))
        painter.setFont(self.font())
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, row.badge)

    def _paint_text(
        self,
        painter: QPainter,
        left: int,
        width: int,
        text: str,
        role: str,
        font: QFont | None = None,
        *,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    ) -> int:
        """Draw one line of text, shortened; returns its width on the line."""
        painter.setFont(font or self.font())
        painter.setPen(self._appearance.colour(role))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, width)
        painter.drawText(QRect(left, 0, width, self.height()), align | Qt.AlignmentFlag.AlignVCenter, shown)
        return width

    # -- doing

    def _open(self) -> None:
        if self._content is not None:
            self.opened.emit(self._content.machine_id)


def _drawn(content: MachineCardContent) -> tuple[object, ...]:
    rows = tuple((row.worker_id, row.name, row.mark, row.badge, row.badge_words, _drawn_bar(row.bar)) for row in content.rows)
    state = (content.machine_id, content.title, content.status, content.status_role, content.sentence, content.sentence_role)
    return (*state, content.safe_bytes, content.speed_words, content.buttons, content.menu, rows)


def _drawn_bar(bar: MemoryBarContent) -> tuple[object, ...]:
    return bar.used_by_others, bar.weights, bar.kv, bar.compute, bar.actual, bar.safe_end


def _words_of(content: MachineCardContent) -> str:
    workers = "; ".join(f"{row.name}: {row.badge_words}" for row in content.rows if row.switch_shown)
    safe = tr("{size} safe", size=bytes_text(content.safe_bytes)) if content.safe_bytes else ""
    parts = (f"{content.title}: {content.status}", safe, content.speed_words, workers, content.sentence)
    return ". ".join(part for part in parts if part)
