"""Our cmake and ninja for a machine that has none: the programs of the wheels from PyPI, which run on nearly every Linux.

They are packed into one archive of about 20 MB, without the manual, and used only there and only for the build. Rejected: pip
on that machine (many have no network, and nothing is installed there), a system's own cmake (it needs its libraries).
"""

from __future__ import annotations

import hashlib
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.cluster.matching import ProgramSystem
from engine.ports import CancelToken
from engine.runtimes.building.build_pieces import find_tools
from engine.runtimes.manifest import sha256_of
from engine.runtimes.remote.building.send_archive import Archive
from engine.runtimes.remote.copying.elf_needs import read_elf_needs
from engine.settings.on_disk.whole_files import private_folder

_CMAKE = ("lib/python*/site-packages/cmake/data", "Lib/site-packages/cmake/data")
_NINJA = ("lib/python*/site-packages/ninja/data/bin/ninja", "bin/ninja")


@dataclass(frozen=True, slots=True, kw_only=True)
class OurTools:
    """Where they are here."""

    cmake_data: Path
    """With ``bin`` and ``share``."""
    ninja: Path


def find_our_tools(private: Path, token: CancelToken, *, places: Sequence[Path] = (Path(sys.prefix),)) -> OurTools | None:
    """Those beside our Python or in the folder ``private``; fetched with pip into it where they are nowhere.

    ``None`` = pip gave them in a form that is not known. Raises ``RuntimeUnavailable`` (no network), ``Cancelled``.
    """
    found = _find((*places, private))
    if found is None:
        find_tools(private, token=token, which=lambda _name: None)
        found = _find((*places, private))
    return found


def system_of(tools: OurTools, *, os_family: str, architecture: str) -> ProgramSystem:
    """What a machine must be to run them, given what this machine is."""
    needs = [read_elf_needs(path) for path in (tools.cmake_data / "bin/cmake", tools.ninja)]
    glibc = max((need.glibc for need in needs if need and need.glibc), default=None)
    return ProgramSystem(os_family=os_family, architecture=architecture, glibc=glibc)


def pack(tools: OurTools, into: Path) -> Archive:
    """One archive below the folder ``into``: ``cmake/bin``, ``cmake/share``, ``bin/ninja``. Its name tells its content."""
    private_folder(into)
    marks = hashlib.sha256(f"{_mark(tools.ninja)}{_mark(tools.cmake_data / 'bin/cmake')}".encode()).hexdigest()[:12]
    path = into / f"build-programs-{marks}.tar.gz"
    if not path.is_file():
        unfinished = path.with_suffix(".new")
        with tarfile.open(unfinished, "w:gz") as tar:
            tar.add(tools.cmake_data / "bin/cmake", "cmake/bin/cmake")
            tar.add(tools.cmake_data / "share", "cmake/share", filter=_without_manual)
            tar.add(tools.ninja, "bin/ninja")
        unfinished.replace(path)
    return Archive(path=path, sha256=sha256_of(path))


def _mark(path: Path) -> str:
    return f"{path}:{path.stat().st_size}:{path.stat().st_mtime_ns}"


def _without_manual(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    parts = member.name.split("/")
    return None if "Help" in parts or "doc" in parts or "man" in parts else member


def _find(places: Sequence[Path]) -> OurTools | None:
    for place in places:
        cmake = next((data for pattern in _CMAKE for data in place.glob(pattern) if (data / "bin/cmake").is_file()), None)
        ninja = next((file for pattern in _NINJA for file in place.glob(pattern) if _is_program(file)), None)
        if cmake and ninja:
            return OurTools(cmake_data=cmake, ninja=ninja)
    return None


def _is_program(path: Path) -> bool:
    """Not the small Python program of the same name that older wheels put into ``bin``."""
    with path.open("rb") as stream:
        return not stream.read(2).startswith(b"#!")
