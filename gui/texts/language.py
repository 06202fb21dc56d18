"""What a language is to us: its messages, and how it writes numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

GERMAN_MARKS = str.maketrans(",.", ".,")
"""How the marks of an English number are written in German."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Message -> what is said. What is missing is said in English."""

    messages: Mapping[str, str] = field(default_factory=dict)
    plurals: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The message for one -> what is said of one, and of several: German and English have these two and no more."""
    marks: Mapping[int, str | int | None] | None = None
    """For ``str.translate``; ``None`` = as English writes them."""
    small_titles: bool = True
    """Whether a title begins with a small letter inside a sentence."""


ENGLISH = Words()
