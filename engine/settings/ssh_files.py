"""The names of machines in a person's ssh files: ``Host`` entries of ``~/.ssh/config`` with what it includes, and known_hosts.

Only names are read here. What ssh would do with one is asked of ssh itself (``ssh -G``); paramiko's reader of such files knows
no ``Include`` and fails on ``Match``. Whatever cannot be read has no names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from glob import glob
from pathlib import Path

_DEEPEST_INCLUDE = 16
"""OpenSSH's own bound (``READCONF_MAX_DEPTH``)."""
_MOST_FILES = 256
_MOST_BYTES = 4 * 1024 * 1024
_MOST_NAMES = 4096
_LONGEST_NAME = 255
_LINE = re.compile(r'\s*"?(?P<keyword>[A-Za-z]+)"?(?:\s*=\s*|\s+)(?P<rest>.*)')
_WORD = re.compile(r'"([^"]*)"|(\S+)')
_NOT_A_NAME = frozenset("*?!,'`\"$\\;&<>|(){}/@#%")
"""Patterns, tokens, and what OpenSSH refuses in a host name of its command line."""


def host_names(config: Path) -> tuple[str, ...]:
    """The concrete names of ``Host`` lines, in the order of the files: no patterns, no negations."""
    names = (name for name in _names_of_config(config, config.parent, _DEEPEST_INCLUDE, set()) if _is_name(name))
    return tuple(dict.fromkeys(names))[:_MOST_NAMES]


def _names_of_config(file: Path, folder: Path, deepest: int, seen: set[Path]) -> Iterator[str]:
    where = file.resolve()
    if deepest == 0 or where in seen or len(seen) >= _MOST_FILES:
        return
    seen.add(where)
    for line in _lines(file):
        match = _LINE.match(line)
        if match is None:
            continue
        words = [quoted or bare for quoted, bare in _WORD.findall(match["rest"])]
        if match["keyword"].lower() == "host":
            yield from words
        elif match["keyword"].lower() == "include":
            for included in _included(words, folder):
                yield from _names_of_config(included, folder, deepest - 1, seen)


def _included(patterns: Iterable[str], folder: Path) -> Iterator[Path]:
    """Relative ones are below ``~/.ssh``, wherever the including file is; sorted as a shell does."""
    for pattern in patterns:
        if "\0" in pattern:  # no file's name, and the system's calls refuse it with a ValueError
            continue
        path = Path(pattern).expanduser() if pattern.startswith("~/") else folder / pattern
        for found in sorted(glob(str(path))):  # noqa: PTH207 - Path.glob takes no absolute pattern
            if Path(found).is_file():
                yield Path(found)


def known_host_names(files: Iterable[Path]) -> tuple[str, ...]:
    """The names in known_hosts files: ``host``, or ``[host]:port`` where the port is not 22. Hashed names, patterns and
    ``@`` lines (authorities, revoked keys) name none."""
    found: dict[str, None] = {}
    for file in files:
        for line in _lines(file):
            words = line.split()
            if len(words) < 3 or words[0][0] in "#@|":
                continue
            found.update(dict.fromkeys(name for name in words[0].split(",") if _is_host_or_port(name)))
    return tuple(found)[:_MOST_NAMES]


def _is_host_or_port(name: str) -> bool:
    match = re.fullmatch(r"\[(?P<host>[^\]]+)\]:(?P<port>\d{1,5})", name)
    return _is_name(match["host"]) and 0 < int(match["port"]) < 2**16 if match else _is_name(name)


def _is_name(text: str) -> bool:
    return (
        0 < len(text) <= _LONGEST_NAME
        and not text.startswith("-")
        and text.isprintable()
        and not any(character in _NOT_A_NAME or character.isspace() for character in text)
    )


def _lines(file: Path) -> list[str]:
    try:
        with file.open("rb") as handle:
            return handle.read(_MOST_BYTES).decode("utf-8", errors="replace").splitlines()
    except OSError:
        return []
