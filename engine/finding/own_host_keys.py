"""The host keys of this machine's own ssh server: what tells that a machine that was found is this one.

The public halves in ``/etc/ssh`` are for everybody to read; no private key is touched.
"""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

_MOST_KEYS = 16
_LONGEST_KEY_BYTES = 16 * 1024


def system_ssh_folder() -> Path:
    """Where OpenSSH's server keeps its host keys."""
    return Path(os.environ.get("PROGRAMDATA", "C:/ProgramData")) / "ssh" if os.name == "nt" else Path("/etc/ssh")


def own_host_keys(folder: Path) -> frozenset[str]:
    """Fingerprints (``SHA256:...``) of the keys in ``folder``; empty when there is no ssh server."""
    found = set()
    for path in sorted(folder.glob("ssh_host_*_key.pub"))[:_MOST_KEYS]:
        try:
            with path.open("rb") as file:
                text = file.read(_LONGEST_KEY_BYTES).decode("ascii", errors="replace")
        except OSError:
            continue
        fingerprint = fingerprint_of_line(text)
        if fingerprint is not None:
            found.add(fingerprint)
    return frozenset(found)


def fingerprint_of_line(line: str) -> str | None:
    """Of ``type base64 comment``, as ``ssh-keygen -l`` prints it: SHA-256 of the key, base64 without padding. ``None`` when
    that is no key (a key begins with its own type, RFC 4253 section 6.6)."""
    words = line.split()
    try:
        key_type, key = words[0].encode("ascii"), base64.b64decode(words[1], validate=True)
    except (IndexError, ValueError):
        return None
    if not key.startswith(len(key_type).to_bytes(4, "big") + key_type):
        return None
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode("ascii").rstrip("=")
