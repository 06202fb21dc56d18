"""Which builds of llama.cpp are on a remote machine, what they are and whether they may work with the coordinator's build.

What the machine says is taken apart strictly: it is bounded, its control characters are gone, paths must be absolute, and a
build of ours whose files do not have the sizes of its manifest is called damaged. The protocol is only known from a manifest:
the HELLO to the worker that is started later is the check. Rejected: starting a server there for a HELLO at every look (it
would open a port on somebody's machine to learn what the commit already says).
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from dataclasses import dataclass

from engine.cluster.matching import why_not_together
from engine.errors import ProbeFailed, RuntimeUnavailable
from engine.llama_cpp.device_list import parse_device_list
from engine.llama_cpp.dialects import dialect_of
from engine.ports import CancelToken
from engine.remote_ports import RemoteShell
from engine.runtimes.describe_runtime import backends_of, parse_version
from engine.runtimes.manifest import MANIFEST_NAME, Manifest, parse_manifest
from engine.runtimes.remote.copying.shipment import build_id
from engine.runtimes.remote.find_script import LONGEST_SECONDS, MOST_BUILDS, OWN, PACKAGED, PATH, PROGRAMS, USUAL, find_script
from engine.runtimes.remote.remote_places import checked_folder
from engine.runtimes.remote.shell_script import Section, machine_name, run_script
from engine.vocabulary.device import RuntimeDevice
from engine.vocabulary.remote import RemoteRuntime
from engine.vocabulary.runtime import Runtime, RuntimeSource

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")
_LISTED = re.compile(
    r"^(?P<kind>[-l])\S+\s+\d+\s+\d+\s+\d+\s+(?P<size>\d{1,15})\s+\S+\s+\S+\s+\S+\s+(?P<name>\S+)", re.MULTILINE
)
_VENDORS_OWN = ("CUDA", "ROCm")
_MOST_BUILD_NUMBER = 10_000_000
_MOST_BACKENDS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """One build as the machine told it, checked for form."""

    kind: str
    top: str
    folder: str
    program: str
    beside: frozenset[str]
    manifest_text: str
    copied: bool
    sizes: dict[str, int]
    """Name of a file or a link (0) in ``folder`` -> size."""
    version: str
    help: str
    devices: str

    @property
    def rpc_server(self) -> str:
        return f"{self.folder}/{self.program}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What it is."""

    build_number: int | None
    commit: str | None
    manifest: Manifest | None
    why_unusable: str | None


def find_remote_runtimes(
    shell: RemoteShell, data_folder: str, coordinator: Runtime | None, token: CancelToken
) -> tuple[RemoteRuntime, ...]:
    """Every build there, at most 8: first those that may work with ``coordinator``, of these first what reaches a card by its
    vendor's own backend (a build made there, where ours has only CPU and Vulkan), then ours before others; then the rest.

    Raises ``ProbeFailed`` (what it told makes no sense), ``MachineUnreachable``, ``Cancelled``.
    """
    first = build_id(coordinator) if coordinator else ""
    arguments = (checked_folder(data_folder), first if _WORD.fullmatch(first) else "")
    sections = run_script(shell, find_script(), arguments, timeout_seconds=LONGEST_SECONDS, token=token)
    where = machine_name(shell)
    found = [_remote_runtime(told, coordinator, where) for told in _told(sections, where)]
    return tuple(sorted(found, key=_rank))


def _rank(runtime: RemoteRuntime) -> tuple[bool, bool]:
    reaches_card = any(device.runtime_name.startswith(_VENDORS_OWN) for device in runtime.devices)
    return runtime.why_not_with_coordinator is not None, not reaches_card


def _told(sections: tuple[Section, ...], where: str) -> list[_Told]:
    builds: list[dict[str, str]] = []
    for section in sections:
        if section.key == "kind":
            builds.append({})
        if builds and section.key not in builds[-1]:
            builds[-1][section.key] = section.text
    try:
        if not sections or sections[-1].key != "looked" or len(builds) > MOST_BUILDS:
            raise ValueError
        return [_one_told(build) for build in builds]
    except (KeyError, ValueError, ProbeFailed):
        raise ProbeFailed(
            f"{where} told nothing sensible about its llama.cpp programs.", advice="Look at the machine again."
        ) from None


def _one_told(build: dict[str, str]) -> _Told:
    """Raises ``KeyError``, ``ValueError`` or ``ProbeFailed`` when it is not what the script tells."""
    if build["kind"] not in (OWN, PACKAGED, PATH, USUAL) or "told" not in build or not _WORD.fullmatch(build["program"]):
        raise ValueError
    return _Told(
        kind=build["kind"],
        top=checked_folder(posixpath.normpath(build["top"])),
        folder=checked_folder(build["folder"]),
        program=build["program"],
        beside=frozenset(build["beside"].split()) & frozenset(PROGRAMS),
        manifest_text=build["manifest"],
        copied=build["marker"] == "yes",
        sizes={match["name"]: int(match["size"]) * (match["kind"] == "-") for match in _LISTED.finditer(build["files"])},
        version=build["version"],
        help=build["help"],
        devices=build["devices"],
    )


def _remote_runtime(told: _Told, coordinator: Runtime | None, where: str) -> RemoteRuntime:
    known = _identify(told)
    devices, why_no_devices = _devices(told)
    why_unusable = known.why_unusable or _why_help_is_unknown(told, where) or why_no_devices
    runtime = Runtime(
        id=posixpath.basename(told.top)
        if told.kind in (OWN, PACKAGED)
        else hashlib.sha256(told.folder.encode()).hexdigest()[:12],
        folder=told.folder,
        source=_source(told, known.manifest),
        rpc_server=told.rpc_server,
        llama_server=_beside(told, "llama-server"),
        llama_bench=_beside(told, "llama-bench"),
        llama_fit_params=_beside(told, "llama-fit-params"),
        build_number=known.build_number,
        commit=known.commit,
        protocol=known.manifest.protocol_version if known.manifest else None,
        backends=_words(known.manifest.backends if known.manifest else backends_of(told.devices, tuple(told.sizes))),
        why_unusable=why_unusable,
    )
    why_not = why_unusable or (why_not_together(coordinator, runtime, where=where) if coordinator else None)
    return RemoteRuntime(runtime=runtime, devices=devices, help_text=told.help, why_not_with_coordinator=why_not)


def _identify(told: _Told) -> _Known:
    if not told.manifest_text:
        version = parse_version(told.version)
        return _Known(
            build_number=_number(version.build_number), commit=_word(version.commit), manifest=None, why_unusable=None
        )
    try:
        manifest = parse_manifest(told.manifest_text.encode(), f"{told.top}/{MANIFEST_NAME}", told.top)
    except RuntimeUnavailable as error:
        return _Known(build_number=None, commit=None, manifest=None, why_unusable=str(error)[:500])
    return _Known(
        build_number=_number(manifest.build_number),
        commit=_word(manifest.commit),
        manifest=manifest,
        why_unusable=_damage(told, manifest),
    )


def _damage(told: _Told, manifest: Manifest) -> str | None:
    """By size, and only of the files in the programs' folder: the hashes were compared when the build was copied or made."""
    relative = posixpath.relpath(told.folder, told.top)
    for entry in manifest.files:
        folder, name = posixpath.split(entry.path)
        if (
            (folder or ".") == relative
            and ("ggml" in name or name == told.program)
            and told.sizes.get(name) != entry.size_bytes
        ):
            return f"{told.folder}/{name} is missing or damaged. Copy this machine's build there again."
    return None


def _devices(told: _Told) -> tuple[tuple[RuntimeDevice, ...], str | None]:
    try:
        return parse_device_list(told.devices), None
    except RuntimeUnavailable as error:
        return (), str(error)


def _why_help_is_unknown(told: _Told, where: str) -> str | None:
    try:
        dialect_of(told.help)
    except RuntimeUnavailable:
        lines = told.help.strip().splitlines()
        reason = lines[-1][:300] if lines else "it printed nothing"
        return f"{told.rpc_server} does not run on {where}: {reason.removesuffix('.')}."
    return None


def _source(told: _Told, manifest: Manifest | None) -> RuntimeSource:
    if told.kind == PACKAGED:
        return RuntimeSource.PACKAGED
    if told.kind != OWN:
        return RuntimeSource.ON_PATH if told.kind == PATH else RuntimeSource.BUILD_FOLDER
    if told.copied:
        return RuntimeSource.COPIED
    return RuntimeSource.BUILT if manifest and manifest.options else RuntimeSource.DOWNLOADED


def _beside(told: _Told, name: str) -> str | None:
    return f"{told.folder}/{name}" if name in told.beside else None


def _word(text: str | None) -> str | None:
    return text if text and _WORD.fullmatch(text) else None


def _words(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names[:_MOST_BACKENDS] if _WORD.fullmatch(name))


def _number(value: int | None) -> int | None:
    return value if value is not None and 0 < value < _MOST_BUILD_NUMBER else None
