"""Is this the machine that we know? Reads known_hosts files as OpenSSH does (SSH_KNOWN_HOSTS FILE FORMAT in sshd(8)).

``paramiko.HostKeys`` was rejected: it skips ``@revoked`` and ``@cert-authority`` lines as unreadable, knows no negated
patterns, and cannot say on which line a key is. We check no host certificates: a ``@cert-authority`` line makes nothing known.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from engine.errors import HostKeyChanged, HostKeyUnknown
from engine.vocabulary.remote import HostKey

_MOST_BYTES = 16 * 1024 * 1024
_MARKERS = ("@revoked", "@cert-authority")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """One key of a known_hosts file that is said to be of the host that was asked for."""

    file: Path
    line: int
    """From 1."""
    key_type: str
    key_base64: str
    revoked: bool = False

    @property
    def place(self) -> str:
        """``/home/ada/.ssh/known_hosts, line 7``."""
        return f"{self.file}, line {self.line}"


def fingerprint_of(key: bytes) -> str:
    """``SHA256:...`` of a key's wire form, as ``ssh-keygen -l`` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode("ascii").rstrip("=")


def host_key_of(name: str, key_type: str, key: bytes) -> HostKey:
    """The key in its wire form as a fact. ``name`` is the one of the known_hosts file."""
    encoded = base64.b64encode(key).decode("ascii")
    return HostKey(host=name, key_type=key_type, key_base64=encoded, fingerprint=fingerprint_of(key))


def known_keys(name: str, files: Iterable[Path]) -> tuple[KnownKey, ...]:
    """All keys that the files have for ``host`` or ``[host]:port``. Files that cannot be read and broken lines say nothing."""
    found: list[KnownKey] = []
    for file in files:
        for number, line in enumerate(_lines(file), start=1):
            key = _key_of_line(line, name, file, number)
            if key is not None:
                found.append(key)
    return tuple(found)


def _lines(file: Path) -> list[str]:
    try:
        with file.open("rb") as handle:
            return handle.read(_MOST_BYTES).decode("utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _key_of_line(line: str, name: str, file: Path, number: int) -> KnownKey | None:
    words = line.split()
    marker = words.pop(0) if words and words[0].startswith("@") else ""
    if len(words) < 3 or words[0].startswith("#") or marker not in ("", "@revoked") or not _is_of(name, words[0]):
        return None
    try:
        base64.b64decode(words[2], validate=True)
    except ValueError:  # binascii.Error, and what is not ASCII
        return None
    return KnownKey(file=file, line=number, key_type=words[1], key_base64=words[2], revoked=bool(marker))


def _is_of(name: str, patterns: str) -> bool:
    if patterns.startswith("|"):
        return _is_hash_of(name, patterns)
    wanted = name.lower()
    matched = False
    for pattern in patterns.lower().split(","):
        if _fits(wanted, pattern.removeprefix("!")):
            if pattern.startswith("!"):
                return False
            matched = True
    return matched


def _fits(name: str, pattern: str) -> bool:
    """``*`` and ``?`` only: brackets are part of ``[host]:port``, not a set."""
    return fnmatchcase(name, re.sub(r"\[", "[[]", pattern))


def _is_hash_of(name: str, hashed: str) -> bool:
    """``|1|salt|HMAC-SHA1(salt, name)``, both in base64."""
    parts = hashed.split("|")
    if len(parts) != 4 or parts[1] != "1":
        return False
    try:
        salt, digest = base64.b64decode(parts[2], validate=True), base64.b64decode(parts[3], validate=True)
    except ValueError:  # binascii.Error, and what is not ASCII
        return False
    return hmac.compare_digest(hmac.new(salt, name.lower().encode(), hashlib.sha1).digest(), digest)


def check_host_key(shown: HostKey, files: Iterable[Path], *, machine: str) -> None:
    """Return when it is known for its name. Raises ``HostKeyUnknown`` or ``HostKeyChanged`` (also for a revoked one).

    A host that is known by other key types only has *changed*: known types are asked for first, so it no longer has them.
    """
    files = tuple(files)
    known = known_keys(shown.host, files)
    same = [key for key in known if key.key_base64 == shown.key_base64]
    if revoked := next((key for key in same if key.revoked), None):
        raise HostKeyChanged(
            f"{machine} shows the key {shown.fingerprint}, which is revoked ({revoked.place}).",
            advice="Do not log in. Ask whoever runs the machine.",
        )
    if same or _is_known_without_port(shown, files):
        return
    valid = [key for key in known if not key.revoked]
    if not valid:
        raise HostKeyUnknown(
            f"{machine} was never seen before. Its {shown.key_type} key is {shown.fingerprint}.",
            shown,
            advice="Compare it with `ssh-keygen -l` on that machine.",
        )
    raise _changed(shown, valid, machine)


def _is_known_without_port(shown: HostKey, files: tuple[Path, ...]) -> bool:
    """OpenSSH takes the key of ``host`` for ``[host]:port`` too, if it is the same one."""
    bare = re.fullmatch(r"\[(.+)\]:\d+", shown.host)
    keys = known_keys(bare[1], files) if bare else ()
    same = [key for key in keys if key.key_base64 == shown.key_base64]
    return bool(same) and not any(key.revoked for key in same)


def _changed(shown: HostKey, known: list[KnownKey], machine: str) -> HostKeyChanged:
    expected = next((key for key in known if key.key_type == shown.key_type), known[0])
    was = fingerprint_of(base64.b64decode(expected.key_base64))
    return HostKeyChanged(
        f"Another machine may be answering as {machine}: it is known by the {expected.key_type} key {was} "
        f"({expected.place}), but shows the {shown.key_type} key {shown.fingerprint}.",
        advice=f"If it was reinstalled and that is its key, remove the old one: ssh-keygen -R '{shown.host}' "
        f"-f '{expected.file}'.",
    )
