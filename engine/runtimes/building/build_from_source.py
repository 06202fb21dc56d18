"""Builds llama.cpp's programs from the source distribution of ``llama-cpp-python``, which carries the whole tree.

One folder per build, below the data folder. All work is done in a hidden folder beside it; the finished build gets its
manifest and then its name in one rename, so that whatever is killed, and whenever, nothing looks finished that is not. The
libraries find each other through ``$ORIGIN``: a build may be moved, and copied to another machine (``GGML_NATIVE=OFF`` with
one CPU library per instruction set, chosen when it is loaded).

A build without Vulkan gets it later without being repeated: the backend is one more library of the same source. Rejected: a
git clone (needs a host name and git), BLAS (it hides the CPU device and breaks pipelining), keeping the build tree (400 MB).

Measured on 2 cores: CPU 10 min, CPU and Vulkan 15 min, Vulkan added to a build 4 min; 65 MB, about 0.5 GB while it is made.
On 16 cores CPU and CUDA for the card that is there (an H100): 5 min, of the processors 67 min; CUDA's library is 50 MB.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from engine.errors import RuntimeUnavailable
from engine.ports import CancelToken
from engine.runtimes.building.build_lock import only_one_builds
from engine.runtimes.building.build_pieces import BuildTools, VulkanPieces, check_compiler, find_tools, find_vulkan, has_cuda
from engine.runtimes.building.pip_download import PinnedPackage, download_packages
from engine.runtimes.building.unpack_archive import unpack_archive
from engine.runtimes.describe_runtime import learn
from engine.runtimes.find_runtimes import Candidate
from engine.runtimes.manifest import FORMAT, Manifest, find_damage, list_files, read_manifest, sha256_of, write_manifest
from engine.runtimes.run_program import run_with_lines
from engine.settings.folders import Folders
from engine.vocabulary.runtime import RuntimeSource

SOURCE = PinnedPackage(
    name="llama-cpp-python",
    version="0.3.36",
    sha256="832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e",
    is_source=True,
)
COMMIT = "0c1e570"
"""llama.cpp's commit in it (of 2026-10-01, between b11321 and b11434: its own build number is not known)."""
TARGETS = ("ggml-rpc-server", "llama-server", "llama-bench", "llama-fit-params")
NEEDED_DISK_BYTES = 1_500_000_000

OnProgress = Callable[[float, str], None]
"""Fraction done (0 to 1), and what is being done."""

_ORIGIN = "@loader_path" if sys.platform == "darwin" else "$ORIGIN"
BASE_OPTIONS = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=ON",
    "-DGGML_RPC=ON",
    "-DGGML_NATIVE=OFF",
    "-DGGML_BACKEND_DL=ON",
    "-DGGML_CPU_ALL_VARIANTS=ON",
    "-DGGML_BLAS=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_CURL=OFF",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_BUILD_UI=OFF",  # and no ready-made one: the build would download it
    "-DLLAMA_USE_PREBUILT_UI=OFF",
    "-DLLAMA_BUILD_NUMBER=0",  # else CMake asks git: of a shallow clone (1), or of whatever repository is around the folder
    f"-DLLAMA_BUILD_COMMIT={COMMIT}",
    "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON",
    f"-DCMAKE_INSTALL_RPATH={_ORIGIN}",
)
_STEP = re.compile(r"^\[(\d+)/(\d+)\] (.*)")
_TREE = re.compile(r"^[^/]+/vendor/llama\.cpp/(?!\.git/)(.+)")
_UNFINISHED = ".building-"
_SOURCE_SHARE, _CONFIGURE_SHARE, _COMPILE_SHARE = 0.05, 0.02, 0.9
_BYTES_PER_JOB = 1_500_000_000  # the largest file of llama-server takes 1.2 GB to compile
_TAIL = 40


class Wanted(StrEnum):
    """How much a backend is wanted."""

    NO = "no"
    IF_POSSIBLE = "if possible"
    YES = "yes"
    """It is an error if it cannot be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """What to build beside the CPU and the RPC backend."""

    cuda: Wanted = Wanted.IF_POSSIBLE
    vulkan: Wanted = Wanted.IF_POSSIBLE
    vulkan_headers: Path | None = None
    """A folder with ``include`` and ``share``, where the system's headers are too old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Backends:
    """What was decided."""

    cuda: bool
    cuda_must_load: bool = False
    """Somebody asked for it, and there is a card: without one there may be no driver for it to load."""
    vulkan: VulkanPieces | None

    @property
    def folder_name(self) -> str:
        return f"llama.cpp-{COMMIT}-cpu" + "-cuda" * self.cuda + "-vulkan" * (self.vulkan is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """As the programs call what must load."""
        return ("CUDA",) * self.cuda_must_load + ("Vulkan",) * (self.vulkan is not None)

    @property
    def without_vulkan(self) -> _Backends:
        return replace(self, vulkan=None)

    @property
    def options(self) -> tuple[str, ...]:
        cuda = ("-DGGML_CUDA=ON", *(("-DCMAKE_CUDA_ARCHITECTURES=native",) if has_cuda() else ())) if self.cuda else ()
        return (*BASE_OPTIONS, *cuda, *(self.vulkan.options if self.vulkan else ()))


def build_runtime(folders: Folders, options: BuildOptions, on_progress: OnProgress, token: CancelToken) -> Path:
    """Build what is wanted, unless it is there; gives the folder of the finished build.

    Raises ``RuntimeUnavailable`` (no compiler, no network, no disk space, a compiler error: the log is kept), ``Cancelled``.
    """
    backends = _decide(options)
    final = folders.runtimes / backends.folder_name
    if is_finished(final):
        return final
    waiting = "another Crossply is building: waiting for it"
    with only_one_builds(folders.runtimes, token=token, on_waiting=lambda: on_progress(0.0, waiting)):
        if is_finished(final):
            return final
        _clear_unfinished(folders.runtimes)
        _check_disk(folders.runtimes)
        with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=folders.runtimes, ignore_cleanup_errors=True) as work:
            _Build(folders, backends, Path(work), on_progress, token).run(final)
    on_progress(1.0, "ready")
    return final


def is_finished(folder: Path) -> bool:
    """Whether there is a whole build: its manifest can be read and every file has its size."""
    try:
        manifest = read_manifest(folder)
    except RuntimeUnavailable:
        return False
    return manifest is not None and find_damage(folder, manifest, hashes=False) is None


class _Build:
    """One build: the steps share the work folder, the log and the progress."""

    def __init__(self, folders: Folders, backends: _Backends, work: Path, on_progress: OnProgress, token: CancelToken) -> None:
        self._folders, self._backends, self._work, self._token = folders, backends, work, token
        self._on_progress = on_progress
        self._tail: list[str] = []
        folders.logs.mkdir(parents=True, exist_ok=True)
        self._log = folders.logs / f"build {backends.folder_name}.log"
        self._log.write_text("", encoding="utf-8")

    def run(self, final: Path) -> None:
        check_compiler()
        self._on_progress(0.0, "looking for cmake and ninja")
        tools = find_tools(self._folders.data / "build-tools", token=self._token)
        self._unpack_source(fetch_source(self._folders, self._report_bytes, self._token))
        bare = self._folders.runtimes / self._backends.without_vulkan.folder_name
        add_to = bare if self._backends.vulkan and is_finished(bare) else None
        self._configure(tools)
        self._compile(tools, ("ggml-vulkan",) if add_to else TARGETS)
        self._finish(final, add_to)

    def _unpack_source(self, archive: Path) -> None:
        def keep(name: str) -> str | None:
            match = _TREE.match(name)
            return match[1] if match else None

        self._on_progress(_SOURCE_SHARE * 0.8, "unpacking the source")
        unpack_archive(archive, self._work / "source", token=self._token, keep=keep)

    def _configure(self, tools: BuildTools) -> None:
        self._on_progress(_SOURCE_SHARE, "configuring")
        argv = [tools.cmake, "-G", "Ninja", "-S", "source", "-B", "build", f"-DCMAKE_MAKE_PROGRAM={tools.ninja}"]
        self._step([*argv, *self._backends.options], "cmake", self._note)

    def _compile(self, tools: BuildTools, targets: tuple[str, ...]) -> None:
        start = _SOURCE_SHARE + _CONFIGURE_SHARE
        largest, furthest = 0, 0.0

        def on_line(line: str) -> None:
            nonlocal largest, furthest
            self._note(line)
            match = _STEP.match(line)
            if match is None or int(match[2]) * 2 < largest:  # the shader generator's own small build counts too
                return
            largest = max(largest, int(match[2]))
            furthest = max(furthest, int(match[1]) / int(match[2]))
            self._on_progress(start + _COMPILE_SHARE * furthest, f"{match[1]} of {match[2]}: {short_step(match[3])}")

        argv = [tools.cmake, "--build", "build", "--parallel", str(_jobs()), "--target", *targets]
        self._step(argv, "the compiler", on_line)

    def _finish(self, final: Path, add_to: Path | None) -> None:
        self._on_progress(0.97, "checking the programs")
        made = self._work / "made"
        shutil.copytree(add_to / "bin" if add_to else self._work / "build/bin", made / "bin", symlinks=True)
        if add_to:
            (library,) = (self._work / "build/bin").glob("*ggml-vulkan.*")
            shutil.copy2(library, made / "bin")
        candidate = Candidate(top=made, programs=made / "bin", source=RuntimeSource.BUILT)
        facts = learn(candidate, "")
        missing = [name for name in self._backends.names if name not in facts.backends]
        why = facts.why_unusable or (f"its {missing[0]} backend does not load." if missing else None)
        if why:
            raise RuntimeUnavailable(f"llama.cpp was built but cannot be used: {why}", advice=f"The log is {self._log}.")
        manifest = Manifest(
            format=FORMAT,
            programs="bin",
            origin=f"{SOURCE.name} {SOURCE.version} (sdist)",
            build_number=facts.build_number,
            commit=facts.commit,
            protocol=facts.protocol,
            backends=facts.backends,
            options=self._backends.options,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            files=list_files(made),
        )
        write_manifest(made, manifest)
        shutil.rmtree(final, ignore_errors=True)  # a damaged one of the same name
        made.rename(final)

    def _report_bytes(self, have: int, total: int) -> None:
        detail = f"fetching the source: {have / 1e6:.0f} of {total / 1e6:.0f} MB"
        self._on_progress(_SOURCE_SHARE * 0.8 * have / max(total, 1), detail)

    def _note(self, line: str) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")
        self._tail.append(line)
        del self._tail[:-_TAIL]

    def _step(self, argv: list[str], who: str, on_line: Callable[[str], None]) -> None:
        # git must not take a repository around the data folder for llama.cpp's
        quiet = {"GIT_CEILING_DIRECTORIES": str(self._work), "CLICOLOR_FORCE": "0", "NINJA_STATUS": "[%f/%t] "}
        code = run_with_lines(argv, on_line=on_line, token=self._token, folder=self._work, environment=quiet)
        if code != 0:
            raise RuntimeUnavailable(
                f"llama.cpp could not be built: {explain_failure(self._tail, who, code)}",
                advice=f"The log is {self._log}.",
                details="\n".join(self._tail),
            )


def fetch_source(folders: Folders, on_bytes: Callable[[int, int], None], token: CancelToken) -> Path:
    """The source archive, checked against its hash; kept in the cache folder. Raises ``RuntimeUnavailable``."""
    sources = folders.cache / "sources"
    archive = sources / f"{SOURCE.name.replace('-', '_')}-{SOURCE.version}.tar.gz"
    if not (archive.is_file() and sha256_of(archive) == SOURCE.sha256):
        archive.unlink(missing_ok=True)
        download_packages((SOURCE,), sources, what="the source of llama.cpp", on_bytes=on_bytes, token=token)
        if not archive.is_file() or sha256_of(archive) != SOURCE.sha256:
            raise RuntimeUnavailable(f"What pip fetched is not the source of llama.cpp that is expected ({archive.name}).")
    return archive


def explain_failure(tail: list[str], who: str, code: int) -> str:
    """Why a build failed, in one sentence, from the last lines of its output."""
    text = "\n".join(tail)
    if "No space left on device" in text:
        return "the disk is full."
    if "Killed signal" in text or "signal terminated program" in text:
        return "the compiler was killed, most likely because memory ran out."
    first_error = next((line.strip() for line in tail if re.search(r"\b(error|Error)\b[: ]", line)), "")
    return f"{who} ended with status {code}. {first_error}".strip()


def _decide(options: BuildOptions) -> _Backends:
    vulkan = find_vulkan(options.vulkan_headers) if options.vulkan is not Wanted.NO else "not wanted"
    if isinstance(vulkan, str) and options.vulkan is Wanted.YES:
        raise RuntimeUnavailable(f"The Vulkan backend cannot be built: {vulkan}")
    must_load = options.cuda is Wanted.YES and has_cuda()
    found = None if isinstance(vulkan, str) else vulkan
    return _Backends(cuda=_decide_cuda(options), cuda_must_load=must_load, vulkan=found)


def _decide_cuda(options: BuildOptions) -> bool:
    return options.cuda is Wanted.YES or (options.cuda is Wanted.IF_POSSIBLE and has_cuda())


def _clear_unfinished(runtimes: Path) -> None:
    """What killed builds left. Only called with the lock held: nobody is working in there."""
    for left in runtimes.glob(_UNFINISHED + "*"):
        shutil.rmtree(left, ignore_errors=True)


def _check_disk(runtimes: Path) -> None:
    free = shutil.disk_usage(runtimes).free
    if free < NEEDED_DISK_BYTES:
        raise RuntimeUnavailable(
            f"Building llama.cpp takes {NEEDED_DISK_BYTES / 1e9:.1f} GB for a while; {runtimes} has {free / 1e9:.1f} GB free.",
            advice="Free some space, or set CROSSPLY_DATA to a folder on another disk.",
        )


def _jobs() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    if not hasattr(os, "sysconf"):
        return cores
    return max(1, min(cores, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _BYTES_PER_JOB))


def short_step(step: str) -> str:
    """``Building CXX object a/b/CMakeFiles/x.dir/y.cpp.o`` -> ``y.cpp``."""
    last = step.rpartition("/")[2].removesuffix(".o") if " object " in step or "Linking" in step else step
    return last if len(last) <= 60 else last[:57] + "..."
