"""Preferences of the window alone: how it looks and when it speaks up. What the engine is told is in ``Choices``.

They are kept as plain words under these names (``as_words``), so that a person can read and mend the file.
Rejected: keeping them in the engine's settings file (the command line has no theme, and the engine knows no window).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from gui.texts.translation import mark

TEXT_SCALES = (1.0, 1.25, 1.5, 1.75, 2.0)


class Scheme(StrEnum):
    """The theme that the person wants."""

    SYSTEM = mark("System")
    LIGHT = mark("Light")
    DARK = mark("Dark")
    HIGH_CONTRAST = mark("High contrast")
    HIGH_CONTRAST_DARK = mark("High contrast, dark")


class Language(StrEnum):
    """The language of the words; each is called what its speakers call it."""

    SYSTEM = mark("System")
    ENGLISH = "English"
    GERMAN = "Deutsch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What the person set, with the defaults."""

    scheme: Scheme = Scheme.SYSTEM
    text_scale: float = 1.0
    """1.0 to 2.0."""
    language: Language = Language.SYSTEM
    ask_at_quit: bool = True
    """Ask before the window closes while something runs."""
    tray: bool = False
    """Show an icon in the system's tray while something runs."""
    notify: bool = True
    """Say when something long is over and the window is not in front."""
    menu_bar: bool = True


def preferences_from(words: Mapping[str, str], *, tray_available: bool = False) -> Preferences:
    """From what was kept. A word that means nothing counts as not kept. Without a word the tray icon is shown where there is
    a tray."""
    default = Preferences(tray=tray_available)
    scheme, language = words.get("scheme", ""), words.get("language", "")
    return Preferences(
        scheme=Scheme(scheme) if scheme in {known.value for known in Scheme} else default.scheme,
        text_scale=_scale(words.get("text_scale", "")),
        language=Language(language) if language in {known.value for known in Language} else default.language,
        ask_at_quit=_flag(words.get("ask_at_quit", ""), default=default.ask_at_quit),
        tray=_flag(words.get("tray", ""), default=default.tray),
        notify=_flag(words.get("notify", ""), default=default.notify),
        menu_bar=_flag(words.get("menu_bar", ""), default=default.menu_bar),
    )


def as_words(preferences: Preferences) -> dict[str, str]:
    """As they are kept."""
    return {field.name: _word(getattr(preferences, field.name)) for field in fields(preferences)}


def next_scale(now: float, steps: int) -> float:
    """The text size so many steps larger (or smaller), held within what there is."""
    nearest = min(range(len(TEXT_SCALES)), key=lambda place: abs(TEXT_SCALES[place] - now))
    return TEXT_SCALES[max(0, min(len(TEXT_SCALES) - 1, nearest + steps))]


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _flag(word: str, *, default: bool) -> bool:
    return word == "true" if word in ("true", "false") else default


def _scale(word: str) -> float:
    known = word.isascii() and word.replace(".", "", 1).isdigit()  # "²" is a digit too, but no number
    return max(TEXT_SCALES[0], min(TEXT_SCALES[-1], float(word))) if known else 1.0
