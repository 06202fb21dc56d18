"""The card of one machine. It shows a content and says which action was asked for; what that means is not known here."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QProgressBar, QPushButton, QToolButton, QVBoxLayout, QWidget

from gui.assets import icon
from gui.machine_cards.worker_row import WorkerRow
from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.small_widgets import ElidedLabel, set_role
from gui.small_parts.wrapping_row import WrappingRow
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.cards.machine_card_content import CardButton, CardFact, CardProgress, MachineCardContent
from gui.what_to_show.cards.worker_row_content import WorkerRowContent
from gui.what_to_show.formatting import percent_text


class MachineCard(QFrame):
    """Shows a ``MachineCardContent``; keeps its rows by worker."""

    switched = Signal(str, bool)
    asked = Signal(str, str)
    """Machine, ``CardAction``."""
    worker_asked = Signal(str, str)
    """Worker, ``WorkerAction``."""
    fold_asked = Signal(str)
    """Machine: show it in one line again."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._appearance = appearance
        self._content: MachineCardContent | None = None
        self._rows: list[WorkerRow] = []
        self.buttons: dict[str, QPushButton] = {}
        """By action."""
        self.facts: list[ElidedLabel] = []
        self._title = ElidedLabel(role="text")
        self._title.setObjectName("title")
        self.status = PlainLabel()
        self._subtitle = ElidedLabel(role="muted")
        self.sentence = PlainLabel()
        self.sentence.setWordWrap(True)
        self.sentence.setMinimumWidth(1)  # else as wide as its longest word, a path for example, and wider than the card
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self._bar_words = ElidedLabel(role="muted")
        self.menu_button = QToolButton()
        self.menu_button.setObjectName("dots")
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.menu_button)
        self.menu_button.setMenu(self.menu)
        self.fold = QToolButton()
        self.fold.setObjectName("dots")
        self.fold.setToolTip(tr("Show it in one line again"))
        self.fold.hide()
        self.fold.clicked.connect(self._ask_to_fold)
        self._row_box = QVBoxLayout()
        self._row_box.setSpacing(6)
        self._fact_box = QVBoxLayout()
        self._fact_box.setSpacing(1)
        self._button_box = WrappingRow(spacing=8)
        self._lay_out()
        self._paint_icons()
        appearance.changed.connect(self._paint_icons)

    def show_content(self, content: MachineCardContent) -> None:
        """Show it, if it is another one."""
        if content == self._content:
            return
        before, self._content = self._content, content
        if before is not None and before.machine_id != content.machine_id:
            self.menu.close()  # it was opened for another machine
        self.setAccessibleName(f"{content.title}: {content.status}")
        self._title.show_text(content.title)
        self.status.setText(f"{content.status_shape} {content.status}")
        set_role(self.status, content.status_role)
        self._subtitle.show_text(content.subtitle)
        self._subtitle.setVisible(bool(content.subtitle))
        self.sentence.setText(content.sentence)
        self.sentence.setVisible(bool(content.sentence))
        set_role(self.sentence, content.sentence_role)
        self._show_facts(content.facts)
        self._show_rows(content.rows)
        self._show_progress(content.progress)
        if before is None or (before.buttons, before.title) != (content.buttons, content.title):
            self._show_buttons(content.buttons)
        if before is None or before.menu != content.menu:
            self._show_menu(content.menu)
        self.menu_button.setAccessibleName(tr("More about {title}", title=content.title))
        self.fold.setAccessibleName(tr("Show {title} in one line", title=content.title))

    def show_folding(self, *, possible: bool) -> None:
        """Whether it can be made one line again."""
        self.fold.setVisible(possible)

    def row(self, worker_id: str) -> WorkerRow:
        """The row of a worker."""
        return next(row for row in self._rows if row.worker_id == worker_id)

    @property
    def focus_parts(self) -> list[QWidget]:
        """What takes the keyboard, in the order in which Tab goes through it."""
        parts: list[QWidget] = [self.menu_button, self.fold]
        for row in self._rows:
            parts += [row.switch, row.menu_button]
        return [*parts, *self.buttons.values()]

    def _show_facts(self, facts: tuple[CardFact, ...]) -> None:
        while len(self.facts) > len(facts):
            gone = self.facts.pop()
            self._fact_box.removeWidget(gone)
            gone.deleteLater()
        while len(self.facts) < len(facts):
            self.facts.append(ElidedLabel(role="muted"))
            self._fact_box.addWidget(self.facts[-1])
        for label, fact in zip(self.facts, facts, strict=True):
            label.show_text(fact.text)
            set_role(label, fact.role)

    def _show_rows(self, contents: tuple[WorkerRowContent, ...]) -> None:
        """Rows are used again, whichever worker they showed: making one costs more than all that a state changes."""
        while len(self._rows) > len(contents):
            gone = self._rows.pop()
            self._row_box.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        while len(self._rows) < len(contents):
            row = WorkerRow(self._appearance)
            row.switched.connect(self.switched)
            row.asked.connect(self.worker_asked)
            self._rows.append(row)
            self._row_box.addWidget(row)
        for row, content in zip(self._rows, contents, strict=True):
            row.show_content(content)

    def _show_progress(self, progress: CardProgress | None) -> None:
        self.bar.setVisible(progress is not None)
        self._bar_words.setVisible(progress is not None)
        if progress is None:
            return
        known = progress.fraction is not None
        self.bar.setRange(0, 1000 if known else 0)
        self.bar.setValue(round((progress.fraction or 0.0) * 1000))
        self.bar.setAccessibleName(progress.title)
        percent = percent_text(progress.fraction or 0.0) if known else ""
        self._bar_words.show_text(" · ".join(part for part in (percent, progress.detail) if part))

    def _show_buttons(self, contents: tuple[CardButton, ...]) -> None:
        for button in self.buttons.values():
            self._button_box.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = {}
        for content in contents:
            button = QPushButton(content.text)
            button.setObjectName("primary" if content.primary else "")
            button.setAccessibleName(f"{content.text}: {self._name()}")
            button.clicked.connect(lambda _checked=False, action=content.action: self._ask(action))
            self._button_box.addWidget(button)
            self.buttons[content.action] = button

    def _show_menu(self, entries: tuple[CardButton, ...]) -> None:
        self.menu_button.setVisible(bool(entries))
        self.menu_button.setToolTip(tr("Look again, commands, log, exposure, remove"))
        self.menu.clear()
        for entry in entries:
            action = QAction(entry.text, self.menu)
            action.setData(entry.action.value)
            action.triggered.connect(lambda _checked=False, what=entry.action: self._ask(what))
            self.menu.addAction(action)

    def _ask(self, action: str) -> None:
        if self._content is not None:
            self.asked.emit(self._content.machine_id, action)

    def _ask_to_fold(self) -> None:
        if self._content is not None:
            self.fold_asked.emit(self._content.machine_id)

    def _name(self) -> str:
        return "" if self._content is None else self._content.title

    def _paint_icons(self) -> None:
        self.menu_button.setIcon(icon("menu", self._appearance.colour("muted")))
        self.fold.setIcon(icon("fold", self._appearance.colour("muted")))
        for button in (self.menu_button, self.fold):
            button.setIconSize(QSize(self._appearance.pixels(16), self._appearance.pixels(16)))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._title, 1)
        head.addWidget(self.status)
        head.addWidget(self.menu_button)
        head.addWidget(self.fold)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 8, 8, 10)
        box.setSpacing(4)
        box.addLayout(head)
        box.addWidget(self._subtitle)
        box.addLayout(self._fact_box)
        box.addLayout(self._row_box)
        box.addWidget(self.bar)
        box.addWidget(self._bar_words)
        box.addWidget(self.sentence)
        box.addLayout(self._button_box)
        box.addStretch(1)
