"""The weight cache of our rpc-servers (``-c``), kept within a size: the oldest files go first.

rpc-server writes every tensor above 10 MiB to ``$LLAMA_CACHE/rpc``, named by its hash, and never deletes any: users found
500 GB and more there (llama.cpp #27585, #26143). A file that is deleted is only sent again. Pruned before a launch, not while
servers run; one model may go over the cap until the next launch.

It writes in place and looks at no length when it reads: a file that a kill cut short is taken for its tensor, the rest of
which is then what was in memory (seen: ``kill -9`` after 2 of 178 MB, and the next run came up with that output layer). So
what was written during a load that did not come to its end is deleted before the next one: a mark with the time of its
beginning lies there until then. Rejected: comparing the hashes (as slow as sending), and no cache (loads take minutes).
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

LARGEST_BYTES = 64_000_000_000
"""More helps nobody: that is a 100-billion-parameter model."""

LOADING = ".loading"
"""The mark. Only its time says something."""

DISK_SHARE = 0.25
"""Of what the disk has free, the cache itself counted as free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cached:
    path: Path
    size_bytes: int
    used_at: float


def cap_bytes(free_bytes: int, cached_bytes: int) -> int:
    """How large the cache may be on a disk with so much free."""
    return min(LARGEST_BYTES, int((free_bytes + cached_bytes) * DISK_SHARE))


def prune(folder: Path, cap: int | None = None) -> int:
    """Delete the files that were used longest ago until the cache is within ``cap`` bytes (by default ``cap_bytes`` of the
    disk). Returns the bytes that are left. Files that vanish or cannot be deleted are passed over."""
    files = _files(folder)
    left = sum(file.size_bytes for file in files)
    if cap is None:
        cap = cap_bytes(shutil.disk_usage(folder).free, left) if folder.is_dir() else 0
    for file in sorted(files, key=lambda file: file.used_at):
        if left <= cap:
            break
        with contextlib.suppress(OSError):
            file.path.unlink()
            left -= file.size_bytes
    return left


def prune_and_measure(folder: Path) -> int | None:
    """Before a load: ``prune``, and how many bytes are free on its disk then; ``None`` = not known."""
    _begin_load(folder)
    prune(folder)
    there = next((place for place in (folder, *folder.parents) if place.is_dir()), None)
    try:
        return None if there is None else shutil.disk_usage(there).free
    except OSError:
        return None


def cache_is_whole(folder: Path) -> None:
    """The load came to its end: nothing is being written any more."""
    with contextlib.suppress(OSError):
        (folder / LOADING).unlink(missing_ok=True)


def _begin_load(folder: Path) -> None:
    """Without what an unfinished one wrote. On a disk that takes not even the mark there is no room for a cache either."""
    mark = folder / LOADING
    with contextlib.suppress(OSError):
        if mark.exists():
            _drop_since(mark.stat().st_mtime, folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark.touch(mode=0o600)


def _drop_since(began_at: float, folder: Path) -> None:
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if path.name != LOADING and path.is_file() and not path.is_symlink() and path.lstat().st_mtime >= began_at:
                path.unlink()


def _files(folder: Path) -> list[_Cached]:
    found = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            if path.name != LOADING and path.is_file() and not path.is_symlink():
                # Access times may be off (noatime): then the time of writing decides.
                used_at = max(status.st_atime, status.st_mtime)
                found.append(_Cached(path=path, size_bytes=status.st_size, used_at=used_at))
    return found
