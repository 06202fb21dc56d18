"""Speeds that calibrations measured, kept in one JSON file: version, and key -> speed. Implements ``ports.SpeedStore``.

The key names machine, device, build and what was measured; the speed says when. A damaged file, or one of another version
(what a figure means has changed), is no reason to refuse to work: what was measured can be measured again, so it counts as
empty.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from engine.settings.settings_file import write_atomically
from engine.vocabulary.worker import Speed

logger = logging.getLogger(__name__)

VERSION = 2
"""1 (a bare object of speeds) knew one read speed for all types, and took the charge of a call for a constant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    version: int
    speeds: dict[str, Speed]


class SpeedFile:
    """The file. Safe to use from several threads of one process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def load(self, key: str) -> Speed | None:
        """What was measured under this key, or ``None``."""
        with self._lock:
            return self._read().get(key)

    def save(self, key: str, speed: Speed) -> None:
        """Keep it. What cannot be kept was still measured: a full disk is worth a warning, not the result."""
        with self._lock:
            speeds = self._read() | {key: speed}
            kept = {name: asdict(speed) for name, speed in speeds.items()}
            content = msgspec.json.encode({"version": VERSION, "speeds": kept})
            try:
                write_atomically(self._path, msgspec.json.format(content))
            except OSError as error:
                logger.warning("%s cannot be written, so this will be measured again: %s", self._path, error.strerror)

    def _read(self) -> dict[str, Speed]:
        try:
            content = msgspec.json.decode(self._path.read_bytes(), type=_Content)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return {}
        return content.speeds if content.version == VERSION else {}
