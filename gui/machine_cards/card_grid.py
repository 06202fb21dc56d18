"""All machines: cards in as many columns as there is room for, or one line each, under headings if they are grouped.

Only what is in view (and a little around it) exists as widgets, which are used again for other machines when it scrolls: with
200 machines a state costs what a dozen cost. A dozen or fewer all exist. What has the keyboard's focus is never taken away.
All lines together are one stop of the Tab key, as in any list: the arrow keys go from one to the next, Tab goes on.
Rejected: a ``QListView`` with a delegate (a card holds buttons, menus and switches that must be real for keyboards and screen
readers).
"""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QWidget

from gui.machine_cards.machine_card import MachineCard
from gui.machine_cards.machine_line import MachineLine
from gui.machine_cards.places import Item, Kind, Place, Places, places_of
from gui.machine_cards.shown_widgets import ShownWidgets
from gui.small_parts.plain_label import PlainLabel
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.cards.all_cards import MachinesContent
from gui.what_to_show.cards.machine_order import MOST_CARDS, MachineOrder

_CARD_WIDTH = 368
_NARROWEST = 320
_TALLEST = 290
_SHARE_OF_WINDOW = 0.42
_GAP = 8
_HEADING = 30
_GUESSED_CARD = 150
_MOST_ROUNDS = 4


class _Inside(QWidget):
    """Says when something in it wants another size: a scroll area by itself asks for none."""

    wants_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("clear")

    def event(self, event: QEvent) -> bool:
        answer = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self.wants_changed.emit()
        return answer


class CardGrid(QScrollArea):
    """Shows machines in an order. One machine is seen whole; more scroll."""

    switched = Signal(str, bool)
    asked = Signal(str, str)
    """Machine, ``CardAction``."""
    worker_asked = Signal(str, str)
    """Worker, ``WorkerAction``."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._content: MachinesContent | None = None
        self._order = MachineOrder(groups=(), one_line_each=False, nothing="")
        self._opened: set[str] = set()
        self._line_of_tab = ""
        self._heights: dict[str, int] = {}
        self._places = Places(places=(), height=0)
        self._placing = False
        self._inside = _Inside()
        self._inside.wants_changed.connect(self._place)
        self._cards: ShownWidgets[MachineCard] = ShownWidgets(self._new_card)
        self._lines: ShownWidgets[MachineLine] = ShownWidgets(self._new_line)
        self._headings: ShownWidgets[QLabel] = ShownWidgets(self._new_heading)
        self.setObjectName("read")
        self.setWidget(self._inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Machines"))
        self.verticalScrollBar().valueChanged.connect(self._place)
        appearance.changed.connect(self._forget_heights)

    def show_content(self, content: MachinesContent, order: MachineOrder) -> None:
        """Show it. What exists is brought up to date; a new order is laid out."""
        self._content = content
        if order != self._order:
            self._order = order
            self._place()
        for machine_id, card in self._cards.items():
            card.show_content(content.card(machine_id))
        for machine_id, line in self._lines.items():
            line.show_content(content.card(machine_id))

    def shows(self, machine_id: str) -> bool:
        """Whether it is among the machines, in view or not."""
        return any(machine_id in group.machine_ids for group in self._order.groups)

    def card(self, machine_id: str) -> MachineCard:
        """The card of a machine, brought into view if it does not exist. Raises KeyError when no such machine is shown."""
        card = self._cards.get(machine_id)
        if card is None:
            self.reveal(machine_id)
            card = self._cards.get(machine_id)
        if card is None:
            raise KeyError(machine_id)
        return card

    def reveal(self, machine_id: str) -> None:
        """Open a machine's card and scroll to it."""
        self._opened.add(machine_id)
        self._place()
        self._scroll_to(machine_id)

    def sizeHint(self) -> QSize:
        return QSize(self._appearance.pixels(_CARD_WIDTH), self._wanted_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(self._appearance.pixels(_NARROWEST), self._wanted_height())

    def _wanted_height(self) -> int:
        most = max(self._appearance.pixels(_TALLEST), round(self.window().height() * _SHARE_OF_WINDOW))
        all_of_it = self._places.height + 2 * self.frameWidth()
        return min(all_of_it, most) if len(self._places.places) > 1 else all_of_it

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._forget_heights()
        else:
            self._place()

    # -- placing

    def _forget_heights(self) -> None:
        self._heights = {}
        self._place()

    def _place(self) -> None:
        """Lay out what is in view; again when a card turns out to be of another height than was thought."""
        if self._placing:
            return
        self._placing = True
        height = self._places.height
        for _round in range(_MOST_ROUNDS):
            self._places = places_of(
                self._items(), width=self.viewport().width(), columns=self._columns(), gap=self._appearance.pixels(_GAP)
            )
            if not self._show(self._wanted()):
                break
        self._inside.setMinimumHeight(self._places.height)
        self._placing = False
        if self._places.height != height:
            self.updateGeometry()

    def _columns(self) -> int:
        if self._order.one_line_each:
            return 1
        n_most = max((len(group.machine_ids) for group in self._order.groups), default=1)
        return max(1, min(n_most, self.viewport().width() // self._appearance.pixels(_CARD_WIDTH)))

    def _items(self) -> list[Item]:
        items: list[Item] = []
        for group in self._order.groups:
            if group.title:
                items.append(Item(kind=Kind.HEADING, key=group.title, height=self._appearance.pixels(_HEADING)))
            items += [self._item_of(machine_id) for machine_id in group.machine_ids]
        return items

    def _item_of(self, machine_id: str) -> Item:
        if self._order.one_line_each and machine_id not in self._opened:
            return Item(kind=Kind.LINE, key=machine_id, height=MachineLine.height_of(self._appearance))
        guess = self._appearance.pixels(_GUESSED_CARD)
        return Item(kind=Kind.CARD, key=machine_id, height=self._heights.get(machine_id, guess))

    def _wanted(self) -> tuple[Place, ...]:
        """What exists: all of a few, else what is in view, half a view around it, what has the focus and the line that Tab
        comes to."""
        if len(self._places.places) <= MOST_CARDS:
            return self._places.places
        top, view = self.verticalScrollBar().value(), max(self.viewport().height(), 1)
        seen = self._places.between(top - view // 2, top + view + view // 2)
        kept = (self._focused_key(), self._line_of_tab)
        extra = (place for place in self._places.places if place.item.key in kept and place not in seen)
        return (*seen, *extra)

    def _focused_key(self) -> str | None:
        focused = self.window().focusWidget()  # also while another window has the keyboard
        if focused is None or not self._inside.isAncestorOf(focused):
            return None
        shown: list[tuple[str, QWidget]] = [*self._cards.items(), *self._lines.items()]
        return next((key for key, widget in shown if widget is focused or widget.isAncestorOf(focused)), None)

    def _show(self, wanted: tuple[Place, ...]) -> bool:
        """Give every place its widget; whether a height was another one than was thought."""
        content = self._content
        if content is None:
            return False
        by_kind = {kind: [place.item.key for place in wanted if place.item.kind is kind] for kind in Kind}
        if self._line_of_tab not in by_kind[Kind.LINE]:
            self._line_of_tab = next(iter(by_kind[Kind.LINE]), "")
        changed = self._cards.keep(by_kind[Kind.CARD])
        changed |= self._lines.keep(by_kind[Kind.LINE])
        self._headings.keep(by_kind[Kind.HEADING])
        learnt = False
        for place in wanted:
            widget = self._widget_at(place, content)
            if isinstance(widget, MachineCard):
                learnt |= self._learn_height(widget, place)
            height = max(place.height, self.viewport().height()) if self._is_one_row() else place.height
            widget.setGeometry(place.x, place.y, place.width, height)
            widget.show()
        if changed and not learnt:
            self._chain_focus(wanted)
        return learnt

    def _widget_at(self, place: Place, content: MachinesContent) -> QWidget:
        key = place.item.key
        if place.item.kind is Kind.HEADING:
            label, _new = self._headings.take(key)
            label.setText(key)
            return label
        if place.item.kind is Kind.LINE:
            line, new = self._lines.take(key)
            if new:
                line.show_content(content.card(key))
            self._let_tab_in(line, key)
            return line
        card, new = self._cards.take(key)
        card.show_folding(possible=self._order.one_line_each)
        if new:
            card.show_content(content.card(key))
        return card

    def _let_tab_in(self, line: MachineLine, key: str) -> None:
        """Or not, for all lines but one."""
        line.setFocusPolicy(Qt.FocusPolicy.StrongFocus if key == self._line_of_tab else Qt.FocusPolicy.ClickFocus)

    def _move_tab_to(self, machine_id: str) -> None:
        """Tab comes back to the line that had the keyboard last."""
        self._line_of_tab = machine_id
        for key, line in self._lines.items():
            self._let_tab_in(line, key)

    def _learn_height(self, card: MachineCard, place: Place) -> bool:
        height = card.heightForWidth(place.width) if card.hasHeightForWidth() else card.sizeHint().height()
        if self._heights.get(place.item.key) == height:
            return False
        self._heights[place.item.key] = height
        return True

    def _is_one_row(self) -> bool:
        places = self._places.places
        return all(place.item.kind is Kind.CARD for place in places) and {place.y for place in places} == {0}

    def _chain_focus(self, wanted: tuple[Place, ...]) -> None:
        """Tab goes from top to bottom, whatever the widgets were used for before."""
        chain: list[QWidget] = [self]
        for place in wanted:
            line, card = self._lines.get(place.item.key), self._cards.get(place.item.key)
            chain += card.focus_parts if card is not None else [line] if line is not None else []
        for before, after in pairwise(chain):
            QWidget.setTabOrder(before, after)

    # -- lines and cards

    def _scroll_to(self, key: str) -> None:
        place = next((place for place in self._places.places if place.item.key == key), None)
        if place is None:
            return
        bar, view = self.verticalScrollBar(), self.viewport().height()
        bar.setMaximum(max(bar.maximum(), self._places.height - view))
        if place.y < bar.value() or place.y + place.height > bar.value() + view:
            bar.setValue(min(place.y, max(place.y + place.height - view, place.y - view // 3)))
        self._place()

    def _unfold(self, machine_id: str) -> None:
        self.reveal(machine_id)
        self.card(machine_id).menu_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _fold(self, machine_id: str) -> None:
        self._opened.discard(machine_id)
        self._place()
        line = self._lines.get(machine_id)
        if line is not None:
            line.setFocus(Qt.FocusReason.OtherFocusReason)

    def _step(self, machine_id: str, by: int) -> None:
        """The arrow keys go from line to line."""
        keys = [place.item.key for place in self._places.places if place.item.kind is Kind.LINE]
        there = keys.index(machine_id) + by
        if 0 <= there < len(keys):
            self._scroll_to(keys[there])
            line = self._lines.get(keys[there])
            if line is not None:
                line.setFocus(Qt.FocusReason.OtherFocusReason)

    def _new_card(self) -> MachineCard:
        card = MachineCard(self._appearance, self._inside)
        card.switched.connect(self.switched)
        card.asked.connect(self.asked)
        card.worker_asked.connect(self.worker_asked)
        card.fold_asked.connect(self._fold)
        return card

    def _new_line(self) -> MachineLine:
        line = MachineLine(self._appearance, self._inside)
        line.opened.connect(self._unfold)
        line.asked.connect(self.asked)
        line.stepped.connect(self._step)
        line.reached.connect(self._move_tab_to)
        return line

    def _new_heading(self) -> QLabel:
        label = PlainLabel(parent=self._inside)
        label.setObjectName("name")
        label.setProperty("role", "muted")
        return label
