"""A machine: one physical node, with its CPU, its GPUs and its link to the coordinator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from engine.vocabulary.device import Cpu, Gpu

MachineId = NewType("MachineId", str)

THIS_MACHINE = MachineId("this-machine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was found on one machine."""

    id: MachineId
    name: str
    """Host name, for people."""
    os_name: str
    """For example ``Debian GNU/Linux 12``."""
    architecture: str
    """``x86_64``, ``aarch64``, ``arm64``."""
    cpu: Cpu
    gpus: tuple[Gpu, ...] = ()
    why_no_gpu: str | None = None
    """Set when ``gpus`` is empty: one sentence for people."""
    address: str | None = None
    """``None`` for the machine Crossply runs on."""
    system_id: str | None = None
    """What the system calls its installation (``/etc/machine-id``), to recognise a machine that was found twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineLoad:
    """One sample of what a machine is doing now. Fractions are 0..1; ``None`` = not known."""

    machine_id: MachineId
    taken_at_seconds: float
    """Seconds of a monotonic clock."""
    cpu_busy_fraction: float | None
    ram_available_bytes: int | None
    gpu_busy_fractions: tuple[float | None, ...] = ()
    gpu_free_bytes: tuple[int | None, ...] = ()
    gpu_temperatures_celsius: tuple[float | None, ...] = ()
    cpu_temperature_celsius: float | None = None
    network_received_bytes_per_second: float | None = None
    network_sent_bytes_per_second: float | None = None
