"""The layer map with its title and its verdict."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gui.charts.layer_map_chart import LayerMapChart
from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.small_widgets import ElidedLabel, set_role
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.layer_map_content import LayerMapContent


class LayerMapPanel(QFrame):
    """Shows a ``LayerMapContent``."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        title = PlainLabel(tr("Layer map"))
        title.setObjectName("title")
        self._detail = ElidedLabel(role="muted")
        self.verdict = PlainLabel()
        self.chart = LayerMapChart(appearance)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(title)
        head.addWidget(self._detail, 1)
        head.addWidget(self.verdict)
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 8, 14, 6)
        box.setSpacing(4)
        box.addLayout(head)
        box.addWidget(self.chart)

    def show_content(self, content: LayerMapContent) -> None:
        """Show it, if it is another one."""
        if content == self.chart.content:
            return
        self._detail.show_text(content.detail)
        self.verdict.setText(content.verdict)
        set_role(self.verdict, content.verdict_role)
        self.chart.show_content(content)
