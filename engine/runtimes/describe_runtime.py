"""What a build of llama.cpp is, learnt by running its programs: build, commit, protocol, backends, devices.

llama.cpp's rpc-server has no ``--version`` (an unknown argument prints the usage and exits 0), so the build comes from the
llama-server beside it and the protocol from a HELLO to a server started for a second on the loopback. What was learnt is kept
in ``cache/runtimes.json`` under a fingerprint of the files (name, size, time), because a description costs about a second and
the app must start faster than that.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.errors import ProcessFailed, RuntimeUnavailable
from engine.llama_cpp.device_list import parse_device_list
from engine.runtimes.ask_hello import ask_protocol
from engine.runtimes.find_runtimes import Candidate
from engine.runtimes.manifest import find_damage, parse_protocol
from engine.runtimes.run_program import ProgramOutput, run_to_end
from engine.vocabulary.runtime import Runtime, RuntimeSource

FIRST_BUILD_WITH_RPC = 2885
"""llama.cpp #6829. A smaller number is the count of commits in a shallow clone, not a build number."""

_TIMEOUT_SECONDS = 30.0
_VERSION = re.compile(r"^version: (?:(\d+) \((\w+)\)|.*\(build (\d+), commit (\w+)\))", re.MULTILINE)
"""``version: 6673 (d64c8104)`` (until 2026) and ``version: 0.5.0-dev (build 1, commit 0c1e570)`` (common/arg.cpp)."""
_LOADED = re.compile(r"^load_backend: loaded (\S+) backend", re.MULTILINE)
_LIBRARY = re.compile(r"^(?:lib)?ggml-([a-z]+)")
_BACKEND_OF_LIBRARY = {
    "cpu": "CPU",
    "rpc": "RPC",
    "cuda": "CUDA",
    "hip": "ROCm",
    "musa": "MUSA",
    "vulkan": "Vulkan",
    "sycl": "SYCL",
    "metal": "MTL",
    "blas": "BLAS",
    "cann": "CANN",
    "opencl": "OpenCL",
}


class LearntFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What running the programs said. Plain values, kept in a file."""

    fingerprint: str
    build_number: int | None
    commit: str | None
    protocol: str | None
    backends: tuple[str, ...]
    why_unusable: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionAnswer:
    """What ``llama-server --version`` said."""

    build_number: int | None
    commit: str | None


def parse_version(text: str) -> VersionAnswer:
    """Build and commit out of what ``--version`` printed; ``None`` for what it does not say."""
    match = _VERSION.search(text)
    if match is None:
        return VersionAnswer(build_number=None, commit=None)
    number = int(match[1] or match[3])
    commit = match[2] or match[4]
    return VersionAnswer(
        build_number=number if number >= FIRST_BUILD_WITH_RPC else None, commit=None if commit == "unknown" else commit
    )


def backends_of(text: str, library_names: tuple[str, ...]) -> tuple[str, ...]:
    """Backends, by what the programs said they loaded; a build that loads nothing at run time shows them as libraries."""
    loaded = set(_LOADED.findall(text))
    if not loaded:
        tags = {match[1] for name in library_names if (match := _LIBRARY.match(name))}
        loaded = {_BACKEND_OF_LIBRARY[tag] for tag in tags if tag in _BACKEND_OF_LIBRARY}
        loaded |= {re.sub(r"\d+$", "", name) for name in _device_names(text)}
        if "--rpc" in text:
            loaded.add("RPC")
    return tuple(sorted(loaded))


def has_idle_libraries(programs: Path, facts: LearntFacts) -> bool:
    """Whether a backend lies there that did not load: a driver or a loader is missing today, and may be there tomorrow."""
    tags = {match[1] for path in programs.iterdir() if (match := _LIBRARY.match(path.name))}
    return not {_BACKEND_OF_LIBRARY[tag] for tag in tags if tag in _BACKEND_OF_LIBRARY} <= set(facts.backends)


def _device_names(text: str) -> tuple[str, ...]:
    try:
        return tuple(device.runtime_name for device in parse_device_list(text))
    except RuntimeUnavailable:
        return ()  # a build from before --device: its backends show as libraries, if at all


def fingerprint_of(programs: Path) -> str:
    """Changes whenever a program or a library of the build is replaced."""
    parts = []
    for path in sorted(programs.iterdir()):
        if path.is_file() and ("llama" in path.name or "rpc-server" in path.name or "ggml" in path.name):
            status = path.stat()
            parts.append(f"{path.name}\0{status.st_size}\0{status.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def learn(candidate: Candidate, fingerprint: str) -> LearntFacts:
    """Run the programs. Never raises for a build that cannot be used: that is what ``why_unusable`` says."""
    damage = find_damage(candidate.top, candidate.manifest, hashes=True) if candidate.manifest else None
    if damage:
        return _unusable(fingerprint, f"{damage} Delete {candidate.top} and build or install again.")
    try:
        rpc_help = run_to_end((str(candidate.rpc_server), "--help"), timeout_seconds=_TIMEOUT_SECONDS)
        _check_started(candidate.rpc_server, rpc_help)
        server = candidate.program("llama-server")
        said = _what_llama_server_says(server) if server else ""
        devices = run_to_end(list_argv(candidate.rpc_server), timeout_seconds=_TIMEOUT_SECONDS).text
        protocol = ask_protocol(candidate.rpc_server, has_device_option="--device" in rpc_help.text)
    except ProcessFailed as failed:
        return _unusable(fingerprint, str(failed))
    version = parse_version(said)
    libraries = tuple(path.name for path in candidate.programs.iterdir())
    return LearntFacts(
        fingerprint=fingerprint,
        build_number=version.build_number,
        commit=version.commit,
        protocol=str(protocol) if protocol else None,
        backends=backends_of(said + devices, libraries),
        why_unusable=_why_unusable(candidate, server, said),
    )


def list_argv(rpc_server: str | Path) -> tuple[str, ...]:
    """``-d list``: any device name that does not exist makes rpc-server print those that do, exit 1, and open no port."""
    return (str(rpc_server), "-d", "list")


def make_runtime(candidate: Candidate, facts: LearntFacts) -> Runtime:
    """The runtime, as the rest of the engine knows it."""

    def path_of(name: str) -> str | None:
        found = candidate.program(name)
        return str(found) if found else None

    return Runtime(
        id=runtime_id(candidate),
        folder=str(candidate.programs),
        source=candidate.source,
        rpc_server=str(candidate.rpc_server),
        llama_server=path_of("llama-server"),
        llama_bench=path_of("llama-bench"),
        llama_fit_params=path_of("llama-fit-params"),
        build_number=facts.build_number,
        commit=facts.commit,
        protocol=parse_protocol(facts.protocol),
        backends=facts.backends,
        why_unusable=facts.why_unusable,
    )


def runtime_id(candidate: Candidate) -> str:
    """The folder's name for builds of ours, else a short hash of the path: the same at every start."""
    if candidate.source in (RuntimeSource.BUILT, RuntimeSource.DOWNLOADED, RuntimeSource.PACKAGED):
        return candidate.top.name
    return hashlib.sha256(str(candidate.programs).encode()).hexdigest()[:12]


def _what_llama_server_says(server: Path) -> str:
    """Version, devices and options of llama-server. Raises ``ProcessFailed`` when it cannot run at all."""
    version = run_to_end((str(server), "--version"), timeout_seconds=_TIMEOUT_SECONDS)
    _check_started(server, version)
    devices = run_to_end((str(server), "--list-devices"), timeout_seconds=_TIMEOUT_SECONDS)
    options = run_to_end((str(server), "--help"), timeout_seconds=_TIMEOUT_SECONDS)
    return version.text + devices.text + options.text


def _check_started(program: Path, output: ProgramOutput) -> None:
    """A missing library or another processor shows here: 127 from the loader, a signal, or exit 126."""
    if output.exit_code in (126, 127) or output.exit_code < 0:
        lines = output.text.strip().splitlines()
        reason = lines[-1] if lines else f"exit status {output.exit_code}"
        raise ProcessFailed(f"{program} does not run on this machine: {reason}.")


def _why_unusable(candidate: Candidate, server: Path | None, said: str) -> str | None:
    if server is None:
        return (
            f"There is no llama-server in {candidate.programs}: rpc-servers could be started, but no model loaded."
            " Use a complete build."
        )
    if "--rpc" not in said:
        return f"{server} was built without RPC and cannot use workers. Use a build made with -DGGML_RPC=ON."
    return None


def _unusable(fingerprint: str, why: str) -> LearntFacts:
    return LearntFacts(fingerprint=fingerprint, build_number=None, commit=None, protocol=None, backends=(), why_unusable=why)
