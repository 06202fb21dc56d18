"""What of a build is sent to a machine that only serves workers: its rpc-server, and the libraries that it can load.

Of our build with CPU and Vulkan that is 51 MB in 19 files instead of 68 MB in 28: llama-server, llama-bench, libllama and the
rest run on the coordinator only, and the version that llama-server would tell stands in the manifest with every file's hash.
The CPU libraries of all instruction sets go along (20 MB): which one fits is decided by the library loader on the machine.
Links among the libraries are made there, not sent. Rejected: one CPU library by the probed processor (a machine that gets a
new board would need a new copy), and leaving out the Vulkan library (29 MB) where no card was seen (drivers are installed
later).

A build without a manifest of ours gets one here, of the files its rpc-server needs: by ELF's own list where it is ELF.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from engine.cluster.matching import ProgramSystem
from engine.errors import RuntimeUnavailable
from engine.runtimes.manifest import FORMAT, Manifest, ManifestFile, read_manifest, sha256_of
from engine.runtimes.remote.copying.elf_needs import ElfNeeds, read_elf_needs
from engine.vocabulary.runtime import Runtime

_PLUGIN = re.compile(r"^(lib)?ggml-.*\.(so|dylib)")
_LIBRARY = re.compile(r"^lib.*\.(so|dylib)\b")
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}")
_MOST_FILES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """One file. ``path`` is relative to the build's folder there, with forward slashes."""

    path: str
    source: Path
    size_bytes: int
    sha256: str
    runs: bool
    """Whether it is a program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """All that is sent of one build."""

    id: str
    """Name of its folder there."""
    manifest: Manifest
    """Of what is sent only."""
    files: tuple[SentFile, ...]
    links: tuple[tuple[str, str], ...]
    """(path, name of the file in the same folder that it leads to)."""
    rpc_server: str
    """Relative path of the program."""
    needs: ProgramSystem
    """What the machine must be."""

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.files)


def shipment_of(runtime: Runtime, *, os_family: str, architecture: str) -> Shipment:
    """What to send of ``runtime``, which was built for a system of this kind (``uname -s`` and ``-m`` of this machine).

    Raises ``RuntimeUnavailable`` when the build cannot be read or has names that no build of llama.cpp has.
    """
    programs = Path(runtime.folder)
    folder_name, manifest = _kept_manifest(runtime)
    below = "" if manifest.programs == "." else manifest.programs + "/"
    needs: dict[str, ElfNeeds | None] = {}
    try:
        _collect(programs, Path(runtime.rpc_server).name, needs)
        known = {entry.path: entry for entry in manifest.files}
        files = tuple(_sent(programs / name, below + name, known) for name in sorted(needs))
        links = tuple((below + name, target) for name, target in _links(programs, frozenset(needs)))
    except OSError as error:
        raise RuntimeUnavailable(f"The build in {programs} cannot be read: {error.strerror or error}.") from None
    _refuse_odd_names(folder_name, files, links)
    entries = tuple(ManifestFile(path=file.path, size_bytes=file.size_bytes, sha256=file.sha256) for file in files)
    return Shipment(
        id=folder_name,
        manifest=msgspec.structs.replace(manifest, files=entries),
        files=files,
        links=links,
        rpc_server=below + Path(runtime.rpc_server).name,
        needs=ProgramSystem(os_family=os_family, architecture=architecture, glibc=_glibc(needs)),
    )


def build_id(runtime: Runtime) -> str:
    """Name of the folder of its copy on other machines. Raises ``RuntimeUnavailable`` when its manifest cannot be read."""
    return _kept_manifest(runtime)[0]


def with_file(shipment: Shipment, name: str, source: Path) -> Shipment:
    """The same, and a library of the system beside the programs."""
    folder = shipment.rpc_server.rpartition("/")[0]
    file = _sent(source, f"{folder}/{name}" if folder else name, {})
    _refuse_odd_names(shipment.id, (file,), ())
    entry = ManifestFile(path=file.path, size_bytes=file.size_bytes, sha256=file.sha256)
    manifest = msgspec.structs.replace(shipment.manifest, files=(*shipment.manifest.files, entry))
    return replace(shipment, files=(*shipment.files, file), manifest=manifest)


def _kept_manifest(runtime: Runtime) -> tuple[str, Manifest]:
    """The build's own manifest with the name of its folder, or a new one. The programs may lie up to two folders below it."""
    programs = Path(runtime.folder)
    for top in (programs, *programs.parents[:2]):
        manifest = read_manifest(top)
        if manifest is not None and (top / manifest.programs).resolve() == programs.resolve():
            return top.name, manifest
    return f"llama.cpp-{runtime.commit or 'build'}-{runtime.id}", Manifest(
        format=FORMAT,
        programs="bin",
        origin="found in a folder of another machine",
        build_number=runtime.build_number,
        commit=runtime.commit,
        protocol=str(runtime.protocol) if runtime.protocol else None,
        backends=runtime.backends,
        options=(),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        files=(),
    )


def _collect(programs: Path, rpc_server: str, needs: dict[str, ElfNeeds | None]) -> None:
    """Fills ``needs`` with the real files beside each other that the rpc-server loads, at its start or later by name."""
    names = [path.name for path in programs.iterdir()]
    program = read_elf_needs(programs / rpc_server)
    pattern = _LIBRARY if program is None else _PLUGIN  # macOS: no list to read, so all libraries
    waiting = [rpc_server, *(name for name in names if pattern.match(name))]
    while waiting and len(needs) <= _MOST_FILES:
        real = _real_name(programs, waiting.pop())
        if real not in needs and (programs / real).is_file():
            needs[real] = read_elf_needs(programs / real)
            found = needs[real]
            waiting += [library for library in found.libraries if library in names] if found else []


def _real_name(programs: Path, name: str) -> str:
    """The name of the file behind a link, if that is in the same folder."""
    real = (programs / name).resolve()
    return real.name if real.parent == programs.resolve() else name


def _links(programs: Path, sent: frozenset[str]) -> list[tuple[str, str]]:
    found = []
    for path in sorted(programs.iterdir()):
        real = _real_name(programs, path.name)
        if path.is_symlink() and real != path.name and real in sent:
            found.append((path.name, real))
    return found


def _sent(source: Path, path: str, known: dict[str, ManifestFile]) -> SentFile:
    entry = known.get(path)
    status = source.stat()
    return SentFile(
        path=path,
        source=source,
        size_bytes=status.st_size,
        sha256=entry.sha256 if entry else sha256_of(source),
        runs=bool(status.st_mode & 0o100),
    )


def _glibc(needs: dict[str, ElfNeeds | None]) -> tuple[int, ...] | None:
    return max((found.glibc for found in needs.values() if found and found.glibc), default=None)


def _refuse_odd_names(folder_name: str, files: tuple[SentFile, ...], links: tuple[tuple[str, str], ...]) -> None:
    """Names become paths on another machine: nothing but plain ones leaves."""
    names = [folder_name, *(part for file in files for part in file.path.split("/"))]
    names += [part for link in links for part in (*link[0].split("/"), link[1])]
    odd = next((name for name in names if not _PLAIN.fullmatch(name)), None)
    if odd is not None or len(files) > _MOST_FILES:
        raise RuntimeUnavailable(
            f"This build cannot be copied: {odd!r:.80} is no name that llama.cpp's files have."
            if odd is not None
            else f"This build cannot be copied: it has more than {_MOST_FILES} files.",
            advice="Choose a folder that holds llama.cpp's programs and nothing else.",
        )
