"""The window's actions: a ``QAction`` for each line of the table, and the menus made of them.

All of them are actions of the window itself, so that their keys work with the menu bar hidden. A disabled action's tooltip
says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from gui.small_parts.plain_tips import plain_tip
from gui.texts.translation import tr
from gui.what_to_show.actions.action_table import Facts, Menu, WindowAction
from gui.what_to_show.actions.mnemonics import with_mnemonics, without_mnemonic

Doings = Mapping[str, Callable[[], object]]
"""What each action does, by its key."""


class WindowActions(QObject):
    """``of`` holds the actions by key."""

    def __init__(self, table: Sequence[WindowAction], doings: Doings, window: QWidget) -> None:
        super().__init__(window)
        self.table = tuple(table)
        self.of = {entry.key: self._action(entry, doings[entry.key], window) for entry in table}
        self._after: Mapping[str, QMenu] = {}
        self._group(window)

    def show_facts(self, facts: Facts) -> None:
        """What can be done now, and what is chosen."""
        for entry in self.table:
            action = self.of[entry.key]
            why_not = entry.reason(facts)
            action.setEnabled(not why_not)
            action.setToolTip(plain_tip(_tip(entry, why_not)))
            if entry.checked is not None:
                action.setChecked(entry.checked(facts))

    def fill_menus(self, bar: QMenuBar, header: QMenu, after: Mapping[str, QMenu]) -> None:
        """A menu of the bar for each group of the table; in the header's short menu what is used most, with the looks, and
        Quit at the end. ``after``: menus that others fill, by the key of the action they stand behind."""
        self._after = after
        for menu in Menu:
            self._fill(bar.addMenu(tr(menu.value)), [entry for entry in self.table if entry.menu is menu], _by_section)
        short = [entry for entry in self.table if (entry.in_header or entry.submenu) and entry.key != "quit"]
        self._fill(header, short, lambda entry: entry.menu)
        header.addSeparator()
        header.addAction(self.of["quit"])
        _give_mnemonics((bar, header))

    def _fill(self, menu: QMenu, entries: Iterable[WindowAction], divided: Callable[[WindowAction], object]) -> None:
        """A line stands between entries that ``divided`` tells apart."""
        menu.setToolTipsVisible(True)
        for _section, some in groupby(entries, key=divided):
            if not menu.isEmpty():
                menu.addSeparator()
            for submenu, inside in groupby(some, key=lambda entry: entry.submenu):
                target = menu.addMenu(submenu) if submenu else menu
                target.setToolTipsVisible(True)
                for entry in inside:
                    target.addAction(self.of[entry.key])
                    if entry.key in self._after:
                        target.addMenu(self._after[entry.key])

    def trigger(self, key: str) -> None:
        """Do it, if it can be done."""
        self.of[key].trigger()

    def _action(self, entry: WindowAction, does: Callable[[], object], window: QWidget) -> QAction:
        action = QAction(entry.words, window)
        action.setShortcuts([QKeySequence(keys) for keys in entry.shortcuts])
        action.setCheckable(entry.checked is not None)
        action.setMenuRole(_ROLES.get(entry.key, QAction.MenuRole.NoRole))
        action.triggered.connect(lambda _checked=False: does())
        window.addAction(action)
        return action

    def _group(self, window: QWidget) -> None:
        """Looks and tabs: one of several, and a second press on the chosen one leaves it chosen."""
        for prefix in ("scheme.", "tab."):
            group = QActionGroup(window)
            for key, action in self.of.items():
                if key.startswith(prefix):
                    group.addAction(action)


_ROLES = {
    "settings": QAction.MenuRole.PreferencesRole,
    "about": QAction.MenuRole.AboutRole,
    "quit": QAction.MenuRole.QuitRole,
}
"""Where macOS wants them."""


def keys_text(shortcut: str) -> str:
    """A shortcut as it is written on this system."""
    return QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText) or shortcut


def _by_section(entry: WindowAction) -> object:
    return entry.section


def _give_mnemonics(tops: Sequence[QMenuBar | QMenu]) -> None:
    """An action stands in several menus and has one text, so the letters of all menus are given out together."""
    menus: list[QMenuBar | QMenu] = [menu for top in tops for menu in (top, *top.findChildren(QMenu))]
    inside = [[action for action in menu.actions() if not action.isSeparator()] for menu in menus]
    known = {str(id(action)): action for actions in inside for action in actions}
    words = {key: without_mnemonic(action.text()) for key, action in known.items()}
    marked = with_mnemonics(words, [[str(id(action)) for action in actions] for actions in inside])
    for key, action in known.items():
        action.setText(marked[key])


def _tip(entry: WindowAction, why_not: str) -> str:
    keys = f" ({keys_text(entry.shortcuts[0])})" if entry.shortcuts else ""
    said = f"{entry.tip or entry.full_words}{keys}"
    return f"{said}\n{why_not}" if why_not else said
