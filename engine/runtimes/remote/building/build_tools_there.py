"""Which compilers and build programs are on a remote machine, how many cores and how much memory they may use.

One POSIX shell script; programs are also looked for where a login without a terminal has no PATH to (CUDA, ROCm, Homebrew),
and among those that we sent. A GPU compiler counts only with a card: a login node would compile tens of minutes for nothing.
CUDA's and ROCm's answers were never seen on real hardware by us: they are written after the vendors' documentation.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from engine.errors import ProbeFailed, RuntimeUnavailable
from engine.ports import CancelToken
from engine.remote_ports import RemoteShell
from engine.runtimes.remote.remote_places import checked_folder
from engine.runtimes.remote.shell_script import Section, machine_name, run_script, text_of

_SECONDS = 60.0
_BYTES_PER_JOB = 1_500_000_000  # as on this machine
_MOST_CORES = 1024
_MOST_TARGETS = 16
_VERSION = re.compile(r"cmake version (\d+)\.(\d+)")
_GFX = re.compile(r"gfx[0-9a-f]{3,6}")
OLDEST_CMAKE = (3, 14)
"""llama.cpp's ``cmake_minimum_required``."""
OLDEST_CMAKE_FOR_GPUS = (3, 24)
"""``CMAKE_CUDA_ARCHITECTURES=native`` (CMake 3.24); the HIP language came with 3.21."""

_LOOK = """\
ours=$1
PATH=$PATH:/usr/local/bin:/opt/homebrew/bin; export PATH
find_in() { # program, folders: the PATH counts first
    program=$1; shift
    found=$(command -v "$program" 2>/dev/null)
    for folder in "$@"; do
        if [ -z "$found" ] && [ -x "$folder/$program" ]; then found=$folder/$program; fi
    done
    printf '%s\\n' "$found"
}
cmake=$(find_in cmake); sent=$ours/cmake/bin/cmake
say cmake; printf '%s\\n' "$cmake"
say cmake-version; [ -n "$cmake" ] && limited 20 "$cmake" --version | head -n 1
say sent-cmake-version; [ -x "$sent" ] && limited 20 "$sent" --version | head -n 1
say ninja; find_in ninja "$ours/bin"
say make; find_in make
say cc; for name in cc gcc clang; do find_in "$name"; done
say cxx; for name in c++ g++ clang++; do find_in "$name"; done
nvcc=$(find_in nvcc /usr/local/cuda/bin /usr/local/cuda*/bin /opt/cuda/bin /usr/lib/cuda/bin)
say nvcc; [ -n "$nvcc" ] && [ -x "$nvcc" ] && { readlink -f "$nvcc" 2>/dev/null || printf '%s\\n' "$nvcc"; }
say nvidia-cards; [ -n "$nvcc" ] && command -v nvidia-smi >/dev/null 2>&1 && limited 20 nvidia-smi -L | head -c 4096
hipcc=$(find_in hipcc /opt/rocm/bin /opt/rocm*/bin)
rocm=; if [ -n "$hipcc" ]; then rocm=$(readlink -f "$hipcc"); rocm=${rocm%/*}; fi
say hipcc; printf '%s\\n' "$hipcc"
if [ -n "$hipcc" ]; then
    config=$(find_in hipconfig "$rocm" /opt/rocm/bin); info=$(find_in rocminfo "$rocm" /opt/rocm/bin)
    say hip-clang; [ -n "$config" ] && limited 20 "$config" -l | head -n 1
    say hip-root; [ -n "$config" ] && limited 20 "$config" -R | head -n 1
    say amd-cards; [ -n "$info" ] && limited 20 "$info" | grep 'Name:' | grep -o 'gfx[0-9a-f]*' | sort -u
fi
say family; uname -s
say architecture; uname -m
say cores; nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null
say memory
if [ -r /proc/meminfo ]; then awk '/^MemTotal:/ { printf "%.0f\\n", $2 * 1024 }' /proc/meminfo; else sysctl -n hw.memsize; fi
say looked"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuda:
    """NVIDIA's compiler, and a card."""

    nvcc: str

    @property
    def root(self) -> str:
        """Of the toolkit: its libraries are in ``lib64`` below it."""
        return posixpath.dirname(posixpath.dirname(self.nvcc))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rocm:
    """AMD's compiler, and a card."""

    clang: str
    root: str
    targets: tuple[str, ...]
    """``gfx1100`` ...: what the cards are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildToolsThere:
    """What can build there. Paths are absolute; ``None`` = it is not there."""

    os_family: str
    architecture: str
    cmake: str | None
    cmake_version: tuple[int, int] | None
    ninja: str | None
    make: str | None
    has_c: bool
    has_cxx: bool
    cores: int
    memory_bytes: int | None
    cuda: Cuda | None = None
    rocm: Rocm | None = None

    @property
    def jobs(self) -> int:
        """How many compilers at once: a core and 1.5 GB for each, as on this machine."""
        return max(1, min(self.cores, self.cores if self.memory_bytes is None else self.memory_bytes // _BYTES_PER_JOB))

    @property
    def lacks_programs(self) -> bool:
        """Whether cmake (recent enough) or something that it drives is missing: ours may be sent."""
        oldest = OLDEST_CMAKE_FOR_GPUS if self.cuda or self.rocm else OLDEST_CMAKE
        fits = self.cmake is not None and self.cmake_version is not None and self.cmake_version >= oldest
        return not fits or not (self.ninja or self.make)


def look_for_build_tools(shell: RemoteShell, sent_folder: str, token: CancelToken) -> BuildToolsThere:
    """``sent_folder``: where programs that we sent would be. Raises ``ProbeFailed``, ``MachineUnreachable``, ``Cancelled``."""
    said = run_script(shell, _LOOK, (sent_folder,), timeout_seconds=_SECONDS, token=token)
    try:
        if text_of(said, "looked") or not said or said[-1].key != "looked":
            raise ValueError
        return _understood(said, sent_folder)
    except ValueError:
        raise ProbeFailed(f"{machine_name(shell)} told nothing sensible about its compilers.", advice="Look again.") from None


def check_compiler_there(tools: BuildToolsThere, where: str) -> None:
    """Raises ``RuntimeUnavailable`` when there is no C or no C++ compiler."""
    missing = [name for name, there in (("C", tools.has_c), ("C++", tools.has_cxx)) if not there]
    if missing:
        raise RuntimeUnavailable(
            f"There is no {' and no '.join(missing)} compiler on {where}, so llama.cpp cannot be built there.",
            advice="Install one there (Debian, Ubuntu: apt-get install gcc g++), and try again.",
        )


def _understood(said: tuple[Section, ...], sent_folder: str) -> BuildToolsThere:
    own = _version(text_of(said, "cmake-version"))
    sent = _version(text_of(said, "sent-cmake-version"))
    cores = _number(text_of(said, "cores"))
    return BuildToolsThere(
        os_family=text_of(said, "family").strip(),
        architecture=text_of(said, "architecture").strip(),
        cmake=f"{sent_folder}/cmake/bin/cmake" if sent else _path(text_of(said, "cmake")),
        cmake_version=sent or own,
        ninja=_path(text_of(said, "ninja")),
        make=_path(text_of(said, "make")),
        has_c=bool(text_of(said, "cc").strip()),
        has_cxx=bool(text_of(said, "cxx").strip()),
        cores=min(max(cores or 1, 1), _MOST_CORES),
        memory_bytes=_number(text_of(said, "memory")),
        cuda=_cuda(said),
        rocm=_rocm(said),
    )


def _cuda(said: tuple[Section, ...]) -> Cuda | None:
    nvcc = _path(text_of(said, "nvcc"))
    return Cuda(nvcc=nvcc) if nvcc and "GPU 0" in text_of(said, "nvidia-cards") else None


def _rocm(said: tuple[Section, ...]) -> Rocm | None:
    if _path(text_of(said, "hipcc")) is None:
        return None
    folder, root = _path(text_of(said, "hip-clang")), _path(text_of(said, "hip-root"))
    targets = tuple(sorted(set(_GFX.findall(text_of(said, "amd-cards")))))[:_MOST_TARGETS]
    if folder is None or root is None or not targets:
        return None
    return Rocm(clang=f"{folder}/clang", root=root, targets=targets)


def _path(text: str) -> str | None:
    """The first line, if it is a path that could be one. Raises ``ValueError``."""
    lines = text.strip().splitlines()
    if not lines or not lines[0].startswith("/"):  # nothing, or a function or alias of the shell
        return None
    try:
        return checked_folder(posixpath.normpath(lines[0]))
    except ProbeFailed:
        raise ValueError from None


def _version(text: str) -> tuple[int, int] | None:
    match = _VERSION.search(text)
    return (int(match[1]), int(match[2])) if match else None


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) <= 18 else None
