"""Valid documents, spoilt: what hypothesis makes of a seed. Every mutation is drawn, so that a find shrinks to the one that
matters."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

TOKENS: tuple[bytes, ...] = (
    b"", b"\0", b"\n", b"\r", b"\t", b" ", b'"', b"'", b"\\", b"=", b",", b":", b"[", b"]", b"{", b"}", b"#", b"/", b"-", b"*",
    b"-1", b"0", b"1_0", b"0x10", b"1e999", b"-1e999", b"NaN", b"nan", b"inf", b"Infinity", b"true", b"null", b"1.5",
    b"9" * 20, b"9" * 400, b"9" * 5000, b"18446744073709551616", b"9223372036854775807",
    "٣".encode(), "²".encode(), "①".encode(), "\u202e\u2066".encode(), "\u2028".encode(), "\ufeff".encode(),
    "é".encode(), b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"\x1b[2J\x1b]0;x\x07", b"\x9b", b"\x7f",
    b"<b>x</b>", b"<img src=x>", b"$(id)", b"`id`", b"; id #", b"../../../../etc/passwd", b"/", b"~", b"%s%n%p",
    b"{0.__class__}",
    b"[" * 3000, b'{"a":' * 3000, b"(" * 500, b"a." * 3000, b"A" * 20_000, b"\n" * 3000, b" " * 20_000, b"0 " * 5000,
)  # fmt: skip
"""What parsers trip over: numbers that are none, digits that ``int`` does not take, depth, length, markup, shells, escapes."""

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63 - 1, 2**63, 2**64, 10**30, -(10**30), 0.5, -0.0, 1e308, 1e-320, float("nan"),
    float("inf"), "", " ", "x", "\0", "\n", "\ud800", "\u202eabc", "\x1b[31m", "x" * 20_000, "9" * 500, "../../x", "/", "-o",
    "<b>x</b>", [], {}, [[]], [None], {"": ""}, [{}] * 50, ["x"] * 5000, {str(n): n for n in range(500)},
)  # fmt: skip
"""What may stand in a JSON document in the place of something else."""

_NUMBER = re.compile(rb"\d+")
_WORDS = (0, 1, 0xFFFFFFFF, 2**31, 2**32, 2**40, 2**50, 2**60, 2**63 - 1, 2**63, 2**64 - 1)

Mutation = tuple[str, int, int, int]
"""Kind, where (a share of 65536), how long, which token."""

_KINDS = ("flip", "cut", "repeat", "delete", "insert", "replace", "number", "value", "drop", "word")
_mutation = st.tuples(
    st.sampled_from(_KINDS), st.integers(0, 65535), st.integers(0, 255), st.integers(0, len(TOKENS) * len(VALUES) - 1)
)


def spoilt(seeds: Sequence[bytes], *, most: int = 4) -> st.SearchStrategy[bytes]:
    """One of the seeds with up to ``most`` mutations; now and then any bytes at all."""
    mutated = st.builds(apply, st.sampled_from(list(seeds)), st.lists(_mutation, min_size=1, max_size=most))
    return st.one_of(mutated, mutated, mutated, mutated, st.binary(max_size=400))


def apply(content: bytes, mutations: Sequence[Mutation]) -> bytes:
    """The content after all of them; at most 512 KiB."""
    for mutation in mutations:
        content = _one(content, *mutation)[: 1 << 19]
    return content


def _one(content: bytes, kind: str, where: int, length: int, which: int) -> bytes:
    at = where * (len(content) + 1) >> 16
    token = TOKENS[which % len(TOKENS)]
    if kind == "flip":
        return content[:at] + bytes(byte ^ (1 << length % 8) for byte in content[at : at + 1]) + content[at + 1 :]
    if kind in ("value", "drop"):
        return _in_tree(content, where, VALUES[which % len(VALUES)], drop=kind == "drop")
    if kind == "number":
        return _in_number(content, where, token)
    if kind == "word":
        return content[:at] + struct.pack("<Q", _WORDS[which % len(_WORDS)])[: 4 + 4 * (length % 2)] + content[at + 8 :]
    return {
        "cut": content[:at],
        "repeat": content[:at] + content[at : at + 8 * length] * (1 + which % 9) + content[at:],
        "delete": content[:at] + content[at + length :],
        "insert": content[:at] + token + content[at:],
        "replace": content[:at] + token + content[at + length :],
    }[kind]


def _in_number(content: bytes, where: int, token: bytes) -> bytes:
    found = list(_NUMBER.finditer(content))
    if not found:
        return content
    match = found[where * len(found) >> 16]
    return content[: match.start()] + token + content[match.end() :]


def _in_tree(content: bytes, where: int, value: object, *, drop: bool) -> bytes:
    """One node of a JSON document becomes something else, or goes. Whatever is not JSON stays."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return content
    places = list(_places(tree))
    if not places:
        return json.dumps(value).encode()
    parent, key = places[where * len(places) >> 16]
    if drop:
        del parent[key]
    else:
        parent[key] = value
    return json.dumps(tree).encode()


def _places(tree: Any) -> list[tuple[Any, Any]]:
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            found.append((node, key))
            waiting.append(node[key])
    return found
