"""The host keys that a person accepted in Crossply: a known_hosts file of ours. The user's own is only read.

Written anew and renamed over the old one, under a lock, so that two windows lose none of each other's lines.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import BadInput
from engine.vocabulary.remote import HostKey

if sys.platform == "win32":  # untested
    import msvcrt
else:
    import fcntl

_LOCK_SECONDS = 5.0
_LOOK_SECONDS = 0.02
_WORD = re.compile(r"[\x21-\x7e]+")


def keep_host_key(file: Path, key: HostKey) -> None:
    """Add it, unless it is there. Raises ``BadInput`` when it is no key, or the file cannot be written."""
    if not all(_WORD.fullmatch(word) for word in (key.host, key.key_type, key.key_base64)) or key.host[0] in "#@|!":
        raise BadInput("That is not a host key.", advice="Connect again, and accept the key that is shown then.")
    line = f"{key.host} {key.key_type} {key.key_base64}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _only_one_writes(file):
            _append(file, line)
    except OSError as error:
        raise BadInput(
            f"{file} cannot be written ({error.strerror}), so the host key was not kept.",
            advice="Make room, or let this user write there.",
        ) from error


def _append(file: Path, line: str) -> None:
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    if line in before.splitlines():
        return
    if before and not before.endswith("\n"):
        before += "\n"
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")  # 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as written:
            written.write(f"{before}{line}\n")
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def _only_one_writes(file: Path) -> Iterator[None]:
    handle = os.open(file.with_name(f"{file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + _LOCK_SECONDS
    try:
        while not _try_lock(handle):
            if time.monotonic() > deadline:
                raise TimeoutError(0, "another window of Crossply is writing it")
            time.sleep(_LOOK_SECONDS)
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
