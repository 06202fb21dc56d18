"""The top of the window: what to run, how large, and the one primary button."""

from __future__ import annotations

import time
from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from gui.assets import icon
from gui.small_parts.choosers import HEADING, Chooser
from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.plain_tips import plain_tip
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.files.document_content import DocumentContent
from gui.what_to_show.model_chooser_content import ModelChooserContent, ModelGroup
from gui.what_to_show.status_content import PrimaryButtonContent

_WIDE, _WIDE_WITH_DOCUMENT = 1000, 1200
"""From here on everything stands in one line; below ``_NARROW`` the sizes of a run get a line of their own too."""
_NARROW = 680
_DOUBLE_CLICK_SECONDS = 0.4


def _entries_of(group: ModelGroup) -> tuple[tuple[str, str, str], ...]:
    """A heading and its models, as the chooser wants them."""
    return ((HEADING, group.title, ""), *((model.path, model.label, model.words) for model in group.models))


class Header(QWidget):
    """Shows a ``ModelChooserContent`` and the primary button."""

    model_chosen = Signal(str)
    browse_asked = Signal()
    context_chosen = Signal(str)
    slots_chosen = Signal(str)
    cache_type_chosen = Signal(str)
    primary_pressed = Signal(str)
    """The action that the button said: what the state has become since then, nobody has seen."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("header")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._appearance = appearance
        self._primary: PrimaryButtonContent | None = None
        self._pressed_at = -_DOUBLE_CLICK_SECONDS
        self._wide = False  # begun narrow, or the window could never be made narrower than the wide line
        self._document: DocumentContent | None = None
        self.model = Chooser(tr("Model"), tr("The GGUF file whose layers are shared out (Ctrl+O to browse)"))
        self.model.setPlaceholderText(tr("Choose a model…"))
        self.model.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.model.setMinimumContentsLength(14)
        self.model.setSizeAdjustPolicy(Chooser.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.model.setMaxVisibleItems(24)
        self.document = PlainLabel()
        self.document.setProperty("role", "muted")
        self.document.hide()
        self.browse = QPushButton(tr("Browse…"))
        self.browse.setToolTip(tr("Choose a GGUF file (Ctrl+O)"))
        self.context = Chooser(
            tr("Context"), tr("Tokens of context for all slots together: more needs more memory on every worker")
        )
        self.slot_count = Chooser(tr("Slots"), tr("How many requests run at the same time; they share the context"))
        self.cache_type = Chooser(tr("KV cache type"), "")
        self.primary = QPushButton(tr("Launch"))
        self.primary.setObjectName("primary")
        self.menu_button = QToolButton()
        self.menu_button.setObjectName("menu")
        self.menu_button.setAccessibleName(tr("Menu"))
        self.menu_button.setToolTip(tr("What is used most: settings, appearance, look again, quit"))
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        self.menu_button.setMenu(self.menu)
        self.menu_button.hide()
        self._lay_out()
        self._connect()
        self._paint_icons()

    def show_content(self, content: ModelChooserContent) -> None:
        """What can be chosen."""
        models = [entry for group in content.groups for entry in _entries_of(group)]
        self.model.show_entries(tuple(models), content.chosen_path, words=content.model_words)
        contexts = tuple((str(size), label, "") for size, label in zip(content.contexts, content.context_labels, strict=True))
        self.context.show_entries(contexts, str(content.context))
        counts = tuple((str(count), label, "") for count, label in zip(content.slot_counts, content.slot_labels, strict=True))
        self.slot_count.show_entries(counts, str(content.slots))
        types = tuple((kind, f"KV {kind}", "") for kind in content.cache_types)
        self.cache_type.show_entries(types, content.cache_type, words=content.cache_type_words)
        for control in (self.model, self.browse, self.context, self.slot_count):
            control.setEnabled(content.changeable)
        self.cache_type.setEnabled(content.cache_type_changeable)

    def show_document(self, content: DocumentContent) -> None:
        """The open file's name, with a dot when it was changed."""
        self._document = content
        self._fit_document()
        self.document.setAccessibleName(tr("{name}, changed", name=content.name) if content.changed else content.name)
        self.document.setToolTip(plain_tip(content.words))
        self.document.setVisible(bool(content.name))
        self._place_controls()

    def _fit_document(self) -> None:
        if self._document is not None:
            width = self._appearance.pixels(170)
            name = self.document.fontMetrics().elidedText(self._document.name, Qt.TextElideMode.ElideMiddle, width)
            self.document.setText(f"{name} •" if self._document.changed else name)

    def show_primary(self, content: PrimaryButtonContent) -> None:
        """The primary button's face."""
        if content == self._primary:
            return
        self._primary = content
        self.primary.setText(content.text)
        self.primary.setEnabled(content.enabled)
        self.primary.setToolTip(plain_tip(content.words))
        self.primary.setAccessibleDescription(content.words)
        self._paint_icons()

    def show_menu(self, shown: bool) -> None:
        """The short menu: only where there is no menu bar, which holds all of it."""
        self.menu_button.setVisible(shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_controls()

    def _lay_out(self) -> None:
        brand = PlainLabel("Crossply")
        brand.setObjectName("brand")
        self._controls = QWidget()
        self._row = QBoxLayout(QBoxLayout.Direction.TopToBottom, self._controls)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(8)
        what, sizes = QHBoxLayout(), QHBoxLayout()
        what.addWidget(self.model, 1)
        what.addWidget(self.browse)
        for control in (self.context, self.slot_count, self.cache_type):
            sizes.addWidget(control)
        self._row.addLayout(what, 1)
        self._row.addLayout(sizes)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(16, 10, 16, 10)
        self._grid.setHorizontalSpacing(12)
        title = QHBoxLayout()
        title.setSpacing(10)
        title.addWidget(brand)
        title.addWidget(self.document)
        self._grid.addLayout(title, 0, 0)
        self._grid.addWidget(self.menu_button, 0, 2)
        self._grid.addWidget(self.primary, 0, 3)
        self._grid.setColumnStretch(1, 1)
        self._grid.addWidget(self._controls, 1, 0, 1, 4)
        in_order = (self.model, self.browse, self.context, self.slot_count, self.cache_type, self.menu_button, self.primary)
        for before, after in pairwise(in_order):
            self.setTabOrder(before, after)

    def _place_controls(self) -> None:
        wide = self.width() >= self._appearance.pixels(_WIDE if self.document.isHidden() else _WIDE_WITH_DOCUMENT)
        narrow = self.width() < self._appearance.pixels(_NARROW)
        self._row.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        if wide != self._wide:
            self._wide = wide
            self._grid.removeWidget(self._controls)
            if wide:
                self._grid.addWidget(self._controls, 0, 1)
            else:
                self._grid.addWidget(self._controls, 1, 0, 1, 4)

    def _connect(self) -> None:
        self.model.picked.connect(self.model_chosen)
        self.browse.clicked.connect(self.browse_asked)
        self.context.picked.connect(self.context_chosen)
        self.slot_count.picked.connect(self.slots_chosen)
        self.cache_type.picked.connect(self.cache_type_chosen)
        self.primary.clicked.connect(self._press)
        self._appearance.changed.connect(self._restyle)

    def _press(self) -> None:
        """The second click of a double one is none: it would stop what the first one launched."""
        now = time.monotonic()
        if self._primary is not None and now - self._pressed_at > _DOUBLE_CLICK_SECONDS:
            self._pressed_at = now
            self.primary_pressed.emit(self._primary.action)

    def _restyle(self) -> None:
        self._paint_icons()
        self._fit_document()
        self._place_controls()

    def _paint_icons(self) -> None:
        self.menu_button.setIcon(icon("menu", self._appearance.colour("text")))
        enabled = self._primary is None or self._primary.enabled
        stops = self._primary is not None and self._primary.action == "stop"
        colour = self._appearance.colour("on_accent" if enabled else "disabled")
        self.primary.setIcon(icon("stop" if stops else "launch", colour))
        self.primary.setMinimumWidth(self._appearance.pixels(130))
