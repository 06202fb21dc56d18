"""The weight cache of our rpc-servers (``-c``), kept within a size: the oldest files go first.

rpc-server writes every tensor above 10 MiB to ``$LLAMA_CACHE/rpc``, named by its hash, and never deletes any: users found
500 GB and more there (llama.cpp #27585, #26143). A file that is deleted is only sent again. Pruned before a launch, not while
servers run; one model may go over the cap until the next launch.

It writes in place and looks at no length when it reads: a file that a kill cut short is taken for its tensor, the rest of
which is then what was in memory (seen: ``kill -9`` after 2 of 178 MB, and the next run came up with that output layer). So
does a second rpc-server that asks for the file while the first one writes it. Therefore only one Crossply at a time loads into
a cache: its mark lies there from the beginning of a load to its end, and says who it is and which files were whole before.
Others start their workers without the cache meanwhile. A mark whose load did not come to its end (nobody's workers live any
more) is taken over, and what is not in its list is deleted. Rejected: comparing the hashes (as slow as sending), no cache
(loads take minutes), and the times of files (clocks are set back).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from engine.runtimes.remote.copying.copy_lock import this_holder
from engine.settings.on_disk.file_lock import hold_lock
from engine.vocabulary.worker import CacheBeforeLoad

LARGEST_BYTES = 64_000_000_000
"""More helps nobody: that is a 100-billion-parameter model."""

LOADING = ".loading"
"""The mark: a line that says who loads, and the files that were whole before, a line each."""

YOUNG_SECONDS = 60.0
"""So long after the mark its load may not have a worker yet."""

TAKEN = "another Crossply loads a model into that cache now"

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


def prune_and_measure(folder: Path, *, holder: str | None = None) -> CacheBeforeLoad:
    """Before a load of ``holder`` (by default this process): without what an unfinished load wrote, and ``prune``."""
    holder = holder or this_holder()
    try:
        with hold_lock(folder / LOADING):
            if _is_taken(folder, holder):
                return CacheBeforeLoad(why_not=TAKEN)
            _begin_load(folder, holder)
        prune(folder)
        return CacheBeforeLoad(free_bytes=shutil.disk_usage(folder).free)
    except OSError as error:
        return CacheBeforeLoad(why_not=f"{folder} cannot be used ({error.strerror or error})")


def cache_is_whole(folder: Path, *, holder: str | None = None) -> None:
    """The load came to its end: nothing is being written any more."""
    with contextlib.suppress(OSError):
        if _holder_of(folder / LOADING) == (holder or this_holder()):
            (folder / LOADING).unlink(missing_ok=True)


def _holder_of(mark: Path) -> str | None:
    """``None`` = there is no mark."""
    with contextlib.suppress(FileNotFoundError):
        return mark.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    return None


def _is_taken(folder: Path, holder: str) -> bool:
    mark = folder / LOADING
    if _holder_of(mark) in (None, holder):
        return False
    return 0 <= time.time() - mark.stat().st_mtime < YOUNG_SECONDS or _somebody_can_write(folder)


def _somebody_can_write(folder: Path) -> bool:
    """Whether a program of this user runs with this cache. Where there is no ``/proc`` nobody is seen."""
    wanted = b"LLAMA_CACHE=" + os.fsencode(folder)
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if wanted in environment.read_bytes().split(b"\0"):
                return True
    return False


def _begin_load(folder: Path, holder: str) -> None:
    mark = folder / LOADING
    if mark.exists():
        _, *whole = mark.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
        for file in _files(folder):
            if file.path.relative_to(folder).as_posix() not in whole:
                file.path.unlink(missing_ok=True)
    names = [file.path.relative_to(folder).as_posix() for file in _files(folder)]
    mark.unlink(missing_ok=True)
    try:
        mark.touch(mode=0o600)
        mark.write_text("\n".join((holder, *names, "")), encoding="utf-8")
    except OSError:  # a full disk: half a list would say that the rest is not whole
        mark.unlink(missing_ok=True)
        raise


def _files(folder: Path) -> list[_Cached]:
    found = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            if not path.name.startswith(LOADING) and path.is_file() and not path.is_symlink():
                # Access times may be off (noatime): then the time of writing decides.
                used_at = max(status.st_atime, status.st_mtime)
                found.append(_Cached(path=path, size_bytes=status.st_size, used_at=used_at))
    return found
