"""What a compiled Linux program or library needs of the machine it runs on: which libraries, and how new a glibc.

Read from the ELF sections ``.dynamic`` (``DT_NEEDED``) and ``.gnu.version_r`` (System V ABI; Linux Standard Base, "Symbol
Versioning"), 64-bit little-endian only: that is every machine llama.cpp is used on with Linux. Rejected: ``ldd`` (it runs the
program's loader, and says what *this* machine has), ``readelf`` (is not everywhere), and comparing the two machines' glibc
versions (programs rarely need the newest: these need 2.34 where 2.36 is installed).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

_DYNAMIC, _VERSIONS_NEEDED, _STRINGS = 6, 0x6FFFFFFE, 3
_DT_NEEDED = 1
_GLIBC = re.compile(r"GLIBC_(\d+(?:\.\d+)+)")
_MOST_SECTIONS = 1000
_MOST_ENTRIES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ElfNeeds:
    """What one file needs."""

    libraries: tuple[str, ...]
    """By the names under which the loader looks for them: ``libggml.so.0``."""
    glibc: tuple[int, ...] | None
    """The newest version that it names, as ``(2, 34)``; ``None`` = none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    kind: int
    data: bytes
    link: int


def read_elf_needs(path: Path) -> ElfNeeds | None:
    """``None`` when the file is no 64-bit little-endian ELF file, or is damaged."""
    data = path.read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        return None
    try:
        sections = _sections(data)
        return ElfNeeds(libraries=tuple(_libraries(sections)), glibc=max(_glibc_versions(sections), default=None))
    except (struct.error, IndexError, ValueError, OverflowError):
        return None


def _sections(data: bytes) -> list[_Section]:
    (table,) = struct.unpack_from("<Q", data, 0x28)
    entry_size, count = struct.unpack_from("<HH", data, 0x3A)
    found = []
    for number in range(min(count, _MOST_SECTIONS)):
        _, kind, _, _, offset, size, link = struct.unpack_from("<IIQQQQI", data, table + number * entry_size)
        wanted = kind in (_DYNAMIC, _VERSIONS_NEEDED, _STRINGS)
        found.append(_Section(kind=kind, data=data[offset : offset + size] if wanted else b"", link=link))
    return found


def _libraries(sections: list[_Section]) -> list[str]:
    names = []
    for section in sections:
        if section.kind == _DYNAMIC:
            strings = sections[section.link].data
            for tag, value in struct.iter_unpack("<qQ", section.data):
                if tag == _DT_NEEDED:
                    names.append(_string(strings, value))
    return names


def _glibc_versions(sections: list[_Section]) -> list[tuple[int, ...]]:
    found = []
    for section in sections:
        if section.kind == _VERSIONS_NEEDED:
            for name in _version_names(section.data, sections[section.link].data):
                match = _GLIBC.fullmatch(name)
                if match:
                    found.append(tuple(int(part) for part in match[1].split(".")))
    return found


def _version_names(data: bytes, strings: bytes) -> list[str]:
    """Elf64_Verneed: version, count, file, aux, next; each with a chain of Elf64_Vernaux: hash, flags, other, name, next."""
    names, at = [], 0
    for _ in range(_MOST_ENTRIES):
        _, count, _, first, following = struct.unpack_from("<HHIII", data, at)
        entry = at + first
        for _ in range(count):
            _, _, _, name, step = struct.unpack_from("<IHHII", data, entry)
            names.append(_string(strings, name))
            entry += step
        if not following:
            break
        at += following
    return names


def _string(strings: bytes, offset: int) -> str:
    return strings[offset : strings.index(b"\0", offset)].decode(errors="replace")
