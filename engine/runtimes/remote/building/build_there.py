"""Builds llama.cpp's rpc-server on a remote machine from the same pinned source as here: there at once or not at all.

For machines that our build cannot be copied to (another processor, an older glibc, musl) and for those with a GPU compiler
that our build was made without. The result has our commit, so its workers may serve our coordinator. Source, compiled files
and temporary files are in one hidden folder below our data folder there; what is compiled is kept when the build is cancelled,
cut off or fails, so that the next try goes on; only what works is renamed to its final name. Only what a worker needs is
compiled: the rpc-server and the backends that it loads.

CPU builds were made for real over SSH (times are in the README); CUDA and ROCm builds were not: there was no such machine.

Rejected: cross-compiling here (toolchains for every target), a git clone there (many machines have no network), a release's
CUDA archive (another commit, and 1 GB).
"""

from __future__ import annotations

import json
import platform
import posixpath
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.errors import Cancelled, EngineError, RemoteFileProblem, RuntimeUnavailable
from engine.ports import CancelToken, ProcessStarter
from engine.remote_ports import Progress, RemoteShell
from engine.runtimes.building.build_from_source import COMMIT, SOURCE
from engine.runtimes.describe_runtime import backends_of
from engine.runtimes.manifest import COPIED_MARKER, FORMAT, MANIFEST_NAME, Manifest, ManifestFile, manifest_text
from engine.runtimes.remote.building.build_steps import StepCounter, StepRunner
from engine.runtimes.remote.building.build_tools_there import (
    BuildToolsThere,
    check_compiler_there,
    look_for_build_tools,
)
from engine.runtimes.remote.building.cmake_options import Configuration, configuration_of
from engine.runtimes.remote.building.send_archive import Archive, send_archive
from engine.runtimes.remote.copying.copy_lock import CopyLock, only_one_copies
from engine.runtimes.remote.copying.publish_folder import FOREIGN, folder_state, publish_folder
from engine.runtimes.remote.copying.trial_start import has_started, start_once
from engine.runtimes.remote.remote_hashes import remote_hashes
from engine.runtimes.remote.remote_places import CopyPlaces, copy_places
from engine.runtimes.remote.remote_system import RemoteSystem, look_at_system
from engine.runtimes.remote.shell_script import machine_name, run_script, text_of
from engine.vocabulary.runtime import Runtime

TARGET = "ggml-rpc-server"
NEEDED_BYTES, NEEDED_BYTES_PER_GPU_BACKEND = 700_000_000, 2_000_000_000
"""Measured for CPU only (source 180 MB, its archive 77 MB, the rest compiled); for a GPU backend an estimate."""
_PLAIN = re.compile(r"(?:ggml-rpc-server|lib[A-Za-z0-9._+-]{1,120})")
_MOST_FILES = 200
_SENT, _UNPACKED, _CONFIGURED, _COMPILED = 0.04, 0.05, 0.07, 0.97
_MINUTE = 60.0
_NICE = ("nice", "-n", "10")
_UNPACK = """\
set -e
rm -rf "$2.new" && mkdir "$2.new"
gzip -dc "$1" | tar -xof - -C "$2.new" ${4:+"$4"}
rm -rf "$2" && mv "$2.new${4:+/$4}" "$2"
rm -rf "$2.new" "$2/.git" && rm -f "$1"
"""
"""Archive, folder to make, unused, the one member to take out of it (or nothing: all)."""
_HAS_SOURCE = 'say source; [ -f "$1/source/CMakeLists.txt" ] && echo yes'
_GATHER = """\
cd "$1" && rm -rf made && mkdir -m 700 made made/bin || return 0
for file in build/bin/TARGET build/bin/lib*; do
    if [ -e "$file" ]; then cp -RP "$file" made/bin/ || return 0; fi
done
say names
for file in made/bin/*; do if [ -f "$file" ] && [ ! -L "$file" ]; then printf '%s\\n' "${file##*/}"; fi; done
say gathered; echo yes"""

FindSource = Callable[[Callable[[int, int], None]], Archive]
"""The pinned source, fetched where it is not here yet; told of (bytes, of how many)."""
FindPrograms = Callable[[RemoteSystem], Archive | str]
"""Our cmake and ninja for such a machine, packed; or why there are none, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInputs:
    """What a build there needs of this machine."""

    source: FindSource
    programs: FindPrograms
    this_cpu_only: bool = False
    """See ``configuration_of``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltThere:
    """What was made."""

    folder: str
    backends: tuple[str, ...]


def build_there(
    shell: RemoteShell,
    starter: ProcessStarter,
    runtime: Runtime,
    data_folder: str,
    inputs: BuildInputs,
    progress: Progress,
    token: CancelToken,
) -> BuiltThere:
    """Build what serves the coordinator's build ``runtime`` into ``<data_folder>/runtimes/<id>``.

    Raises ``RuntimeUnavailable`` (another commit than our source's, no compiler, no cmake, disk full, a compiler error, what
    was built does not start), ``ProcessFailed``, ``MachineUnreachable``, ``RemoteFileProblem``, ``ProbeFailed``,
    ``Cancelled``. Whatever is raised, nothing runs there any more.
    """
    where = machine_name(shell)
    _check_commit(runtime, where)
    progress(None, f"looking at the compilers on {where}")
    work = copy_places(data_folder, "built-there").incoming
    tools = look_for_build_tools(shell, f"{work}/tools", token)
    check_compiler_there(tools, where)
    system = look_at_system(shell, data_folder, token)
    places = copy_places(data_folder, configuration_of(tools, this_cpu_only=inputs.this_cpu_only).build_id)
    if folder_state(shell, places.final, token) == FOREIGN:
        raise RuntimeUnavailable(
            f"On {where} there is already {places.final}, which Crossply did not put there.", advice="Rename or remove it."
        )
    shell.files().make_folder(work)
    with only_one_copies(shell, f"{work}.lock", progress, token) as lock:
        steps = StepRunner(starter, where, lock.keep, token, folder=work)
        build = _Build(shell, lock, steps, work, inputs, progress, token)
        try:
            return build.run(runtime, tools, system)
        except Cancelled:
            progress(None, f"stopped; what is compiled on {where} is kept and the build can go on")
            raise
        except RuntimeUnavailable:
            with suppress(EngineError):  # the disk may be full, and that is what has to be said
                shell.files().write_bytes(f"{work}/build.log", steps.log.encode())
            raise
        except RemoteFileProblem:
            _check_space(look_at_system(shell, data_folder, token), where, 16_000_000)
            raise


class _Build:
    """One attempt. The lock is held."""

    def __init__(
        self,
        shell: RemoteShell,
        lock: CopyLock,
        steps: StepRunner,
        work: str,
        inputs: BuildInputs,
        progress: Progress,
        token: CancelToken,
    ) -> None:
        self._shell, self._lock, self._steps, self._work = shell, lock, steps, work
        self._inputs, self._progress, self._token = inputs, progress, token
        self._where = machine_name(shell)

    def run(self, runtime: Runtime, tools: BuildToolsThere, system: RemoteSystem) -> BuiltThere:
        has_source = self._has_source()
        gpus = (tools.cuda is not None) + (tools.rocm is not None)
        if not has_source:
            _check_space(system, self._where, NEEDED_BYTES + gpus * NEEDED_BYTES_PER_GPU_BACKEND)
        if tools.lacks_programs:
            tools = self._send_programs(system)
        if not has_source:
            self._send_source()
        configuration = configuration_of(tools, this_cpu_only=self._inputs.this_cpu_only)
        build_folder = f"build-{configuration.build_id}"
        self._configure(tools, configuration, build_folder)
        self._compile(tools, build_folder)
        names = self._gather(build_folder)
        backends = self._try_out(configuration, names)
        return self._publish(runtime, configuration, names, backends)

    def _has_source(self) -> bool:
        return text_of(run_script(self._shell, _HAS_SOURCE, (self._work,), timeout_seconds=30.0), "source") == "yes"

    def _send_programs(self, system: RemoteSystem) -> BuildToolsThere:
        programs = self._inputs.programs(system)
        if isinstance(programs, str):
            raise RuntimeUnavailable(
                f"There is no cmake (3.14 or later; 3.24 for GPUs) with ninja or make on {self._where}, and ours cannot be"
                f" used there: {programs}",
                advice="Install them there (Debian, Ubuntu: apt-get install cmake ninja-build).",
            )
        self._send(programs, "cmake and ninja", start=0.0, end=0.01)
        self._unpack(programs, "tools", "")
        tools = look_for_build_tools(self._shell, f"{self._work}/tools", self._token)
        if tools.lacks_programs:
            raise RuntimeUnavailable(
                f"Our cmake and ninja do not run on {self._where}.",
                advice="Install them there (Debian, Ubuntu: apt-get install cmake ninja-build).",
            )
        return tools

    def _send_source(self) -> None:
        def on_bytes(have: int, total: int) -> None:
            self._lock.keep()
            self._progress(None, f"fetching the source here: {have / 1e6:.0f} of {total / 1e6:.0f} MB")

        source = self._inputs.source(on_bytes)
        self._send(source, "the source", start=0.01, end=_SENT)
        top = f"{SOURCE.name.replace('-', '_')}-{SOURCE.version}/vendor/llama.cpp"
        self._progress(_SENT, f"unpacking the source on {self._where}")
        self._unpack(source, "source", top)

    def _send(self, archive: Archive, what: str, *, start: float, end: float) -> None:
        total = archive.size_bytes

        def on_bytes(there: int) -> None:
            self._token.check()
            self._lock.keep()
            fraction = start + (end - start) * there / total
            self._progress(fraction, f"{what}: {there / 1e6:.0f} of {total / 1e6:.0f} MB to {self._where}")

        send_archive(self._shell, archive, self._work, on_bytes, self._token)

    def _unpack(self, archive: Archive, into: str, member: str) -> None:
        argv = ("sh", "-c", _UNPACK, "unpack", f"{self._work}/{archive.path.name}", f"{self._work}/{into}", "", member)
        self._steps.run("tar", argv, deadline_seconds=15 * _MINUTE)

    def _configure(self, tools: BuildToolsThere, configuration: Configuration, build_folder: str) -> None:
        self._progress(_UNPACKED, f"configuring on {self._where}")
        maker = ("-G", "Ninja") if tools.ninja else ("-G", "Unix Makefiles")
        program = f"-DCMAKE_MAKE_PROGRAM={tools.ninja or tools.make}"
        argv = (tools.cmake or "cmake", *maker, "-S", "source", "-B", build_folder, program, *configuration.options)
        environment = (*self._environment(), *configuration.environment)
        self._steps.run("cmake", argv, deadline_seconds=15 * _MINUTE, environment=environment)

    def _compile(self, tools: BuildToolsThere, build_folder: str) -> None:
        counter = StepCounter(self._progress, self._where, _CONFIGURED, _COMPILED)
        maker = tools.ninja or tools.make or "make"
        argv = (*_NICE, maker, "-C", build_folder, f"-j{tools.jobs}", TARGET)
        self._steps.run(
            "the compiler",
            argv,
            deadline_seconds=6 * 60 * _MINUTE,
            environment=self._environment(),
            on_line=counter.hear,
        )

    def _environment(self) -> tuple[tuple[str, str], ...]:
        """English words; no repository around our folder is llama.cpp's; temporary files are in our folder too."""
        return (
            ("LC_ALL", "C"),
            ("NINJA_STATUS", "[%f/%t] "),
            ("CLICOLOR_FORCE", "0"),
            ("GIT_CEILING_DIRECTORIES", self._work),
            ("TMPDIR", self._work),
        )

    def _gather(self, build_folder: str) -> tuple[str, ...]:
        self._progress(_COMPILED, f"checking the programs on {self._where}")
        body = _GATHER.replace("TARGET", TARGET).replace("build/bin", f"{build_folder}/bin")
        said = run_script(self._shell, body, (self._work,), timeout_seconds=2 * _MINUTE, token=self._token)
        names = tuple(text_of(said, "names").split("\n"))
        if text_of(said, "gathered") != "yes" or len(names) > _MOST_FILES or not all(map(_PLAIN.fullmatch, names)):
            raise self._steps.failed("what was compiled could not be gathered, or has odd names.")
        return names

    def _try_out(self, configuration: Configuration, names: tuple[str, ...]) -> tuple[str, ...]:
        said = start_once(self._shell, f"{self._work}/made/bin/{TARGET}", self._token)
        if not has_started(said):
            lines = said.strip().splitlines()
            raise self._steps.failed(f"the rpc-server does not start: {lines[-1][:300] if lines else 'it says nothing'}")
        backends = backends_of(said, names)
        missing = next((name for name in configuration.backends if name not in backends), None)
        if missing:
            raise self._steps.failed(f"its {missing} backend does not load there.")
        return backends

    def _publish(
        self, runtime: Runtime, configuration: Configuration, names: tuple[str, ...], backends: tuple[str, ...]
    ) -> BuiltThere:
        made = f"{self._work}/made"
        now = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = Manifest(
            format=FORMAT,
            programs="bin",
            origin=f"{SOURCE.name} {SOURCE.version} (sdist), built there for {platform.node()}",
            build_number=None,
            commit=COMMIT,
            protocol=str(runtime.protocol) if runtime.protocol else None,
            backends=backends,
            options=configuration.options,
            made_at=now,
            files=self._files(made, names),
        )
        files = self._shell.files()
        files.write_bytes(f"{made}/{COPIED_MARKER}", json.dumps({"from": platform.node(), "at": now}).encode())
        files.write_bytes(f"{made}/{MANIFEST_NAME}", manifest_text(manifest).encode())
        places = self._places(configuration)
        if not publish_folder(self._shell, self._lock, made, places, self._token):
            raise RuntimeUnavailable(
                f"llama.cpp was built on {self._where}, but could not be given its name {places.final}.",
                advice="Build again; if another Crossply does the same, wait for it.",
            )
        files.remove_tree(self._work)
        self._progress(1.0, "ready")
        return BuiltThere(folder=places.final, backends=backends)

    def _files(self, made: str, names: tuple[str, ...]) -> tuple[ManifestFile, ...]:
        """With empty hashes where the machine has no program that computes them: then only the sizes are compared."""
        paths = [f"bin/{name}" for name in names]
        seen = remote_hashes(self._shell, made, paths, self._token)
        hashes = seen.hashes or {}
        return tuple(
            ManifestFile(path=path, size_bytes=seen.sizes.get(path, 0), sha256=hashes.get(path, "")) for path in paths
        )

    def _places(self, configuration: Configuration) -> CopyPlaces:
        return copy_places(posixpath.dirname(posixpath.dirname(self._work)), configuration.build_id)


def _check_commit(runtime: Runtime, where: str) -> None:
    ours = (runtime.commit or "").lower()
    if len(ours) < len(COMMIT) or not ours.startswith(COMMIT):
        raise RuntimeUnavailable(
            f"This machine uses llama.cpp {runtime.label}, and the source that Crossply has is {COMMIT}: what would be built"
            f" on {where} could not work with it.",
            advice="Build llama.cpp here first, with: crossplyctl runtime build.",
        )


def _check_space(system: RemoteSystem, where: str, needed: int) -> None:
    free = system.free_bytes
    if free is not None and free < needed:
        raise RuntimeUnavailable(
            f"Building llama.cpp on {where} takes {needed / 1e9:.1f} GB for a while; there are {free / 1e9:.2f} GB free.",
            advice="Make room there and build again: what is there already is kept.",
        )
