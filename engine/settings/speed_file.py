"""Speeds that calibrations measured, kept in one JSON file: key -> speed. Implements ``ports.SpeedStore``.

A damaged file is no reason to refuse to work: what was measured can be measured again, so it counts as empty.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import asdict
from pathlib import Path

import msgspec

from engine.settings.settings_file import write_atomically
from engine.vocabulary.worker import Speed

logger = logging.getLogger(__name__)


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
            content = msgspec.json.encode({name: asdict(kept) for name, kept in speeds.items()})
            try:
                write_atomically(self._path, msgspec.json.format(content))
            except OSError as error:
                logger.warning("%s cannot be written, so this will be measured again: %s", self._path, error.strerror)

    def _read(self) -> dict[str, Speed]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Speed])
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return {}
