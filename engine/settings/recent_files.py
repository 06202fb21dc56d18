"""The files that a person used last, kept in the settings file. Implements ``ports.RecentFiles``.

A settings file that cannot be read or written, or is of a newer Crossply, costs the lists, nothing else: that is told at the
start.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.errors import BadInput
from engine.settings.settings_file import Settings, update_settings, with_recent

logger = logging.getLogger(__name__)


class RecentFilesInSettings:
    """Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        """``folder`` of the settings file."""
        self._folder = folder

    def models(self) -> tuple[str, ...]:
        """Paths of models, the one that was used last first; those that have gone are left out."""
        return tuple(path for path in self._changed(lambda settings: settings).recent_models if _is_there(path))

    def clusters(self) -> tuple[str, ...]:
        """The same for cluster files."""
        return tuple(path for path in self._changed(lambda settings: settings).recent_clusters if _is_there(path))

    def note_model(self, path: str) -> None:
        """It was chosen just now."""
        self._changed(
            lambda settings: msgspec.structs.replace(settings, recent_models=with_recent(settings.recent_models, path))
        )

    def note_cluster(self, path: str) -> None:
        """It was opened or saved just now, and is the one that is open."""
        self._changed(
            lambda settings: msgspec.structs.replace(
                settings, recent_clusters=with_recent(settings.recent_clusters, path), cluster_path=path
            )
        )

    def _changed(self, change: Callable[[Settings], Settings]) -> Settings:
        try:
            return update_settings(self._folder, change)
        except (OSError, BadInput, UnicodeEncodeError) as error:
            logger.warning("recent files are not remembered: %s", error)
            return Settings()


def _is_there(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False
