"""Nobody else on this machine reads what we write: files 0600, folders 0700.

The process's umask does it, from before the first file on (``open_session``, and ``crossplyctl`` itself): it holds for every
file, socket and folder, also for those that llama.cpp, ssh or a compiler write for us, because children inherit it. Rejected:
a mode at each place that writes (thirty of them, other people's programs not among them; where one is given all the same it
is for those who use the engine as a library). On Windows it does nothing; there the user's profile folder is closed to others.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from engine.settings.folders import DATA_VARIABLE, Folders, find_folders

PRIVATE_UMASK = 0o077


def keep_private(folders: Folders | None = None) -> None:
    """From now on this process and its children write for this user only. Folders that an older Crossply made are closed."""
    os.umask(PRIVATE_UMASK)
    folders = folders or find_folders()
    for folder in (folders.state, folders.logs, folders.cache):
        close_to_others(folder)
    if DATA_VARIABLE not in os.environ:  # else a person named it, and decides who may look into it
        close_to_others(folders.data)


def close_to_others(folder: Path) -> None:
    """If it is there, is a folder, not a link, and is this user's."""
    with contextlib.suppress(OSError):
        status = folder.lstat()
        if folder.is_symlink() or not folder.is_dir() or not _is_ours(status.st_uid) or not status.st_mode & PRIVATE_UMASK:
            return
        folder.chmod(status.st_mode & 0o700)


def _is_ours(uid: int) -> bool:
    return sys.platform == "win32" or uid == os.geteuid()
