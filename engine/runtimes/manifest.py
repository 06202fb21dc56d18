"""``manifest.json``: what one build of llama.cpp is, written last, so that a folder without it is no runtime.

It lists every file of the build with its size and SHA-256: a half-copied or damaged build is told from a whole one. The sizes
are compared at each start (a millisecond), the hashes when a build is made, installed or first seen.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import msgspec

from engine.errors import RuntimeUnavailable
from engine.vocabulary.runtime import RpcProtocolVersion

MANIFEST_NAME = "manifest.json"
COPIED_MARKER = "copied-by-crossply.json"
"""Beside the manifest of a build that a Crossply on another machine put here: for its workers, and its to remove."""
FORMAT = 1


class ManifestFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of the build. ``path`` is relative to the build's folder, with forward slashes."""

    path: str
    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a build is. ``programs`` is the folder (relative) that holds ggml-rpc-server and llama-server."""

    format: int
    programs: str
    origin: str
    """In words: which source distribution or release archive."""
    build_number: int | None
    """``None``: the source does not say. A shallow clone counts its commits as 1; that is no build number."""
    commit: str | None
    protocol: str | None
    backends: tuple[str, ...]
    options: tuple[str, ...]
    """CMake's, as they were given; empty for a release."""
    made_at: str
    """UTC, ISO 8601."""
    files: tuple[ManifestFile, ...]

    @property
    def protocol_version(self) -> RpcProtocolVersion | None:
        """``protocol`` in parts."""
        return parse_protocol(self.protocol)


def parse_protocol(text: str | None) -> RpcProtocolVersion | None:
    """``7.0.0`` -> its parts; anything else is ``None``."""
    parts = (text or "").split(".")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return None
    return RpcProtocolVersion(major=int(parts[0]), minor=int(parts[1]), patch=int(parts[2]))


def list_files(folder: Path) -> tuple[ManifestFile, ...]:
    """Every regular file below ``folder`` with size and hash, sorted; links and the manifest itself are left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.name == MANIFEST_NAME:
            continue
        found.append(
            ManifestFile(path=path.relative_to(folder).as_posix(), size_bytes=path.stat().st_size, sha256=sha256_of(path))
        )
    return tuple(found)


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def manifest_text(manifest: Manifest) -> str:
    """As it stands in the file."""
    return json.dumps(msgspec.to_builtins(manifest), indent=1)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write it whole or not at all (a temporary file, then a rename)."""
    temporary = folder / (MANIFEST_NAME + ".new")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(manifest_text(manifest))
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(folder / MANIFEST_NAME)


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of ``folder``; ``None`` when there is none: then it is not a finished build.

    Raises ``RuntimeUnavailable`` when there is one that cannot be read.
    """
    path = folder / MANIFEST_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(str(path), error, str(folder)) from None
    return parse_manifest(data, str(path), str(folder))


def parse_manifest(data: bytes, path: str, folder: str) -> Manifest:
    """What stands in the manifest file ``path`` of the build in ``folder``. Raises ``RuntimeUnavailable``."""
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(path, error, folder) from None
    if manifest.format != FORMAT:
        raise RuntimeUnavailable(f"{path} has format {manifest.format}; this version of Crossply knows {FORMAT}.")
    return manifest


def _unreadable(path: str, error: Exception, folder: str) -> RuntimeUnavailable:
    return RuntimeUnavailable(f"{path} cannot be read: {error}.", advice=f"Delete {folder} and build or install again.")


def find_damage(folder: Path, manifest: Manifest, *, hashes: bool) -> str | None:
    """The first difference between the files and their manifest, in one sentence, or ``None``."""
    for entry in manifest.files:
        path = folder / entry.path
        try:
            size = path.stat().st_size
        except OSError:
            return f"{path} is missing."
        if size != entry.size_bytes:
            return f"{path} has {size:,} bytes and not the {entry.size_bytes:,} that its manifest says."
        if hashes and sha256_of(path) != entry.sha256:
            return f"{path} is not the file that was installed: its SHA-256 differs from the manifest."
    return None
