"""A worker: one device offered to the cluster; and how the workers of a machine are served."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NewType

from engine.vocabulary.device import DeviceKind
from engine.vocabulary.machine import MachineId

WorkerId = NewType("WorkerId", str)
"""``<machine>/<friendly device>``, for example ``gpu-node/cuda:0`` or ``this-machine/cpu``."""

FIRST_RPC_PORT = 50052


class Layout(StrEnum):
    """How the devices of a machine become rpc-server processes."""

    PER_DEVICE = "per-device"
    """One rpc-server per device. The default: one process computes one graph at a time, so its devices never overlap."""
    PER_MACHINE = "per-machine"
    """One rpc-server with all devices of a machine: one connection per machine, no overlap inside it."""
    TRADITIONAL = "traditional"
    """One worker per machine: its largest GPU if there is one, else its CPU."""


class Exposure(StrEnum):
    """Who can reach the worker's port, if it has one."""

    LOOPBACK = "this machine only"
    """On the coordinator's machine, bound to 127.0.0.1."""
    TUNNEL = "loopback + SSH tunnel"
    LAN = "open on the network"
    """Bound to one named address. Whoever reaches the port owns the account (CVE-2026-34159, llama.cpp #25289)."""
    NATIVE = "in llama-server itself"
    """A device of the coordinator's machine that llama-server uses without an rpc-server: no process, no port, no tunnel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The network between the coordinator and a machine. ``None`` fields are not known."""

    rtt_seconds: float | None = None
    bytes_per_second: float | None = None
    """From the coordinator to the machine."""
    receive_bytes_per_second: float | None = None
    """From the machine to the coordinator; ``None`` = as the other way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast a device is, effectively (what llama.cpp reaches, not what the data sheet says)."""

    read_bytes_per_second: float
    """Weights read per second in decode."""
    compute_flops_per_second: float | None = None
    """For prefill; ``None`` = not known."""
    overhead_seconds: float = 0.0005
    """Charge for using the device once per graph. 0.4-0.7 ms was measured for a loopback rpc-server."""
    measured: bool = False
    """True when it came from a run on this very device, False when a person or a data sheet said so."""
    read_bytes_per_second_by_type: tuple[tuple[str, float], ...] = ()
    """As ``read_bytes_per_second``, by ggml type (``q4_K``), dequantisation included; for other types that figure holds."""
    kv_bytes_per_second: float | None = None
    """KV cache read per second in decode; ``None`` = as weights."""
    compute_by_ubatch: tuple[tuple[int, float], ...] = ()
    """``(tokens of a micro-batch, flops per second)``, ascending; empty = ``compute_flops_per_second`` for all sizes."""
    layer_overhead_seconds: float = 0.0
    """Charge for every layer in decode beside its bytes: starting its two or three dozen operations."""
    busy_fraction: float | None = None
    """How busy the device was with other work when this was measured; ``None`` = not measured, or not known."""
    source: str = ""
    """For people: ``measured 2026-11-24 with build 0c1e570``, ``published: 1,008 GB/s``; empty where ``measured`` says all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOffer:
    """What the planner may use: one device, with the memory that is safe to take."""

    id: WorkerId
    machine_id: MachineId
    machine_name: str
    kind: DeviceKind
    device_name: str
    """Friendly: ``cpu``, ``cuda:0``."""
    runtime_name: str
    """For ``--device``: ``CPU``, ``CUDA0``."""
    description: str
    """For people: the processor's or card's name."""
    total_bytes: int
    used_by_others_bytes: int
    """Taken now by programs that are not ours."""
    safe_bytes: int
    endpoint: str
    """``address:port`` where the coordinator reaches the rpc-server that offers it; workers of one ``per-machine`` server
    share it. Of a remote machine behind a tunnel it is ``<machine>:<port>`` until a launch has found free ports. Empty where
    llama-server uses the device itself."""
    exposure: Exposure = Exposure.LOOPBACK
    listens_on: str | None = None
    """``address:port`` that the rpc-server binds on its own machine; ``None`` = the endpoint (no tunnel between)."""
    threads: int | None = None
    """CPU workers only: ``-t``."""
    speed: Speed | None = None
    link: Link | None = None
    """``None`` = on the coordinator's machine (loopback)."""

    @property
    def is_native(self) -> bool:
        """Whether llama-server uses the device itself, without an rpc-server."""
        return self.exposure is Exposure.NATIVE

    @property
    def speed_id(self) -> WorkerId:
        """Under which its speed is known: the same device is another worker in this when llama-server uses it itself."""
        return WorkerId(f"{self.id} {self.exposure.value}") if self.is_native else self.id


def native(offer: WorkerOffer, speed: Speed | None) -> WorkerOffer:
    """The same device, used by llama-server itself; ``speed`` is what it is then."""
    return replace(offer, endpoint="", listens_on=None, exposure=Exposure.NATIVE, link=None, speed=speed)


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcServerSpec:
    """One rpc-server process to be started: the devices it offers and where it listens."""

    machine_id: MachineId
    machine_name: str
    endpoint: str
    worker_ids: tuple[WorkerId, ...]
    """In the order of ``--device``: the order in which the coordinator will number them."""
    runtime_names: tuple[str, ...]
    threads: int | None
    memory_limit_bytes: tuple[int, ...]
    """Per device, what the plan may use there at most; passed as ``--mem`` where the dialect has it."""
    exposure: Exposure = Exposure.LOOPBACK
    listens_on: str | None = None
    """What it binds on its own machine; ``None`` = the endpoint."""

    @property
    def title(self) -> str:
        """For people: ``rpc-server for CUDA0``. Workers that share one CPU are told apart: ``rpc-server for CPU-1``."""
        devices = (id_.rpartition("/")[2] for id_ in self.worker_ids)
        pairs = zip(devices, self.runtime_names, strict=True)
        return f"rpc-server for {', '.join(device.upper() if device.startswith('cpu-') else name for device, name in pairs)}"

    @property
    def host(self) -> str:
        """Address part of the endpoint: where the coordinator reaches it."""
        return self.endpoint.rpartition(":")[0]

    @property
    def port(self) -> int:
        """Port part of the endpoint."""
        return int(self.endpoint.rpartition(":")[2])

    @property
    def bind_host(self) -> str:
        """The address that it binds on its own machine."""
        return (self.listens_on or self.endpoint).rpartition(":")[0]

    @property
    def bind_port(self) -> int:
        """The port that it binds on its own machine."""
        return int((self.listens_on or self.endpoint).rpartition(":")[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheBeforeLoad:
    """The folder in which a machine's workers keep weights, as a load is about to begin."""

    free_bytes: int | None = None
    """Free on its disk; ``None`` = not known."""
    why_not: str | None = None
    """Why it must not be used this time, as the end of a sentence."""
