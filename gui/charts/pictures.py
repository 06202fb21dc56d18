"""Charts and the layer map as picture files, drawn as they are on the screen: PNG at twice its size, SVG as drawing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QGraphicsView, QWidget

from gui.theme import Appearance

Chart = tuple[str, QGraphicsView]
"""Title and what is drawn."""

_SHARPNESS = 2
_MARGIN = 16


class ChartsPicture:
    """All charts below a title, each with its own, two in a row."""

    def __init__(self, title: str, charts: Sequence[Chart], appearance: Appearance) -> None:
        self._title = title
        self._charts = charts
        self._appearance = appearance
        self._cell = QSize(
            max(view.viewport().width() for _title, view in charts), max(view.viewport().height() for _title, view in charts)
        )
        self._line = appearance.pixels(22)

    @property
    def size(self) -> QSize:
        """In pixels at 100 %."""
        rows = (len(self._charts) + 1) // 2
        return QSize(
            2 * self._cell.width() + 3 * _MARGIN,
            self._line + _MARGIN + rows * (self._cell.height() + self._line + _MARGIN),
        )

    def save_png(self, path: Path) -> None:
        """Raises ``OSError``."""
        image = QImage(self.size * _SHARPNESS, QImage.Format.Format_ARGB32)
        image.setDevicePixelRatio(_SHARPNESS)
        painter = QPainter(image)
        self._paint(painter)
        painter.end()
        _save(image, path)

    def save_svg(self, path: Path) -> None:
        """Raises ``OSError``."""
        path.touch()  # QSvgGenerator does not say why a file cannot be written; this does
        generator = QSvgGenerator()
        generator.setFileName(str(path))
        generator.setSize(self.size)
        generator.setViewBox(QRect(0, 0, self.size.width(), self.size.height()))
        generator.setTitle(self._title)
        painter = QPainter(generator)
        self._paint(painter)
        painter.end()

    def _paint(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(QRectF(0, 0, self.size.width(), self.size.height()), self._appearance.colour("panel"))
        self._write(painter, QRectF(_MARGIN, _MARGIN / 2, self.size.width() - 2 * _MARGIN, self._line), self._title, bold=True)
        for place, (title, view) in enumerate(self._charts):
            row, column = divmod(place, 2)
            left = _MARGIN + column * (self._cell.width() + _MARGIN)
            top = self._line + _MARGIN + row * (self._cell.height() + self._line + _MARGIN)
            self._write(painter, QRectF(left, top, self._cell.width(), self._line), title)
            box = QRectF(left, top + self._line, view.viewport().width(), view.viewport().height())
            view.render(painter, box, view.viewport().rect())

    def _write(self, painter: QPainter, box: QRectF, text: str, *, bold: bool = False) -> None:
        font = QFont(self._charts[0][1].font())
        font.setBold(bold)
        painter.setFont(font)
        painter.setPen(QColor(self._appearance.colour("text" if bold else "muted")))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)


def save_widget(widget: QWidget, path: Path, background: QColor) -> None:
    """One widget as it is drawn now, as PNG. Raises ``OSError``."""
    image = QImage(widget.size() * _SHARPNESS, QImage.Format.Format_ARGB32)
    image.setDevicePixelRatio(_SHARPNESS)
    image.fill(background)
    widget.render(image)
    _save(image, path)


def _save(image: QImage, path: Path) -> None:
    path.touch()  # as above
    writer = QImageWriter(str(path), QByteArray(b"png"))
    if not writer.write(image):
        raise OSError(writer.errorString())
