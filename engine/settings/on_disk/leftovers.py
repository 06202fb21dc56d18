"""Sweeps what a kill -9 left of ours: temporary files and folders that nobody works on any more. At the start, and quietly.

Only names that we give (``whole_files.UNFINISHED`` and the folders below), only this user's, only old ones: what is being
written now is minutes old at most, and a folder of a long task is locked or names the process that works in it.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.settings.folders import Folders
from engine.settings.on_disk.whole_files import UNFINISHED

logger = logging.getLogger(__name__)

OLD_SECONDS = 3600.0
_UNFINISHED = re.compile(r"\..+-[a-z0-9_]{8}" + re.escape(UNFINISHED))
_FETCHING = re.compile(r"\.fetching-[a-z0-9_]{8}")
"""What ``demo_model`` fetches into: the whole of it takes minutes."""
_FETCHED_SECONDS = 24 * 3600.0
_CALIBRATION = re.compile(r"crossply-calibration-(?P<pid>\d{1,9})-[a-z0-9_]{8}")
"""Folders of ``engine.measuring.probe_files``, hundreds of MB each."""


def sweep_leftovers(folders: Folders, *, temporary: Path | None = None, now: float | None = None) -> tuple[Path, ...]:
    """Remove them; what could not be removed stays for the next time. Returns what has gone. ``now``: seconds since 1970."""
    now = time.time() if now is None else now
    temporary = temporary or Path(tempfile.gettempdir())
    gone = [path for path in _old_ones(folders, temporary, now) if _remove(path)]
    if gone:
        logger.info("swept away what an earlier end left: %s", ", ".join(map(str, gone)))
    return tuple(gone)


def sweep_beside(target: Path) -> None:
    """What was left of earlier attempts to write ``target``, which may be in any folder of the person's."""
    prefix = f".{target.name[:100]}-"
    for path in _of_names(target.parent, _UNFINISHED, OLD_SECONDS, time.time()):
        if path.name.startswith(prefix):
            _remove(path)


def _old_ones(folders: Folders, temporary: Path, now: float) -> Iterator[Path]:
    for folder in dict.fromkeys((folders.data, folders.state, folders.cache)):
        yield from _of_names(folder, _UNFINISHED, OLD_SECONDS, now)
    yield from _of_names(folders.models, _FETCHING, _FETCHED_SECONDS, now)
    for path in _of_names(temporary, _CALIBRATION, OLD_SECONDS, now):
        match = _CALIBRATION.fullmatch(path.name)
        if match is not None and not _is_alive(int(match["pid"])):
            yield path


def _of_names(folder: Path, names: re.Pattern[str], seconds: float, now: float) -> Iterable[Path]:
    try:
        entries = [folder / name for name in os.listdir(folder) if names.fullmatch(name)]  # noqa: PTH208 - quicker for many
    except OSError:
        return ()
    return [path for path in entries if _is_ours_and_old(path, seconds, now)]


def _is_ours_and_old(path: Path, seconds: float, now: float) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    is_mine = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return is_mine and not stat.S_ISLNK(status.st_mode) and now - status.st_mtime > seconds


def _is_alive(pid: int) -> bool:
    if not hasattr(os, "getuid"):  # Windows: os.kill would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's by now, or a number that is none: not worth a risk
        return True
    return True


def _remove(path: Path) -> bool:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return False
    return True
