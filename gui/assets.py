"""Icons: small line drawings of our own (``resources/icons``), painted in any colour.

Rejected: an icon font or qtawesome (6 MB, 0.45 s to import), and copies per theme.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

logger = logging.getLogger(__name__)


def resources_folder() -> Path:
    """Beside the packages in a checkout and in a frozen application, else where an installed package puts shared data."""
    beside = Path(__file__).resolve().parent.parent / "resources"
    return beside if beside.is_dir() else Path(sys.prefix) / "share" / "crossply" / "resources"


def icon_file(name: str) -> Path:
    """The drawing itself."""
    return resources_folder() / "icons" / f"{name}.svg"


def icon(name: str, colour: QColor, *, pixels: int = 16) -> QIcon:
    """A line drawing in one colour, sharp up to twice ``pixels`` on a screen of two pixels to one. A missing file gives an
    empty icon and a line in the log: every button has words too."""
    file = icon_file(name)
    if not file.is_file():
        logger.warning("icon %s is missing", file)
        return QIcon()
    drawing = file.read_bytes().replace(b"currentColor", colour.name().encode())
    image = QPixmap(QSize(pixels * 4, pixels * 4))
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(drawing)).render(painter)
    painter.end()
    return QIcon(image)


def application_icon() -> QIcon:
    """The application's own mark."""
    return QIcon(str(resources_folder() / "icons" / "crossply.svg"))
