"""The application's icon in every size that desktops and Windows ask for, drawn from the one SVG with Qt.

Drawn and not scaled down from one large picture: lines stay sharp at 16 pixels. Rejected: keeping the pictures in the
repository (they would be forgotten when the drawing changes).

    python packaging/parts/made/made_icons.py FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DRAWING = ROOT / "resources/icons/crossply.svg"
SIZES = (16, 22, 24, 32, 48, 64, 128, 256, 512)
"""Pixels; those of the hicolor theme. A Windows .ico takes 16 to 256, a macOS iconset 16 to 512."""


def make_icons(folder: Path) -> list[Path]:
    """``SIZExSIZE.png`` for each size. Returns what was made. Raises ``ValueError`` for a drawing that cannot be drawn."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    application = QGuiApplication.instance() or QGuiApplication([])
    drawing = QSvgRenderer(str(DRAWING))
    if not drawing.isValid():
        raise ValueError(f"{DRAWING} is no SVG that Qt can draw")
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for size in SIZES:
        image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        drawing.render(painter)
        painter.end()
        made.append(folder / f"{size}x{size}.png")
        image.save(str(made[-1]))
    del application
    return made


if __name__ == "__main__":
    for one in make_icons(Path(sys.argv[1])):
        print(one)
