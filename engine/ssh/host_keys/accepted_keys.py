"""The host keys that a person accepted in Crossply: a known_hosts file of ours. The user's own is only read.

Written anew and renamed over the old one, under a lock, so that two windows lose none of each other's lines.
"""

from __future__ import annotations

import re
from pathlib import Path

from engine.errors import BadInput
from engine.settings.on_disk.file_lock import hold_lock
from engine.settings.on_disk.whole_files import write_atomically
from engine.vocabulary.remote import HostKey

_WORD = re.compile(r"[\x21-\x7e]+")


def keep_host_key(file: Path, key: HostKey) -> None:
    """Add it, unless it is there. Raises ``BadInput`` when it is no key, or the file cannot be written."""
    if not all(_WORD.fullmatch(word) for word in (key.host, key.key_type, key.key_base64)) or key.host[0] in "#@|!":
        raise BadInput("That is not a host key.", advice="Connect again, and accept the key that is shown then.")
    line = f"{key.host} {key.key_type} {key.key_base64}"
    try:
        with hold_lock(file):
            _append(file, line)
    except OSError as error:
        raise BadInput(
            f"{file} cannot be written ({error.strerror}), so the host key was not kept.",
            advice="Make room, or let this user write there.",
        ) from error


def _append(file: Path, line: str) -> None:
    """What else stands there is kept byte for byte, also what we cannot read."""
    before = file.read_bytes() if file.exists() else b""
    if line.encode() in before.splitlines():
        return
    if before and not before.endswith(b"\n"):
        before += b"\n"
    write_atomically(file, before + line.encode() + b"\n")
