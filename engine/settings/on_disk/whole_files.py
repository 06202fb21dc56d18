"""Files that are whole or not there, and folders that nobody else may look into. All of ours are made here.

A temporary file beside the target, flushed, then renamed: readers see the old content or the new, never a half, also after a
kill -9 or a power cut, and a full disk costs the new content only. Rejected: writing in place, and ``os.link`` tricks that
keep the old file's inode (nobody watches our inodes).
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700
UNFINISHED = ".crossply-new"
"""How the names of temporary files end, so that ``leftovers`` knows them for ours."""


def private_folder(folder: Path) -> None:
    """Make it and what lacks above it, for this user alone. One that is there stays as it is. Raises ``OSError``."""
    for missing in reversed([folder, *folder.parents]):
        # not Path.mkdir(parents=True): that gives the mode to the last one only
        if not missing.is_dir():
            missing.mkdir(mode=FOLDER_MODE, exist_ok=True)


def read_bounded(path: Path, most_bytes: int) -> bytes:
    """All of it, or ``most_bytes`` + 1 bytes of a larger one. Takes no more memory than the file is long, which
    ``read(most_bytes)`` by itself does. Raises ``OSError``."""
    with path.open("rb") as file:
        return file.read(min(os.fstat(file.fileno()).st_size, most_bytes) + 1)


def write_atomically(path: Path, content: bytes, *, flushed: bool = True) -> None:
    """Readers see the old file or the new one, never a half. A new file is private, one that is there keeps its mode, and a
    link stays a link: its target is replaced. Raises ``OSError``; then the old file is as it was.

    ``flushed``: it outlives a power cut, for some milliseconds more.
    """
    target = Path(os.path.realpath(path))
    private_folder(target.parent)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}-", suffix=UNFINISHED)  # 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if flushed:
                os.fsync(file.fileno())
        _keep_mode(target, Path(name))
        Path(name).replace(target)
    except BaseException:  # an interrupt too leaves no rubbish
        Path(name).unlink(missing_ok=True)
        raise
    if flushed:
        _flush_folder(target.parent)


def _keep_mode(before: Path, after: Path) -> None:
    try:
        mode = stat.S_IMODE(before.stat().st_mode)
    except OSError:
        return
    if mode != FILE_MODE:
        after.chmod(mode)


def _flush_folder(folder: Path) -> None:
    """The rename itself. The content is safe by now, so where a folder cannot be flushed (Windows, some network file
    systems) nothing is wrong."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
