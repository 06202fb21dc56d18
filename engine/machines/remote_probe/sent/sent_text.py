"""Single values that a remote machine sent, checked. Pure. Whatever cannot be is a ``SenselessError``, which ``parse_probe``
and ``watch_load`` turn into one sentence that names the machine.
"""

from __future__ import annotations

import re
import unicodedata

MOST_BYTES_OF_MEMORY = 1 << 56
"""64 PiB: no machine has as much, and sums of it stay exact in JSON and in floats."""
_MOST_SHOWN = 200
_MOST_PATH = 1024
_WHOLE_NUMBER = re.compile(r"[0-9]{1,18}")


class SenselessError(ValueError):
    """What was sent cannot be true. ``str()`` says what it is, as the end of a sentence."""


def shown(text: str) -> str:
    """Fit to be shown: without control, direction and other invisible characters, one line, not long."""
    visible = "".join(character if unicodedata.category(character)[0] != "C" else " " for character in text[: 4 * _MOST_SHOWN])
    return " ".join(visible.split())[:_MOST_SHOWN]


def honest_name(text: str, what: str) -> str:
    """A name by which a person tells machines and users apart: nothing may be hidden in it."""
    if not text or len(text) > _MOST_SHOWN or shown(text) != text:
        raise SenselessError(f"{what} is empty, far too long or has invisible characters in it")
    return text


def absolute_path(text: str, what: str) -> str:
    """A POSIX path without ``..``, as it is."""
    bad = not text.startswith("/") or len(text) > _MOST_PATH or ".." in text.split("/") or "\ufffd" in text
    if bad or any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise SenselessError(f"{what} is no path that can be used")
    return text


def whole_number(text: str, what: str, most: int = MOST_BYTES_OF_MEMORY) -> int:
    """Decimal digits, not above ``most``."""
    text = text.strip()
    number = int(text) if _WHOLE_NUMBER.fullmatch(text) else most + 1
    if number > most:
        raise SenselessError(f"{what} is not a number that can be")
    return number


def optional_number(text: str | None, what: str, most: int = MOST_BYTES_OF_MEMORY) -> int | None:
    """As ``whole_number``; what was not sent is ``None``."""
    return whole_number(text, what, most) if text and text.strip() else None


def count_of_list(text: str, what: str) -> int | None:
    """How many processors ``0-3,8`` names (cpuset(7), "List format"); ``None`` for no list."""
    count = 0
    for piece in text.strip().split(",") if text.strip() else ():
        first, dash, last = piece.partition("-")
        start = whole_number(first, what, 1 << 20)
        end = whole_number(last, what, 1 << 20) if dash else start
        count += max(0, end - start + 1)
    return count or None
