"""Where llama.cpp's programs may be on this machine: folders, in the order of preference. Nothing is run here.

1. a folder that the user chose (an argument, or ``CROSSPLY_RUNTIME``): a build, its ``bin``, or a llama.cpp checkout;
2. our own builds in the data folder, newest first;
3. what was installed with Crossply: beside the frozen application, and where the packages put it;
4. folders of ``PATH``;
5. the places where people build and packages install.

``ggml-rpc-server`` is looked for before ``rpc-server``: an in-place rebuild across the rename (llama.cpp #25045) leaves the
old program in ``build/bin``, with an older protocol. The other programs are taken only from the folder of the rpc-server:
programs of two builds do not work together. A folder counts once, however many names lead to it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import RuntimeUnavailable
from engine.runtimes.manifest import COPIED_MARKER, MANIFEST_NAME, Manifest, read_manifest
from engine.vocabulary.runtime import RuntimeSource

CHOSEN_VARIABLE = "CROSSPLY_RUNTIME"
"""Environment variable: the folder that the user chose, when no argument says it."""

RPC_SERVER_NAMES = ("ggml-rpc-server", "rpc-server")
_SUFFIX = ".exe" if sys.platform == "win32" else ""
BELOW = (".", "bin", "build/bin", "build/bin/Release")
"""Where the programs are, below the folder of a build or a checkout."""
USUAL_BELOW_HOME = ("llama.cpp", "src/llama.cpp", ".local/bin")
USUAL_ANYWHERE = (
    "/usr/local/bin",
    "/usr/bin",
    "/opt/llama.cpp",
    "/app",  # the official container images
    "/opt/homebrew/bin",
    "/home/linuxbrew/.linuxbrew/bin",
)
INSTALLED = "/usr/lib/crossply/runtimes"
"""Where our packages for Linux install theirs, one folder a build."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A folder that holds an rpc-server. ``top`` is the folder of the whole build (with its manifest, if it is ours)."""

    top: Path
    programs: Path
    source: RuntimeSource
    manifest: Manifest | None = None

    def program(self, *names: str) -> Path | None:
        """The first of these programs that is here and may be run."""
        return find_program(self.programs, *names)

    @property
    def rpc_server(self) -> Path:
        """The rpc-server; it was there when the candidate was made."""
        found = self.program(*RPC_SERVER_NAMES)
        return found or self.programs / RPC_SERVER_NAMES[0]


def find_program(folder: Path, *names: str) -> Path | None:
    """The first of ``names`` that is a file in ``folder`` that may be run."""
    for name in names:
        path = folder / (name + _SUFFIX)
        if path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def find_candidates(
    *,
    chosen: Path | None,
    own_builds: Path,
    environment: Mapping[str, str],
    usual: Sequence[Path],
    packaged: Sequence[Path] = (),
) -> tuple[Candidate, ...]:
    """Every candidate, best first. Raises ``RuntimeUnavailable`` when the chosen folder holds no rpc-server."""
    found: dict[Path, Candidate] = {}
    for candidate in _in_order(chosen, own_builds, packaged, environment, usual):
        found.setdefault(candidate.programs.resolve(), candidate)
    return tuple(found.values())


def usual_folders(home: Path) -> tuple[Path, ...]:
    """Where people build llama.cpp and packages put it, on Linux, macOS (untested) and Windows (untested)."""
    if sys.platform == "win32":
        return (home / "llama.cpp", Path("C:/llama.cpp"), home / "AppData/Local/Microsoft/WinGet/Links")
    return (*(home / place for place in USUAL_BELOW_HOME), *map(Path, USUAL_ANYWHERE))


def packaged_folders() -> tuple[Path, ...]:
    """What was installed with Crossply: first what belongs to this very application, if it is a frozen one."""
    beside = (Path(sys.executable).resolve().parent / "runtimes",) if getattr(sys, "frozen", False) else ()
    return (*beside, *(() if sys.platform == "win32" else (Path(INSTALLED),)))


def _in_order(
    chosen: Path | None,
    own_builds: Path,
    packaged: Sequence[Path],
    environment: Mapping[str, str],
    usual: Sequence[Path],
) -> Iterator[Candidate]:
    if chosen is not None:
        yield _chosen(chosen)
    yield from _own(own_builds)
    for folder in packaged:
        yield from (replace(candidate, source=RuntimeSource.PACKAGED) for candidate in _own(folder))
    for entry in environment.get("PATH", "").split(os.pathsep):
        if entry:
            yield from _here(Path(entry), RuntimeSource.ON_PATH)
    for folder in usual:
        yield from _here(folder, RuntimeSource.BUILD_FOLDER)


def _chosen(folder: Path) -> Candidate:
    folder = folder.expanduser().absolute()
    for candidate in _here(folder, RuntimeSource.CHOSEN):
        return candidate
    raise RuntimeUnavailable(
        f"There is no ggml-rpc-server (or rpc-server) in {folder}, nor in its bin or build/bin.",
        advice="Choose the folder that holds llama.cpp's programs, or let Crossply build them: crossplyctl runtime build.",
    )


def _here(folder: Path, source: RuntimeSource) -> Iterator[Candidate]:
    for below in BELOW:
        place = (folder / below).absolute()
        program = find_program(place, *RPC_SERVER_NAMES)
        if program is not None:
            # a link (Homebrew, /usr/local/bin) leads to the folder that also holds the libraries
            real = program.resolve().parent
            programs = real if find_program(real, *RPC_SERVER_NAMES) else Path(os.path.normpath(place))
            manifest = read_manifest(folder) if (folder / MANIFEST_NAME).is_file() else None
            yield Candidate(top=folder, programs=programs, source=source, manifest=manifest)
            return


def _own(builds: Path) -> Iterator[Candidate]:
    """Finished builds only: a folder with a manifest, and no name that starts with a dot (those are being made). What another
    machine put here for its workers holds no llama-server, and may go at any time."""
    finished: list[Candidate] = []
    for folder in builds.iterdir() if builds.is_dir() else ():
        if folder.name.startswith(".") or (folder / COPIED_MARKER).exists():
            continue
        manifest = _manifest_or_none(folder)
        if manifest is not None and find_program(folder / manifest.programs, *RPC_SERVER_NAMES):
            source = RuntimeSource.BUILT if manifest.options else RuntimeSource.DOWNLOADED
            finished.append(Candidate(top=folder, programs=folder / manifest.programs, source=source, manifest=manifest))
    yield from sorted(finished, key=_newest_richest, reverse=True)


def _newest_richest(candidate: Candidate) -> tuple[int, int, str, str]:
    manifest = candidate.manifest
    if manifest is None:
        return (0, 0, "", candidate.top.name)
    return (manifest.build_number or 0, len(manifest.backends), manifest.made_at, candidate.top.name)


def _manifest_or_none(folder: Path) -> Manifest | None:
    try:
        return read_manifest(folder)
    except RuntimeUnavailable:
        return None  # a damaged build of ours is no runtime; `doctor` lists it
