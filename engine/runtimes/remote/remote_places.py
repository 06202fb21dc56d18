"""Where our files are on a remote machine. Everything is below the data folder and one cache folder; nothing else is touched.

A folder of programs that we copied carries a marker file, because the account may be used by a Crossply of its own: what that
one built is used but never changed or removed. The cache of remote workers is for the same reason not the one of local
workers.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from engine.errors import ProbeFailed
from engine.runtimes.manifest import COPIED_MARKER, MANIFEST_NAME

RUNTIMES = "runtimes"
INCOMING = ".incoming-"
REPLACED = ".replaced-"
KEPT_RECORDS = "kept"
"""Folder below the data folder: records of workers that were asked to outlive us."""
_LONGEST = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPlaces:
    """The paths of one build's copy. All absolute."""

    runtimes: str
    final: str
    incoming: str
    lock: str
    replaced: str

    def arriving(self, relative: str) -> str:
        """Where a file of the build arrives."""
        return f"{self.incoming}/{relative}"

    @property
    def manifest(self) -> str:
        """Written last."""
        return self.arriving(MANIFEST_NAME)

    @property
    def marker(self) -> str:
        """Says that it is ours to remove."""
        return self.arriving(COPIED_MARKER)


def copy_places(data_folder: str, build_id: str) -> CopyPlaces:
    """``build_id`` is a plain name (``shipment_of`` sees to that). Raises ``ProbeFailed`` for a folder that makes no sense."""
    runtimes = f"{checked_folder(data_folder)}/{RUNTIMES}"
    return CopyPlaces(
        runtimes=runtimes,
        final=f"{runtimes}/{build_id}",
        incoming=f"{runtimes}/{INCOMING}{build_id}",
        lock=f"{runtimes}/{INCOMING}{build_id}.lock",
        replaced=f"{runtimes}/{REPLACED}{build_id}",
    )


def worker_cache_folder(home: str) -> str:
    """``LLAMA_CACHE`` for the workers that we start on a machine with this home folder."""
    return checked_folder(f"{home.rstrip('/')}/.cache/crossply/remote-workers")


def checked_folder(path: str) -> str:
    """The path, if it can be a folder of ours: absolute, at least one folder below ``/``, no ``..``, nothing unprintable.

    It comes from the machine itself. Raises ``ProbeFailed``.
    """
    ok = path.isprintable() and len(path) <= _LONGEST and path.startswith("/") and path == posixpath.normpath(path)
    if not ok or path.startswith("//") or path == "/":
        shown = "".join(letter for letter in path[:80] if letter.isprintable())
        raise ProbeFailed(f"The machine names a folder for our files that cannot be one: {shown!r}.")
    return path
