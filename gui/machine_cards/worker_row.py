"""One worker in a machine's card: stripe, name, memory, the layers it holds, its switch."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gui.charts.memory_bar import MemoryBar
from gui.small_parts.small_widgets import Badge, ElidedLabel, Stripe, Switch
from gui.theme import Appearance
from gui.what_to_show.cards.worker_row_content import WorkerRowContent


class WorkerRow(QWidget):
    """Shows a ``WorkerRowContent``."""

    switched = Signal(str, bool)
    """Worker, on."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content: WorkerRowContent | None = None
        self._appearance = appearance
        self._stripe = Stripe(appearance)
        self._name = QLabel()
        self._name.setObjectName("name")
        self._detail = ElidedLabel(role="muted")
        self._names = QWidget()
        self._bar = MemoryBar(appearance)
        self._badge = Badge(appearance)
        self.switch = Switch(appearance)
        policy = self.switch.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.switch.setSizePolicy(policy)
        self._lay_out()
        self.switch.clicked.connect(self._say_switched)
        appearance.changed.connect(self._fit_names)
        self._fit_names()

    def show_content(self, content: WorkerRowContent) -> None:
        """Show it, if it is another one."""
        if content == self._content:
            return
        self._content = content
        self._stripe.show_mark(content.mark)
        self._name.setText(content.name)
        self._detail.show_text(content.detail)
        self._bar.show_content(content.bar, content.mark)
        self._bar.setAccessibleName(f"Memory of {content.name}")
        self._badge.show_badge(content.badge, content.mark, content.badge_words, filled=content.badge_filled)
        self.switch.setVisible(content.switch_shown)
        self.switch.setChecked(content.switch_on)
        self.switch.setToolTip(content.switch_words)
        self.switch.setAccessibleName(f"Use {content.name}")
        self.setToolTip("" if content.switch_shown else content.switch_words)

    def _lay_out(self) -> None:
        names = QVBoxLayout(self._names)
        names.setContentsMargins(0, 0, 0, 0)
        names.setSpacing(0)
        names.addWidget(self._name)
        names.addWidget(self._detail)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 2, 0, 2)
        row.setSpacing(8)
        row.addWidget(self._stripe)
        row.addWidget(self._names)
        row.addWidget(self._bar, 1)
        row.addWidget(self._badge)
        row.addWidget(self.switch)

    def _fit_names(self) -> None:
        self._names.setFixedWidth(self._appearance.pixels(126))
        self._badge.updateGeometry()

    def _say_switched(self) -> None:
        if self._content is not None:
            self.switched.emit(self._content.worker_id, self.switch.isChecked())
