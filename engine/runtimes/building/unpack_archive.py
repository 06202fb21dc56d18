"""Unpacks tar and zip archives from outside without trusting them: nothing may be written outside the folder given.

Refused: absolute names, ``..``, links that lead out, devices and pipes, and an archive that unpacks to far more than such
an archive has. ``tarfile``'s ``filter="data"`` does most of this but came with 3.11.4 and says nothing of sizes, so the
rules are here, the same for both formats. Ownership and set-uid bits are dropped.
"""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO

from engine.errors import RuntimeUnavailable
from engine.ports import CancelToken

LARGEST_BYTES = 12 << 30
"""A release with CUDA unpacks to about 2 GiB."""
MOST_FILES = 100_000

Keep = Callable[[str], str | None]
"""Member name -> name to write it under, or ``None`` to leave it out."""


_LONGEST_LINK = 4096
_DAMAGED = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, OverflowError,
    NotImplementedError, RuntimeError, struct.error,
)  # fmt: skip
"""What the two libraries raise for archives that make no sense (an unknown method, a password, a bad checksum)."""


def unpack_archive(archive: Path, into: Path, *, token: CancelToken, keep: Keep = lambda name: name) -> None:
    """Unpack into the folder ``into``. Raises ``RuntimeUnavailable`` for an archive that is damaged or hostile."""
    try:
        writer = _Writer(archive, into, token)
        if zipfile.is_zipfile(archive):
            _unpack_zip(archive, writer, keep)
        else:
            _unpack_tar(archive, writer, keep)
        writer.check_links()
    except _DAMAGED as error:
        raise RuntimeUnavailable(f"{archive} could not be unpacked: {error}.", advice="Fetch it again.") from None


class _Writer:
    """Writes members below one folder and keeps count."""

    def __init__(self, archive: Path, into: Path, token: CancelToken) -> None:
        self._archive, self._into, self._token = archive, into.resolve(), token
        self._bytes = 0
        self._files = 0

    def place(self, name: str) -> Path:
        """Where a member goes. Raises ``RuntimeUnavailable`` when that is outside."""
        self._token.check()
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
            raise self._refused(f"the name {name!r} leads out of the folder")
        target = self._into / path
        if not self._is_inside(target.parent):  # before a folder is made there
            raise self._refused(f"{name!r} is written through a link that leads out of the folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def check_links(self) -> None:
        """When all is there: a link over links may lead elsewhere than it did when it was made."""
        for path in self._into.rglob("*"):
            if path.is_symlink() and not self._is_inside(path):
                raise self._refused(f"the link {path.name!r} leads out of the folder over other links")

    def _is_inside(self, path: Path) -> bool:
        try:
            return path.resolve().is_relative_to(self._into)
        except (OSError, RuntimeError):  # links in a circle
            return False

    def write(self, name: str, source: IO[bytes], *, size: int, mode: int) -> None:
        """One regular file."""
        self._files += 1
        self._bytes += size
        if self._bytes > LARGEST_BYTES or self._files > MOST_FILES:
            raise self._refused("it unpacks to more than any build of llama.cpp has")
        target = self.place(name)
        target.unlink(missing_ok=True)  # never through an earlier link of the same name
        with target.open("xb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
        target.chmod(0o700 if mode & stat.S_IXUSR else 0o600)

    def link(self, name: str, to: str) -> None:
        """One symbolic link, if it stays inside."""
        target = self.place(name)
        leads_to = Path(os.path.normpath(target.parent / to))
        if PurePosixPath(to).is_absolute() or not leads_to.is_relative_to(self._into):
            raise self._refused(f"the link {name!r} leads to {to!r}, out of the folder")
        target.unlink(missing_ok=True)
        target.symlink_to(to)

    def refuse_kind(self, name: str) -> RuntimeUnavailable:
        """A member that no build has."""
        return self._refused(f"{name!r} is neither a file nor a folder nor a link")

    def _refused(self, why: str) -> RuntimeUnavailable:
        return RuntimeUnavailable(f"{self._archive} was not unpacked: {why}.", advice="Do not use this archive.")


def _unpack_tar(archive: Path, writer: _Writer, keep: Keep) -> None:
    with tarfile.open(archive) as tar:
        for member in tar:
            name = keep(member.name)
            if name is None or member.isdir():
                continue
            if member.issym():
                writer.link(name, member.linkname)
            elif member.isreg():
                source = tar.extractfile(member)
                if source is not None:
                    with source:
                        writer.write(name, source, size=member.size, mode=member.mode)
            else:
                raise writer.refuse_kind(member.name)


def _unpack_zip(archive: Path, writer: _Writer, keep: Keep) -> None:
    with zipfile.ZipFile(archive) as bundle:
        for member in bundle.infolist():
            name = keep(member.filename)
            if name is None or member.filename.endswith("/"):  # is_dir() takes no empty name
                continue
            mode = member.external_attr >> 16
            if stat.S_ISLNK(mode):
                with bundle.open(member) as source:
                    writer.link(name, source.read(_LONGEST_LINK).decode())
                continue
            with bundle.open(member) as source:
                writer.write(name, source, size=member.file_size, mode=mode)
