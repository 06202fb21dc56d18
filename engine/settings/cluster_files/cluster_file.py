"""The cluster file: machines described in TOML, for plans without hardware (``crossplyctl plan MODEL --cluster lab.toml``),
and what the window saves and opens (``lab.crossply.toml``), with what was chosen in a ``[run]`` table (``cluster_run``).

::

    version = 1                    # optional; a file of a newer version is refused
    [[machine]]
    name = "gpu-node"              # required, unique: the id of its workers begins with it
    address = "10.0.0.7"           # optional: only for machines that are really reached; IPv4 or a name
    user = "lab"                   # optional: for ssh
    port = 22                      # optional: the ssh port
    exposure = "10.0.0.7"          # optional: its workers listen on this address of its own; else a tunnel leads to them
    coordinator = false            # optional: llama-server runs here (one machine at most)
    link = { rtt_ms = 0.3, mbit_per_s = 1000 }    # optional, from the coordinator; both keys optional
    cpu  = { total_mb = 12500, safe_mb = 10000, threads = 8, bandwidth_gb_per_s = 40, tflops = 1.0, overhead_ms = 0.5 }
    gpus = [ { device = "cuda:0", name = "RTX 3060", total_mb = 12000, safe_mb = 9600, bandwidth_gb_per_s = 360 } ]

A machine with an address may lack ``cpu`` and ``gpus``: nobody has looked at it yet, so no plan from the file has it.
A device gives ``total_mb``, ``safe_mb`` or both; with one of them safe = 80 % of total (100 % less the reserve). ``cpu`` also
takes ``name``, ``gpus`` also ``tflops`` and ``overhead_ms``. Without ``bandwidth_gb_per_s`` a device's speed is not known.
1 MB is 1,000,000 bytes and 1 GB 1,000,000,000 everywhere in Crossply: as the sentences show it, and the smaller, safer reading
of a data sheet.

Unknown keys are errors, with the nearest known key. Rejected: ignoring them (a misspelt ``safe_mb`` would plan with memory
that is not there), and YAML (a dependency, and ``no`` is a boolean).
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Mapping
from typing import NoReturn

import msgspec

from engine.errors import BadClusterFile, BadInput
from engine.llama_cpp.device_names import runtime_name
from engine.planning.memory.safe_memory import DEFAULT_RESERVE_FRACTION, safe_bytes, total_for_safe
from engine.planning.offers import CPU_DEVICE, CPU_RUNTIME_NAME, MachineDevice, offers_of_devices
from engine.settings.cluster_files.cluster_run import RunEntry, SeatEntry, SplitEntry, check_run
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.machine import MachineId
from engine.vocabulary.worker import FIRST_RPC_PORT, Layout, Link, Speed, WorkerId, WorkerOffer

VERSION = 1
MB = 1_000_000
GB = 1_000_000_000
_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_KEY_OF_PATH = re.compile(r"^\.machine\[(?P<index>\d+)\]\.?(?P<key>.*)$")


class LinkEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``link``: the network from the coordinator to the machine."""

    rtt_ms: float | None = None
    mbit_per_s: float | None = None


class DeviceEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What ``cpu`` and each of ``gpus`` have in common."""

    name: str | None = None
    total_mb: float | None = None
    safe_mb: float | None = None
    bandwidth_gb_per_s: float | None = None
    tflops: float | None = None
    overhead_ms: float | None = None


class CpuEntry(DeviceEntry, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``cpu``."""

    threads: int | None = None


class GpuEntry(DeviceEntry, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of ``gpus``."""

    device: str


class ClusterMachine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One ``[[machine]]``."""

    name: str
    address: str | None = None
    user: str | None = None
    port: int | None = None
    exposure: str | None = None
    coordinator: bool = False
    link: LinkEntry | None = None
    cpu: CpuEntry | None = None
    gpus: tuple[GpuEntry, ...] = ()

    @property
    def id(self) -> MachineId:
        """The name is the id."""
        return MachineId(self.name)


class ClusterFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    version: int = VERSION
    run: RunEntry | None = None
    machine: tuple[ClusterMachine, ...]


_STRUCTS: Mapping[str, type[msgspec.Struct]] = {"link": LinkEntry, "cpu": CpuEntry, "gpus": GpuEntry}


def read_cluster_file(text: str, file_name: str) -> ClusterFile:
    """Everything in a cluster file. Raises ``BadClusterFile`` that names the file, the table and the key."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # tomllib.TOMLDecodeError, and numbers of thousands of digits
        raise BadClusterFile(f"{file_name} is not valid TOML: {error}.") from None
    _refuse_newer(document, file_name)
    _refuse_unknown_keys(document, file_name)
    try:
        file = msgspec.convert(document, ClusterFile)
    except msgspec.ValidationError as error:
        raise _in_words(str(error), document, file_name) from error
    _check(file.machine, file_name)
    if file.run is not None:
        check_run(file.run, file_name)
    return file


def offers_of_cluster(
    machines: tuple[ClusterMachine, ...],
    layout: Layout,
    reserve_fraction: float = DEFAULT_RESERVE_FRACTION,
    *,
    left_out: frozenset[WorkerId] = frozenset(),
    first_port: int = FIRST_RPC_PORT,
) -> tuple[WorkerOffer, ...]:
    """The workers of all machines in the file's order. Endpoints are ``address or name`` and the port that it would have."""
    return tuple(
        offer
        for machine in machines
        for offer in offers_of_devices(
            machine_id=machine.id,
            machine_name=machine.name,
            address=machine.address or machine.name,
            devices=_devices_of(machine, reserve_fraction),
            layout=layout,
            first_port=first_port,
            left_out=left_out,
            link=_link_of(machine),
        )
    )


def coordinator_of_cluster(machines: tuple[ClusterMachine, ...]) -> MachineId | None:
    """The machine that was marked as the coordinator's, if one was."""
    return next((machine.id for machine in machines if machine.coordinator), None)


def _link_of(machine: ClusterMachine) -> Link | None:
    if machine.link is None:
        return None
    rtt, rate = machine.link.rtt_ms, machine.link.mbit_per_s
    return Link(
        rtt_seconds=None if rtt is None else rtt / 1000,
        bytes_per_second=None if rate is None else rate * MB / 8,
    )


def _devices_of(machine: ClusterMachine, reserve_fraction: float) -> tuple[MachineDevice, ...]:
    devices = []
    if machine.cpu is not None:
        devices.append(_device(machine.cpu, DeviceKind.CPU, CPU_DEVICE, CPU_RUNTIME_NAME, reserve_fraction))
    devices += [_device(gpu, DeviceKind.GPU, gpu.device, runtime_name(gpu.device), reserve_fraction) for gpu in machine.gpus]
    return tuple(devices)


def _device(entry: DeviceEntry, kind: DeviceKind, device: str, runtime: str, reserve_fraction: float) -> MachineDevice:
    total = None if entry.total_mb is None else round(entry.total_mb * MB)
    safe = None if entry.safe_mb is None else round(entry.safe_mb * MB)
    if safe is None:
        safe = safe_bytes(total or 0, total or 0, reserve_fraction)
    return MachineDevice(
        kind=kind,
        device_name=device,
        runtime_name=runtime,
        description=entry.name or device,
        total_bytes=total_for_safe(safe, reserve_fraction) if total is None else total,
        used_by_others_bytes=0,
        safe_bytes=safe,
        threads=entry.threads if isinstance(entry, CpuEntry) else None,
        speed=_speed(entry),
    )


def _speed(entry: DeviceEntry) -> Speed | None:
    if entry.bandwidth_gb_per_s is None:
        return None
    flops = None if entry.tflops is None else entry.tflops * 1e12
    read = entry.bandwidth_gb_per_s * GB
    if entry.overhead_ms is None:
        return Speed(read_bytes_per_second=read, compute_flops_per_second=flops)
    return Speed(read_bytes_per_second=read, compute_flops_per_second=flops, overhead_seconds=entry.overhead_ms / 1000)


def _refuse_newer(document: Mapping[str, object], file_name: str) -> None:
    """Before anything else: a newer file may have keys that mean something to a newer Crossply."""
    version = document.get("version", VERSION)
    if isinstance(version, int) and version > VERSION:
        raise BadClusterFile(
            f"{file_name} was written by a newer Crossply (version {version} of the file).", advice="Open it with that one."
        )


def _refuse_unknown_keys(document: Mapping[str, object], file_name: str) -> None:
    _refuse_unknown(document, ClusterFile.__struct_fields__, f"{file_name}:")
    _refuse_unknown_in_run(document.get("run"), f"{file_name}:")
    entries = document.get("machine", ())
    for index, machine in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(machine, dict):
            continue
        where = f"{file_name}, {_machine_in_words(document, index)}:"
        _refuse_unknown(machine, ClusterMachine.__struct_fields__, where)
        for key, struct in _STRUCTS.items():
            parts = machine.get(key, ())
            for part in parts if isinstance(parts, list) else (parts,):
                if isinstance(part, dict):
                    _refuse_unknown(part, struct.__struct_fields__, where, inside=f" in {key}")


def _refuse_unknown_in_run(run: object, where: str) -> None:
    if not isinstance(run, dict):
        return
    _refuse_unknown(run, RunEntry.__struct_fields__, where, inside=" in run")
    split = run.get("split")
    if not isinstance(split, dict):
        return
    _refuse_unknown(split, SplitEntry.__struct_fields__, where, inside=" in run.split")
    seats = split.get("seats", ())
    for seat in seats if isinstance(seats, list) else ():
        if isinstance(seat, dict):
            _refuse_unknown(seat, SeatEntry.__struct_fields__, where, inside=" in run.split.seats")


def _refuse_unknown(table: Mapping[str, object], known: tuple[str, ...], where: str, *, inside: str = "") -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            advice = f"Did you mean {near[0]!r}?" if near else f"Known keys: {', '.join(sorted(known))}."
            raise BadClusterFile(f"{where} unknown key {key!r}{inside}.", advice=advice)


def _machine_in_words(document: Mapping[str, object], index: int) -> str:
    entries = document.get("machine", ())
    entry = entries[index] if isinstance(entries, list) and index < len(entries) else None
    name = entry.get("name") if isinstance(entry, dict) else None
    return f"machine {name!r}" if isinstance(name, str) else f"machine number {index + 1}"


def _in_words(message: str, document: Mapping[str, object], file_name: str) -> BadClusterFile:
    """msgspec says ``Expected `float`, got `str` - at `$.machine[0].cpu.total_mb```: name the machine and the key."""
    found = _PATH.search(message)
    path = found["path"] if found else ""
    what = message[: found.start()] if found else message
    what = what.replace("`", "").replace("Object", "it").replace("Expected", "expected")
    place = _KEY_OF_PATH.match(path)
    if place is None:
        key = path.lstrip(".")
        return BadClusterFile(
            f"{file_name}: {key + ': ' if key else ''}{what}.", advice="A cluster file has one [[machine]] table per machine."
        )
    key = place["key"]
    return BadClusterFile(
        f"{file_name}, {_machine_in_words(document, int(place['index']))}: {key + ': ' if key else ''}{what}."
    )


def _check(machines: tuple[ClusterMachine, ...], file_name: str) -> None:
    if not machines:
        raise BadClusterFile(f"{file_name} describes no machine.", advice="Add a [[machine]] table.")
    seen: set[str] = set()
    for machine in machines:
        where = f"{file_name}, machine {machine.name!r}:"
        if not machine.name.strip() or "/" in machine.name:
            raise BadClusterFile(f"{where} a name must not be empty and must not contain a slash.")
        if machine.name in seen:
            raise BadClusterFile(f"{where} there are two machines of this name.", advice="Give each its own name.")
        seen.add(machine.name)
        _check_machine(machine, where)
    if sum(machine.coordinator for machine in machines) > 1:
        raise BadClusterFile(f"{file_name}: more than one machine is marked as coordinator.", advice="Mark one at most.")


def _check_machine(machine: ClusterMachine, where: str) -> None:
    if machine.cpu is None and not machine.gpus and machine.address is None and not machine.coordinator:
        raise BadClusterFile(f"{where} it has neither cpu nor gpus.", advice="Describe at least one device.")
    if machine.exposure is not None and not _is_one_address(machine.exposure):
        raise BadClusterFile(
            f"{where} exposure {machine.exposure!r} is no IPv4 address.", advice="Give one address of its own."
        )
    if machine.port is not None and not 0 < machine.port < 65536:
        raise BadClusterFile(f"{where} port {machine.port} is not between 1 and 65535.")
    if machine.link is not None:
        _refuse_negative(machine.link, where, "link", may_be_zero=("rtt_ms",))
    if machine.cpu is not None:
        _check_device(machine.cpu, where, "cpu")
    devices: set[str] = set()
    for gpu in machine.gpus:
        _check_device(gpu, where, f"gpus ({gpu.device})")
        _check_gpu_name(gpu, where, devices)


def _is_one_address(text: str) -> bool:
    """Of this one machine: not 0.0.0.0, which is every network that it is in."""
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_loopback or address.is_multicast)


def _check_gpu_name(gpu: GpuEntry, where: str, seen: set[str]) -> None:
    try:
        name = runtime_name(gpu.device)
    except BadInput as error:
        raise BadClusterFile(f"{where} {error.happened}", advice=error.advice) from error
    if name == CPU_RUNTIME_NAME:
        raise BadClusterFile(f"{where} gpus has a device {gpu.device!r}.", advice="Describe the processor under cpu.")
    if gpu.device in seen:
        raise BadClusterFile(f"{where} there are two GPUs called {gpu.device!r}.", advice="Number them: cuda:0, cuda:1.")
    seen.add(gpu.device)


def _check_device(entry: DeviceEntry, where: str, key: str) -> None:
    if entry.total_mb is None and entry.safe_mb is None:
        raise BadClusterFile(
            f"{where} {key} has neither total_mb nor safe_mb.", advice="Give one of them: safe = 80% of total."
        )
    if entry.tflops is not None and entry.bandwidth_gb_per_s is None:
        raise BadClusterFile(f"{where} {key} has tflops without bandwidth_gb_per_s.", advice="Give both, or neither.")
    _refuse_negative(entry, where, key, may_be_zero=("overhead_ms", "safe_mb"))
    if entry.total_mb is not None and entry.safe_mb is not None and entry.safe_mb > entry.total_mb:
        _refuse(f"{where} {key} has safe_mb = {entry.safe_mb:g} above total_mb = {entry.total_mb:g}.")


def _refuse_negative(entry: msgspec.Struct, where: str, key: str, *, may_be_zero: tuple[str, ...]) -> None:
    for name in entry.__struct_fields__:
        value = getattr(entry, name)
        if not isinstance(value, int | float):
            continue
        if not value < float("inf") or value < 0 or (value == 0 and name not in may_be_zero):
            _refuse(f"{where} {key}.{name} = {value:g} is not possible.")


def _refuse(happened: str) -> NoReturn:
    raise BadClusterFile(happened, advice="Correct the number.")
