"""Writes the TOML of a cluster file: strings, numbers, booleans, lists, tables. Pure.

tomllib only reads, and a library that writes (tomli-w, tomlkit) would be one more dependency for one small schema; this is
that schema's part of TOML 1.0 and no more: no dates, no dotted keys, no comments inside. Its tests read back with tomllib what
it writes, for whatever strings and numbers there are. Rejected: joining strings where the file is made (a quotation mark in a
machine's name would break it, or worse, mean something).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

Scalar = str | bool | int | float
Value = Scalar | Sequence["Value"] | Mapping[str, "Value"]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_LARGEST_INTEGER = 2**63


def toml_of(document: Mapping[str, Value | None]) -> str:
    """The document as TOML. At the top, a mapping is a ``[table]`` and a list of mappings an array of ``[[tables]]``; deeper
    ones are written inline. ``None`` is left out: TOML has no word for it. Raises ``ValueError`` for what TOML cannot say."""
    plain, tables = [], []
    for key, value in document.items():
        if isinstance(value, Mapping):
            tables.append(f"[{_key(key)}]\n{_pairs(value)}")
        elif value and isinstance(value, list | tuple) and all(isinstance(entry, Mapping) for entry in value):
            tables += [f"[[{_key(key)}]]\n{_pairs(entry)}" for entry in value]
        elif value is not None:
            plain.append(f"{_key(key)} = {_value(value)}\n")
    return "\n".join(("".join(plain), *tables)) if plain else "\n".join(tables)


def _pairs(table: Mapping[str, Value | None]) -> str:
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in table.items() if value is not None)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _string(key)


def _value(value: Value) -> str:
    if isinstance(value, bool):  # before int, which it is too
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(key)} = {_value(entry)}" for key, entry in value.items() if entry is not None)
        return f"{{ {inside} }}" if inside else "{}"
    return f"[{', '.join(_value(entry) for entry in value)}]"


def _number(value: float) -> str:
    if isinstance(value, int):
        if not -_LARGEST_INTEGER <= value < _LARGEST_INTEGER:
            raise ValueError(f"{value} has more than 64 bits")
        return str(value)
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return repr(value)  # the shortest that reads back the same; 1e+22 and 1e-07 are TOML floats as they are


def _string(text: str) -> str:
    return '"' + "".join(_character(character) for character in text) + '"'


def _character(character: str) -> str:
    code = ord(character)
    if 0xD800 <= code < 0xE000:
        raise ValueError("half of a surrogate pair is no character")
    if character in _ESCAPES:
        return _ESCAPES[character]
    return f"\\u{code:04X}" if code < 0x20 or code == 0x7F else character
