"""What the command palette lists for what was typed: the best match first, with its keys, and why it cannot be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gui.texts.translation import tr
from gui.what_to_show.actions.action_table import Facts, WindowAction


@dataclass(frozen=True, slots=True, kw_only=True)
class PaletteRow:
    """One action."""

    key: str
    words: str
    where: str
    """Its menu."""
    shortcut: str
    why_not: str
    """Empty when it can be done."""
    chosen: bool = False
    """It is on, or the one of several that holds."""

    @property
    def spoken(self) -> str:
        """All of it as one sentence, for a screen reader."""
        parts = (self.words, self.where, self.shortcut, tr("on") if self.chosen else "", self.why_not)
        return ", ".join(part for part in parts if part)


def palette_of(actions: Sequence[WindowAction], facts: Facts, typed: str = "") -> tuple[PaletteRow, ...]:
    """Actions that have every typed word in their own words or menu, words that begin with it first; what cannot be done
    comes after what can. Nothing typed: what is used most first, and Quit last, so that Enter alone cannot end a run. The
    palette itself is left out."""
    wanted = typed.casefold().split()
    rows = [(action, _row_of(action, facts)) for action in actions if action.key != "palette"]
    matching = [(action, row) for action, row in rows if _has_all(row, wanted)]
    matching.sort(key=lambda pair: (bool(pair[1].why_not), _rank(pair[0], pair[1], wanted)))
    return tuple(row for _action, row in matching)


def nothing_found(typed: str) -> str:
    """What stands there instead of rows."""
    return tr("No action has “{typed}” in its name", typed=typed.strip())


def _row_of(action: WindowAction, facts: Facts) -> PaletteRow:
    return PaletteRow(
        key=action.key,
        words=action.full_words,
        where=tr(action.menu.value),
        shortcut=action.shortcuts[0] if action.shortcuts else "",
        why_not=action.reason(facts),
        chosen=action.checked is not None and action.checked(facts),
    )


def _has_all(row: PaletteRow, wanted: Sequence[str]) -> bool:
    text = f"{row.where} {row.words}".casefold()
    return all(word in text for word in wanted)


def _rank(action: WindowAction, row: PaletteRow, wanted: Sequence[str]) -> int:
    """0: the name begins with the first word; 1: some word of it does; 2: it is inside a word or in the menu's name."""
    if not wanted:
        return 2 if action.key == "quit" else int(not action.in_header)
    words = row.words.casefold()
    if words.startswith(wanted[0]):
        return 0
    return 1 if any(word.startswith(wanted[0]) for word in words.split()) else 2
