"""The shortcut sheet: every key that does something, by menu; then those that belong to one part of the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gui.texts.translation import tr
from gui.what_to_show.actions.action_table import Menu, WindowAction


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortcutGroup:
    """A title and its lines: (keys of which any one does it, what they do)."""

    title: str
    lines: tuple[tuple[tuple[str, ...], str], ...]


def shortcuts_of(actions: Sequence[WindowAction]) -> tuple[ShortcutGroup, ...]:
    """Groups in the order of the menus, those without keys left out."""
    groups = [
        ShortcutGroup(
            title=tr(menu.value),
            lines=tuple(
                (action.shortcuts, action.full_words) for action in actions if action.menu is menu and action.shortcuts
            ),
        )
        for menu in Menu
    ]
    return (*(group for group in groups if group.lines), _in_the_window())


def either(keys: Sequence[str]) -> str:
    """Keys of which any one does it."""
    return tr(" or ").join(keys)


def _in_the_window() -> ShortcutGroup:
    return ShortcutGroup(
        title=tr("In the window"),
        lines=(
            (("Tab", "Shift+Tab"), tr("Go to the next control, or back")),
            (("Space",), tr("Press a button; switch a worker on or off; take a column of the plan")),
            ((tr("Alt+letter"),), tr("Open the menu with that letter underlined")),
            (("Ctrl+Return",), tr("Ask, from the question of Try it")),
            (("Ctrl+C",), tr("Copy the plan's table, from one of its columns")),
            (("Return",), tr("The next hit, from the search of the logs")),
            (("Esc",), tr("Close a dialog without doing anything")),
        ),
    )
