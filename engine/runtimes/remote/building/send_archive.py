"""Sends one archive to a remote machine, resumable, with its hash compared there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.errors import RuntimeUnavailable
from engine.ports import CancelToken
from engine.remote_ports import RemoteShell
from engine.runtimes.remote.remote_hashes import remote_hashes
from engine.runtimes.remote.shell_script import machine_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A file here whose hash is known."""

    path: Path
    sha256: str

    @property
    def size_bytes(self) -> int:
        """Of the file here."""
        return self.path.stat().st_size


def send_archive(
    shell: RemoteShell, archive: Archive, folder: str, on_bytes: Callable[[int], None], token: CancelToken
) -> None:
    """Have it in ``folder`` there under its own name. ``on_bytes`` is told how many bytes are there, and may raise to cancel.

    Raises ``RuntimeUnavailable`` when it arrives damaged twice, ``RemoteFileProblem``, ``MachineUnreachable``, ``Cancelled``.
    """
    files, name, size = shell.files(), archive.path.name, archive.size_bytes
    seen = remote_hashes(shell, folder, (name,), token)
    for _ in range(2):
        if seen.is_right(name, size_bytes=size, sha256=archive.sha256):
            return
        kept = seen.sizes.get(name, 0)
        there = kept if kept < size else 0  # whole and wrong: from the beginning

        def count(more: int) -> None:
            nonlocal there
            there += more
            on_bytes(there)

        files.write(f"{folder}/{name}", str(archive.path), mode=0o600, resume=there > 0, on_bytes=count)
        seen = remote_hashes(shell, folder, (name,), token)
    if not seen.is_right(name, size_bytes=size, sha256=archive.sha256):
        raise RuntimeUnavailable(
            f"{name} is not on {machine_name(shell)} what it is here, although it was sent twice.",
            advice="Check the disk there.",
        )
