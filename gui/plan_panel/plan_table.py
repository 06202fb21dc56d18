"""The comparison of plans: row names at the left, a column per variant, the chosen one raised; a click chooses a column.

Each column is a button, so Tab and Space reach it and screen readers read it whole. Rejected: QTableView (cannot raise a
column, and cells are not what is chosen).
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QWidget

from gui.small_parts.plain_tips import plain_tip
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.plan_table_content import ROWS, VariantColumnContent, column_in_words, row_titles

_WIDEST = 150
_ALWAYS_SEEN = 4


def _row_height(widget: QWidget, appearance: Appearance) -> int:
    return widget.fontMetrics().height() + appearance.pixels(4)


def _head_height(widget: QWidget, appearance: Appearance) -> int:
    return 2 * widget.fontMetrics().height() + appearance.pixels(8)


class _RowNames(QWidget):
    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        widest = max(self.fontMetrics().horizontalAdvance(row) for row in row_titles())
        height = _head_height(self, self._appearance) + len(ROWS) * _row_height(self, self._appearance)
        return QSize(widest + self._appearance.pixels(12), height + self._appearance.pixels(4))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        height = _row_height(self, self._appearance)
        for place, row in enumerate(row_titles()):
            box = QRectF(0, _head_height(self, self._appearance) + place * height, self.width(), height)
            painter.setPen(self._appearance.colour("hairline"))
            painter.drawLine(box.topLeft(), box.topRight())
            painter.setPen(self._appearance.colour("muted"))
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, row)
        painter.end()


class VariantColumn(QAbstractButton):
    """One plan of the comparison."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._content: VariantColumnContent | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_content(self, content: VariantColumnContent) -> None:
        """Show it, if it is another one."""
        if content == self._content:
            return
        self._content = content
        self.setToolTip(plain_tip(tr("{words}\nClick to choose this plan.", words=content.words)))
        self.setAccessibleName(column_in_words(content))
        self.fit()
        self.update()

    @property
    def content(self) -> VariantColumnContent | None:
        """What is shown."""
        return self._content

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        texts = () if self._content is None else (self._content.title + "  ", self._content.subtitle, *self._content.cells)
        widest = max((metrics.horizontalAdvance(text) for text in (*texts, "000.0 tok/s")), default=0)
        height = _head_height(self, self._appearance) + len(ROWS) * _row_height(self, self._appearance)
        return QSize(widest + self._appearance.pixels(14), height + self._appearance.pixels(4))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def fit(self) -> None:
        """Not as wide as the room: a plan alone would be a figure in the middle of nowhere."""
        self.setMaximumWidth(max(self._appearance.pixels(_WIDEST), self.sizeHint().width()))
        self.updateGeometry()

    def paintEvent(self, _event: QPaintEvent) -> None:
        content = self._content
        if content is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, content)
        line = self.fontMetrics().height()
        bold = painter.font()
        bold.setBold(True)
        painter.save()
        painter.setFont(bold)
        painter.setPen(self._appearance.colour("link" if content.chosen else "text"))
        painter.drawText(
            QRectF(0, self._appearance.pixels(4), self.width(), line), Qt.AlignmentFlag.AlignCenter, content.title
        )
        painter.restore()
        painter.setPen(self._appearance.colour("muted"))
        under = QRectF(0, self._appearance.pixels(4) + line, self.width(), line)
        painter.drawText(under, Qt.AlignmentFlag.AlignCenter, content.subtitle)
        self._paint_cells(painter, content)
        painter.end()

    def _paint_ground(self, painter: QPainter, content: VariantColumnContent) -> None:
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        if content.chosen:
            painter.setPen(QPen(self._appearance.colour("link"), 1))
            painter.setBrush(self._appearance.colour("raised"))
            painter.drawRoundedRect(box, 8, 8)
        if self.hasFocus() or self.underMouse():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._appearance.colour("link" if self.hasFocus() else "border"), 2 if self.hasFocus() else 1))
            painter.drawRoundedRect(box, 8, 8)

    def _paint_cells(self, painter: QPainter, content: VariantColumnContent) -> None:
        height = _row_height(self, self._appearance)
        for place, (cell, role) in enumerate(zip(content.cells, content.cell_roles, strict=True)):
            box = QRectF(0, _head_height(self, self._appearance) + place * height, self.width(), height)
            if not content.chosen:
                painter.fillRect(QRectF(0, box.top(), self.width(), 1), self._appearance.colour("hairline"))
            painter.setPen(self._appearance.colour(role))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, cell)


class PlanTable(QWidget):
    """Columns, kept by place."""

    chosen = Signal(str, str, str)
    """Policy, layout, approach (empty for a plan that is none of the four)."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._columns: list[VariantColumn] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._names = _RowNames(appearance)
        self._row.addWidget(self._names)
        self._row.addStretch(0)
        appearance.changed.connect(self._grow)

    @property
    def columns(self) -> tuple[VariantColumn, ...]:
        """The columns shown."""
        return tuple(self._columns)

    def wanted_size(self) -> QSize:
        """Of the last four columns, also of those that were added a moment ago: a layout knows those only after the next
        event. A fifth one, which comes first while a boundary is dragged, must not move what is under the mouse."""
        names = self._names.sizeHint()
        columns = self._columns[-_ALWAYS_SEEN:]
        return QSize(names.width() + sum(column.sizeHint().width() for column in columns), names.height())

    @property
    def whole_width(self) -> int:
        """Of the names and every column: with less, words would be cut."""
        return self._names.sizeHint().width() + sum(column.sizeHint().width() for column in self._columns)

    def show_columns(self, contents: tuple[VariantColumnContent, ...], row_words: str) -> None:
        """One column per variant; ``row_words``: what the rows mean."""
        self._names.setToolTip(plain_tip(row_words))
        while len(self._columns) > len(contents):
            gone = self._columns.pop()
            self._row.removeWidget(gone)
            gone.deleteLater()
        while len(self._columns) < len(contents):
            self._columns.append(self._new_column())
        for column, content in zip(self._columns, contents, strict=True):
            column.show_content(content)
        self.setVisible(bool(contents))

    def _new_column(self) -> VariantColumn:
        column = VariantColumn(self._appearance)
        column.clicked.connect(lambda: self._say_chosen(column))
        self._row.insertWidget(1 + len(self._columns), column, 1)
        QWidget.setTabOrder(self._columns[-1] if self._columns else self, column)
        return column

    def _say_chosen(self, column: VariantColumn) -> None:
        content = column.content
        if content is not None and not content.chosen:  # a split by hand would be lost: no policy leads to it
            self.chosen.emit(content.policy.value, content.layout.value, content.approach)

    def _grow(self) -> None:
        self._names.updateGeometry()
        for column in self._columns:
            column.fit()
