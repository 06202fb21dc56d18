"""Mnemonics: which letter of each entry of a menu is underlined. Never the same letter twice in one menu, in any language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def with_mnemonics(words: Mapping[str, str], menus: Sequence[Sequence[str]]) -> dict[str, str]:
    """The words with ``&`` before a letter of their own: the first letter of a word where that is free, else any other; none
    where all are taken. ``menus``: the keys in each menu; an entry may stand in several and has the same letter in all. A
    ``&`` that belongs to the words is doubled."""
    taken: list[set[str]] = [set() for _ in menus]
    marked: dict[str, str] = {}
    for key, text in words.items():
        seen = [letters for letters, keys in zip(taken, menus, strict=True) if key in keys]
        gone = set().union(*seen)
        place = next((place for place in _places(text) if text[place].casefold() not in gone), None)
        if place is None:
            marked[key] = _escaped(text)
            continue
        for letters in seen:
            letters.add(text[place].casefold())
        marked[key] = f"{_escaped(text[:place])}&{_escaped(text[place:])}"
    return marked


def without_mnemonic(text: str) -> str:
    """The plain words again."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")


def _escaped(text: str) -> str:
    return text.replace("&", "&&")


def _places(text: str) -> list[int]:
    """Initial letters first, then all other letters and digits."""
    usable = [place for place, letter in enumerate(text) if letter.isalnum()]
    initials = [place for place in usable if place == 0 or not text[place - 1].isalnum()]
    return [*initials, *(place for place in usable if place not in initials)]
