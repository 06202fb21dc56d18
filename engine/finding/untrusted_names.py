"""Names that other machines give themselves: anybody on the network can announce anything, also to a terminal."""

from __future__ import annotations

import unicodedata

LONGEST_NAME = 80
_MOST_READ = 1024


def clean_name(text: str) -> str | None:
    """The name without its final dot and without control, format and other unprintable characters, at most
    ``LONGEST_NAME`` characters; ``None`` when nothing is left."""
    printable = "".join(letter for letter in text[:_MOST_READ] if unicodedata.category(letter)[0] not in "CZ" or letter == " ")
    return " ".join(printable.split()).rstrip(".")[:LONGEST_NAME].strip() or None
