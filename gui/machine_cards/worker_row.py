"""One worker in a machine's card: stripe, name, memory, the layers it holds, its switch, its menu."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from gui.assets import icon
from gui.charts.memory_bar import MemoryBar
from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.plain_tips import plain_tip
from gui.small_parts.small_widgets import Badge, ElidedLabel, Stripe, Switch
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.cards.worker_row_content import WorkerRowContent

_NAMES_WIDTH = 120, 190


class WorkerRow(QWidget):
    """Shows a ``WorkerRowContent``, now of this worker and now of that one."""

    switched = Signal(str, bool)
    """Worker, on."""
    asked = Signal(str, str)
    """Worker, ``WorkerAction``."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content: WorkerRowContent | None = None
        self._appearance = appearance
        self._stripe = Stripe(appearance)
        self._name = PlainLabel()
        self._name.setObjectName("name")
        self._detail = ElidedLabel(role="muted")
        self._names = QWidget()
        self._bar = MemoryBar(appearance)
        self._badge = Badge(appearance)
        self.switch = Switch(appearance)
        self.menu_button = QToolButton()
        self.menu_button.setObjectName("dots")
        self.menu_button.setToolTip(tr("Log, command line, why it is in or left out"))
        for part in (self.switch, self.menu_button):
            policy = part.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            part.setSizePolicy(policy)
        self._lay_out()
        self.switch.clicked.connect(self._say_switched)
        self.menu_button.clicked.connect(self._pop_up)
        appearance.changed.connect(self._fit)
        self._fit()

    @property
    def worker_id(self) -> str:
        """Whose row it is now."""
        return "" if self._content is None else self._content.worker_id

    def show_content(self, content: WorkerRowContent) -> None:
        """Show it, if it is another one."""
        before, self._content = self._content, content
        if content == before:
            return
        self._bar.show_content(content.bar, content.mark)
        if before is not None and _but_bar(before) == _but_bar(content):
            return
        self._stripe.show_mark(content.mark)
        self._name.setText(content.name)
        self._detail.show_text(content.detail)
        self._bar.setAccessibleName(tr("Memory of {name}", name=content.name))
        self._badge.show_badge(content.badge, content.mark, content.badge_words, filled=content.badge_filled)
        self.switch.setVisible(content.switch_shown)
        self.switch.setChecked(content.switch_on)
        self.switch.setToolTip(plain_tip(content.switch_words))
        self.switch.setAccessibleName(tr("Use {name}", name=content.name))
        self.menu_button.setVisible(bool(content.menu))
        self.menu_button.setAccessibleName(tr("More about {name}", name=content.name))
        self.setToolTip(plain_tip("" if content.switch_shown else content.switch_words))

    def menu(self) -> QMenu:
        """What can be asked of the worker. Made when it is wanted: most never are."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for entry in () if self._content is None else self._content.menu:
            action = menu.addAction(entry.text)
            action.setData(entry.action.value)
            asked = partial(self.asked.emit, self.worker_id, entry.action)
            action.triggered.connect(lambda _checked=False, asked=asked: asked())
        return menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._content is not None and self._content.menu:
            self.menu().popup(event.globalPos())

    def _pop_up(self) -> None:
        self.menu().popup(self.menu_button.mapToGlobal(QPoint(0, self.menu_button.height())))

    def _lay_out(self) -> None:
        names = QVBoxLayout(self._names)
        names.setContentsMargins(0, 0, 0, 0)
        names.setSpacing(0)
        names.addWidget(self._name)
        names.addWidget(self._detail)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 2, 0, 2)
        row.setSpacing(6)
        row.addWidget(self._stripe)
        row.addWidget(self._names)
        row.addWidget(self._bar, 1)
        row.addWidget(self._badge)
        row.addWidget(self.switch)
        row.addWidget(self.menu_button)

    def _fit(self) -> None:
        self._fit_names()
        self._badge.updateGeometry()
        self.menu_button.setIcon(icon("menu", self._appearance.colour("muted")))
        self.menu_button.setIconSize(QSize(self._appearance.pixels(16), self._appearance.pixels(16)))

    def _fit_names(self) -> None:
        """Wider in a wide card, the same in all its rows: the bars begin below each other."""
        narrowest, widest = (self._appearance.pixels(width) for width in _NAMES_WIDTH)
        self._names.setFixedWidth(max(narrowest, min(widest, self.width() // 4)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_names()

    def _say_switched(self) -> None:
        if self._content is not None:
            self.switched.emit(self._content.worker_id, self.switch.isChecked())


def _but_bar(content: WorkerRowContent) -> tuple[object, ...]:
    """All but what changes with every reading of the machine's load."""
    return (
        content.worker_id,
        content.name,
        content.detail,
        content.mark,
        content.badge,
        content.badge_words,
        content.badge_filled,
        content.switch_shown,
        content.switch_on,
        content.switch_words,
        content.menu,
    )
