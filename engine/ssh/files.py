"""``RemoteFiles`` over SFTP: pipelined writes, resuming, trees removed without following links.

With ``connection`` the only place that imports paramiko. ``scp`` and ``rsync`` were rejected: another login each, and neither
is sure to be there.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import SEEK_END
from pathlib import Path
from threading import RLock
from typing import BinaryIO

import paramiko  # noqa: TID251 - one of the two files

from engine.errors import MachineUnreachable, RemoteFileProblem

_CHUNK_BYTES = 32 * 1024
"""The most that one SFTP write carries everywhere."""
_COLLECT_EVERY_BYTES = 8 * 1024 * 1024
"""So much goes out before the server's answers are waited for: a full disk is noticed, and a cancel is quick."""
_ANSWER_SECONDS = 60.0
"""A busy disk may take its time; a lost connection is noticed before."""
_DEEPEST = 64
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class ParamikoFiles:
    """Files of one machine, over one channel. From any thread, one at a time."""

    def __init__(self, channel: paramiko.Channel, name: str) -> None:
        self._channel = channel
        self._name = name
        self._lock = RLock()
        channel.settimeout(_ANSWER_SECONDS)
        try:
            self._sftp = paramiko.SFTPClient(channel)
        except (OSError, EOFError, paramiko.SSHException, paramiko.SFTPError):
            channel.close()
            raise MachineUnreachable(
                f"{name} does not transfer files (SFTP).", advice="Let its ssh server have a working subsystem sftp."
            ) from None

    def close(self) -> None:
        """Close the channel. Idempotent."""
        self._channel.close()

    def is_open(self) -> bool:
        """Whether it can still be used."""
        return not self._channel.closed

    def size_bytes(self, path: str) -> int | None:
        """``None`` = there is no such file."""
        with self._problem("be looked at", path):
            return self._size(path)

    def _size(self, path: str) -> int | None:
        try:
            return self._sftp.stat(path).st_size
        except FileNotFoundError:
            return None

    def make_folder(self, path: str, *, mode: int = 0o700) -> None:
        """With its parents; fine when it exists."""
        with self._problem("be made", path):
            self._make_folder(path.rstrip("/") or "/", mode)

    def _make_folder(self, path: str, mode: int) -> None:
        try:
            there = self._sftp.stat(path)
        except FileNotFoundError:
            self._make_folder(path.rpartition("/")[0] or "/", mode)
            self._sftp.mkdir(path, mode)
            return
        if not stat.S_ISDIR(there.st_mode or 0):
            raise NotADirectoryError(errno.ENOTDIR, "there is a file of that name")

    def write(self, path: str, source: str, *, mode: int, resume: bool, on_bytes: Callable[[int], None]) -> None:
        """Copy a local file there. What ``on_bytes`` raises ends it and leaves what has arrived."""
        with _opened(source) as local, self._problem("be written", path):
            have = (self._size(path) or 0) if resume else 0
            length = local.seek(0, SEEK_END)
            have = have if have <= length else 0
            local.seek(have)
            with self._sftp.open(path, "r+b" if have else "wb") as remote:
                remote.chmod(mode)
                remote.seek(have)
                self._copy(local.read, remote, on_bytes)
            self._must_be_whole(path, length)

    @staticmethod
    def _copy(read: Callable[[int], bytes], remote: paramiko.SFTPFile, on_bytes: Callable[[int], None]) -> None:
        since, chunk = 0, read(_CHUNK_BYTES)
        while chunk:
            following = read(_CHUNK_BYTES)
            since += len(chunk)
            # A write that is not pipelined collects the answers to all before it. Any other request, closing too, would have
            # paramiko throw them away, and with them what went wrong.
            pipelined = bool(following) and since < _COLLECT_EVERY_BYTES
            remote.set_pipelined(pipelined)
            remote.write(chunk)
            on_bytes(len(chunk))
            since = since if pipelined else 0
            chunk = following

    def _must_be_whole(self, path: str, length: int) -> None:
        arrived = self._size(path)
        if arrived != length:
            raise OSError(f"{arrived} of {length} bytes arrived")

    def write_bytes(self, path: str, data: bytes, *, mode: int = 0o600) -> None:
        """A small file, whole."""
        with self._problem("be written", path):
            with self._sftp.open(path, "wb") as remote:
                remote.chmod(mode)
                remote.write(data)
            self._must_be_whole(path, len(data))

    def rename(self, path: str, to: str) -> None:
        """Atomic; ``to`` must not exist."""
        with self._problem("be renamed", path):
            self._sftp.rename(path, to)

    def remove_tree(self, path: str) -> None:
        """The folder and all in it, following no links; fine when it does not exist."""
        with self._problem("be removed", path):
            self._remove(path.rstrip("/"), _DEEPEST)

    def _remove(self, path: str, deepest: int) -> None:
        if not path or deepest == 0:
            raise OSError("too many folders inside each other" if path else "that is everything")
        try:
            there = self._sftp.lstat(path)
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(there.st_mode or 0):
            self._sftp.remove(path)
            return
        for name in self._sftp.listdir(path):
            if name in ("", ".", "..") or "/" in name:  # a server that lies must not lead us out of the folder
                raise OSError("its server names a file in a way that cannot be")
            self._remove(f"{path}/{name}", deepest - 1)
        self._sftp.rmdir(path)

    @contextmanager
    def _problem(self, what: str, path: str) -> Iterator[None]:
        """One at a time, and errors in words."""
        with self._lock:
            try:
                yield
            except (OSError, EOFError, paramiko.SSHException, paramiko.SFTPError, UnicodeDecodeError) as error:
                if self._channel.closed or isinstance(error, EOFError | ConnectionError | paramiko.SSHException):
                    raise MachineUnreachable(
                        f"The connection to {self._name} was lost while {path} was to {what}.",
                        advice="See whether it is on and reachable.",
                    ) from None
                raise RemoteFileProblem(
                    f"{path} on {self._name} could not {what}: {_reason(error)}.", advice=_advice(error), details=str(error)
                ) from None


def _opened(source: str) -> BinaryIO:
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise RemoteFileProblem(
            f"{source} cannot be read here: {error.strerror}.", advice="See whether it is there."
        ) from None


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer for {_ANSWER_SECONDS:.0f} s"
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EACCES:
        return "it is not allowed"
    if number == errno.ENOENT:
        return "there is no such file or folder"
    if number in _FULL:
        return "the disk is full"
    text = "".join(character for character in str(error) if character.isprintable()).strip()[:200]
    return "its server gives no reason (a full disk is the usual one)" if text in ("", "Failure") else text


def _advice(error: BaseException) -> str:
    if isinstance(error, PermissionError):
        return "Let that user write there."
    return "See how much room its disk has, then try again." if str(error) in ("", "Failure") else ""
