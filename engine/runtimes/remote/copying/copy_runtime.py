"""Copies this machine's build to another one of the same system: resumable, checked, and there at once or not at all.

The files go into a hidden folder beside the final place, file by file over SFTP; what is there from a connection that was cut
is kept. Then the machine hashes them, what differs is sent once more whole, the rpc-server is started there with ``--help``,
and only then the folder gets its name in one rename. A library of the compiler that the machine lacks (libgomp is not on a
minimal Debian) is sent along when that start asks for it, and only then: a machine's own libstdc++ may be newer, and its
graphics driver may need that. Rejected: one ``tar`` stream (as fast on the loopback, but a cut connection starts it over),
rsync (not everywhere).
"""

from __future__ import annotations

import json
import platform
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.cluster.matching import can_be_copied
from engine.errors import Cancelled, RemoteFileProblem, RuntimeUnavailable
from engine.ports import CancelToken
from engine.remote_ports import Progress, RemoteFiles, RemoteShell
from engine.runtimes.manifest import MANIFEST_NAME, manifest_text
from engine.runtimes.remote.copying.copy_lock import CopyLock, only_one_copies
from engine.runtimes.remote.copying.publish_folder import FOREIGN, folder_state, publish_folder
from engine.runtimes.remote.copying.shipment import SentFile, Shipment, shipment_of, with_file
from engine.runtimes.remote.copying.trial_start import has_started, library_here, missing_library, start_once
from engine.runtimes.remote.remote_hashes import RemoteHashes, remote_hashes
from engine.runtimes.remote.remote_places import CopyPlaces, copy_places
from engine.runtimes.remote.remote_system import look_at_system
from engine.runtimes.remote.shell_script import machine_name
from engine.vocabulary.runtime import Runtime

_SPARE_BYTES = 16_000_000
_STEP_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyResult:
    """What was done."""

    folder: str
    """Where the build is there. Absolute."""
    sent_bytes: int
    """0 = it was there already."""
    proven: bool
    """Whether the hashes were compared; ``False`` = only the sizes, the machine has no program for more."""


def copy_runtime(shell: RemoteShell, runtime: Runtime, data_folder: str, progress: Progress, token: CancelToken) -> CopyResult:
    """Copy what workers need of ``runtime`` to ``<data_folder>/runtimes/<id>`` (``<id>-copied`` when another Crossply has a
    different build under that name there). Cancelled or cut, it goes on where it was when it is called again.

    Raises ``RuntimeUnavailable`` (another system or architecture, too old a glibc, disk full, arrives damaged, does not
    start), ``MachineUnreachable``, ``RemoteFileProblem``, ``ProbeFailed``, ``Cancelled``.
    """
    shipment = shipment_of(runtime, os_family=platform.system(), architecture=platform.machine())
    where = machine_name(shell)
    progress(None, f"looking at what is on {where}")
    choices = [copy_places(data_folder, build) for build in (shipment.id, f"{shipment.id}-copied")]
    for places in choices:
        found = _what_is_there(shell, places, shipment, token)
        if found is not None:
            return found
        if folder_state(shell, places.final, token) != FOREIGN:
            return _Copy(shell, shipment, places, progress, token).run(data_folder)
    raise RuntimeUnavailable(
        f"On {where} there is already another build in {choices[-1].final}, which Crossply did not copy there.",
        advice="Rename or remove that folder.",
    )


def _what_is_there(shell: RemoteShell, places: CopyPlaces, shipment: Shipment, token: CancelToken) -> CopyResult | None:
    """The result, when the whole build is there already."""
    seen = remote_hashes(shell, places.final, [*(file.path for file in shipment.files), MANIFEST_NAME], token)
    whole = MANIFEST_NAME in seen.sizes and not _wrong(seen, shipment.files)
    if not whole or not has_started(start_once(shell, f"{places.final}/{shipment.rpc_server}", token)):
        return None
    return CopyResult(folder=places.final, sent_bytes=0, proven=seen.hashes is not None)


def _wrong(seen: RemoteHashes, files: tuple[SentFile, ...]) -> tuple[SentFile, ...]:
    return tuple(file for file in files if not seen.is_right(file.path, size_bytes=file.size_bytes, sha256=file.sha256))


class _Copy:
    """One attempt."""

    def __init__(
        self, shell: RemoteShell, shipment: Shipment, places: CopyPlaces, progress: Progress, token: CancelToken
    ) -> None:
        self._shell = shell
        self._shipment = shipment
        self._places = places
        self._progress = progress
        self._token = token
        self._where = machine_name(shell)
        self._there_bytes = 0
        self._sent_bytes = 0
        self._told_at = float("-inf")

    def run(self, data_folder: str) -> CopyResult:
        free = self._check_system(data_folder)
        files = self._shell.files()
        files.make_folder(self._places.runtimes)
        with only_one_copies(self._shell, self._places.lock, self._progress, self._token) as lock:
            found = _what_is_there(self._shell, self._places, self._shipment, self._token)
            if found is not None:  # another window was at it while we waited
                return found
            try:
                return self._copy(files, lock, free)
            except Cancelled:
                self._progress(None, f"stopped; what is on {self._where} is kept and the copy can go on")
                raise

    def _check_system(self, data_folder: str) -> int | None:
        """The free bytes there, if they are told."""
        system = look_at_system(self._shell, data_folder, self._token)
        why_not = can_be_copied(self._shipment.needs, system.programs, where=self._where)
        if why_not:
            raise RuntimeUnavailable(f"The build cannot be copied: {why_not}")
        return system.free_bytes

    def _copy(self, files: RemoteFiles, lock: CopyLock, free: int | None) -> CopyResult:
        kept = self._kept()
        self._check_space(free, sum(min(kept.get(file.path, 0), file.size_bytes) for file in self._shipment.files))
        self._make_folders(files)
        for file in self._shipment.files:
            self._send(files, lock, file, kept.get(file.path, -1))
        proven = self._check(files, lock)
        self._try_out(files, lock)
        self._publish(files, lock)
        return CopyResult(folder=self._places.final, sent_bytes=self._sent_bytes, proven=proven)

    def _kept(self) -> dict[str, int]:
        """What is there of an earlier attempt: path -> bytes."""
        paths = [file.path for file in self._shipment.files]
        return remote_hashes(self._shell, self._places.incoming, paths, self._token).sizes

    def _check_space(self, free: int | None, kept_bytes: int) -> None:
        if free is not None and free < self._shipment.size_bytes - kept_bytes + _SPARE_BYTES:
            raise self._no_space(free)

    def _no_space(self, free: int) -> RuntimeUnavailable:
        needed = _megabytes(self._shipment.size_bytes + _SPARE_BYTES)
        return RuntimeUnavailable(
            f"{self._where} has {_megabytes(free)} MB free in {self._places.runtimes}, the build needs {needed} MB.",
            advice="Make room there and copy again: what has arrived is kept.",
        )

    def _make_folders(self, files: RemoteFiles) -> None:
        for folder in sorted({file.path.rpartition("/")[0] for file in self._shipment.files}):
            files.make_folder(self._places.arriving(folder) if folder else self._places.incoming)

    def _send(self, files: RemoteFiles, lock: CopyLock, file: SentFile, kept: int) -> None:
        resume = 0 < kept <= file.size_bytes
        self._there_bytes += kept if resume else 0
        if kept == file.size_bytes:
            return

        def on_bytes(count: int) -> None:
            self._there_bytes += count
            self._sent_bytes += count
            self._tell()
            self._token.check()
            lock.keep()

        try:
            target = self._places.arriving(file.path)
            files.write(target, str(file.source), mode=0o700 if file.runs else 0o600, resume=resume, on_bytes=on_bytes)
        except RemoteFileProblem:
            free = look_at_system(self._shell, self._places.runtimes, self._token).free_bytes
            if free is not None and free < _SPARE_BYTES:
                raise self._no_space(free) from None
            raise

    def _tell(self) -> None:
        """At most 5 times a second."""
        now = time.monotonic()
        if now - self._told_at >= _STEP_SECONDS:
            self._told_at = now
            total = self._shipment.size_bytes
            there = min(self._there_bytes, total)
            self._progress(there / total, f"{_megabytes(there)} of {_megabytes(total)} MB to {self._where}")

    def _check(self, files: RemoteFiles, lock: CopyLock) -> bool:
        """Compare the hashes; send what differs once more, whole."""
        paths = [file.path for file in self._shipment.files]
        self._progress(1.0, f"checking the files on {self._where}")
        seen = remote_hashes(self._shell, self._places.incoming, paths, self._token)
        wrong = _wrong(seen, self._shipment.files)
        if wrong:
            for file in wrong:
                self._there_bytes -= file.size_bytes
                self._send(files, lock, file, kept=-1)
            seen = remote_hashes(self._shell, self._places.incoming, paths, self._token)
            wrong = _wrong(seen, self._shipment.files)
        if wrong:
            files.remove_tree(self._places.incoming)
            raise RuntimeUnavailable(
                f"{wrong[0].path} is not on {self._where} what it is here, although it was sent twice.",
                advice="Check this machine's build (crossplyctl doctor) and the disk there.",
            )
        if seen.hashes is None:
            self._progress(1.0, f"the sizes are right; {self._where} has no program to compare hashes with")
        return seen.hashes is not None

    def _try_out(self, files: RemoteFiles, lock: CopyLock) -> None:
        """Start the rpc-server there once. What it lacks of the compiler's libraries is lent."""
        said = self._start_once()
        while not has_started(said) and self._lend(files, lock, missing_library(said)):
            said = self._start_once()
        if has_started(said):
            return
        files.remove_tree(self._places.incoming)
        lines = said.strip().splitlines()
        raise RuntimeUnavailable(
            f"The copied rpc-server does not start on {self._where}: {lines[-1][:300] if lines else 'it says nothing'}",
            advice="Build llama.cpp there, or give this machine a build made with: crossplyctl runtime build.",
            details=said,
        )

    def _start_once(self) -> str:
        links = tuple((path.rpartition("/")[2], target) for path, target in self._shipment.links)
        return start_once(self._shell, self._places.arriving(self._shipment.rpc_server), self._token, links=links)

    def _lend(self, files: RemoteFiles, lock: CopyLock, name: str | None) -> bool:
        program = next(file.source for file in self._shipment.files if file.path == self._shipment.rpc_server)
        lent_already = any(file.path.rpartition("/")[2] == name for file in self._shipment.files)
        source = library_here(name, program) if name and not lent_already else None
        if name is None or source is None:
            return False
        self._shipment = with_file(self._shipment, name, source)
        self._send(files, lock, self._shipment.files[-1], kept=-1)
        self._check(files, lock)
        return True

    def _publish(self, files: RemoteFiles, lock: CopyLock) -> None:
        marker = {"from": platform.node(), "at": datetime.now(UTC).isoformat(timespec="seconds")}
        files.write_bytes(self._places.marker, json.dumps(marker).encode())
        files.write_bytes(self._places.manifest, manifest_text(self._shipment.manifest).encode())
        if not publish_folder(self._shell, lock, self._places.incoming, self._places, self._token):
            raise RuntimeUnavailable(
                f"The build arrived on {self._where}, but could not be given its name {self._places.final}.",
                advice="Copy again; if another Crossply does the same, wait for it.",
            )


def _megabytes(count: int) -> int:
    return round(count / 1_000_000)
