"""Speeds that calibrations measured, kept in one JSON file: version, and key -> speed. Implements ``ports.SpeedStore``.

The key names machine, device, build and what was measured; the speed says when. Read, changed and written under a lock across
processes. No file is a reason to refuse to work, because what was measured can be measured again: an older version (what a
figure means has changed) counts as empty, a damaged file is set aside, and a newer Crossply's is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from engine.settings.on_disk.damaged_files import set_aside
from engine.settings.on_disk.file_lock import hold_lock
from engine.settings.on_disk.notices import tell
from engine.settings.on_disk.whole_files import read_bounded, write_atomically
from engine.vocabulary.worker import Speed

VERSION = 2
"""1 (a bare object of speeds) knew one read speed for all types, and took the charge of a call for a constant."""


LARGEST_BYTES = 64 << 20
"""A speed is 1 kB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    version: int
    speeds: dict[str, Speed]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    version: int = 1
    """Version 1 was a bare object of speeds."""


class _DamagedError(Exception):
    """Why the file makes no sense, as the end of a sentence."""


class _NewerError(Exception):
    """It is of a newer Crossply."""


class SpeedFile:
    """The file. Safe to use from several threads and several processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told_newer = False

    def load(self, key: str) -> Speed | None:
        """What was measured under this key, or ``None``."""
        try:
            return self._read().get(key)
        except _NewerError:
            self._tell_newer()
        except _DamagedError:
            self._under_lock(self._read_or_set_aside)
        return None

    def save(self, key: str, speed: Speed) -> None:
        """Keep it. What cannot be kept was still measured: a full disk is worth a sentence, not the result."""

        def add() -> None:
            speeds = self._read_or_set_aside() | {key: speed}
            kept = {name: asdict(speed) for name, speed in speeds.items()}
            write_atomically(self._path, msgspec.json.format(msgspec.json.encode({"version": VERSION, "speeds": kept})))

        self._under_lock(add)

    def _under_lock(self, work: Callable[[], object]) -> None:
        try:
            with hold_lock(self._path):
                work()
        except _NewerError:
            self._tell_newer()
        except OSError as error:
            tell(f"{self._path} cannot be written, so this will be measured again: {error.strerror}.")

    def _tell_newer(self) -> None:
        if not self._told_newer:
            self._told_newer = True
            tell(f"{self._path} was written by a newer Crossply: it is left alone, and speeds measured now are not kept.")

    def _read_or_set_aside(self) -> dict[str, Speed]:
        try:
            return self._read()
        except _DamagedError as damage:
            tell(set_aside(self._path, what="The file of measured speeds", why=str(damage)))
            return {}

    def _read(self) -> dict[str, Speed]:
        """Raises ``_DamagedError`` and ``_NewerError``. A file that is not there, or cannot be read, has no speeds."""
        try:
            content = read_bounded(self._path, LARGEST_BYTES)
        except OSError:
            return {}
        if len(content) > LARGEST_BYTES:
            raise _DamagedError("it is far too large")
        try:
            version = msgspec.json.decode(content, type=_Head).version
            if version > VERSION:
                raise _NewerError
            return msgspec.json.decode(content, type=_Content).speeds if version == VERSION else {}
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _DamagedError(f"it is not what it must be: {error}") from None
