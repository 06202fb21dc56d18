"""From a machine to the workers that it offers: ids, ports, threads, safe memory.

CPU worker first, then the GPUs. A software GPU (llvmpipe) computes in RAM: it and the CPU workers divide the safe RAM equally,
so that nothing is promised twice. Rejected: giving a software GPU what it reports: it reports the whole RAM a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.planning.memory.safe_memory import CUDA_PROCESSES_BYTES, DEFAULT_RESERVE_FRACTION, safe_bytes
from engine.vocabulary.device import Cpu, DeviceKind, Gpu
from engine.vocabulary.machine import Machine, MachineId
from engine.vocabulary.worker import FIRST_RPC_PORT, Exposure, Layout, Link, Speed, WorkerId, WorkerOffer

LOOPBACK = "127.0.0.1"
CPU_DEVICE = "cpu"
CPU_RUNTIME_NAME = "CPU"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How the coordinator reaches a machine's rpc-servers. The default is this very machine."""

    exposure: Exposure = Exposure.LOOPBACK
    address: str = LOOPBACK
    """Where the coordinator connects: its own loopback, or for ``LAN`` the address that the machine binds."""
    first_port: int = FIRST_RPC_PORT
    """On that address; ports count up over the devices."""
    link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineDevice:
    """One device that a machine could offer, before ports are given out."""

    kind: DeviceKind
    device_name: str
    runtime_name: str
    description: str
    total_bytes: int
    used_by_others_bytes: int
    safe_bytes: int
    threads: int | None = None
    speed: Speed | None = None


def worker_id(machine_id: str, device_name: str) -> WorkerId:
    """``<machine>/<friendly device>``."""
    return WorkerId(f"{machine_id}/{device_name}")


def offers_of_machine(
    machine: Machine,
    layout: Layout,
    reserve_fraction: float = DEFAULT_RESERVE_FRACTION,
    *,
    cpu_workers: int = 1,
    left_out: frozenset[WorkerId] = frozenset(),
    reach: Reach = Reach(),
    speeds: Mapping[WorkerId, Speed] | None = None,
) -> tuple[WorkerOffer, ...]:
    """The workers of a machine under a layout, without those that were switched off.

    ``cpu_workers`` above 1 divides the cores and the safe RAM among ``cpu-0``, ``cpu-1``, ...: a way to try a split on one
    machine. Ports count up over all devices, so switching one off does not move the others. Behind a tunnel a worker listens
    on its own machine's loopback from ``FIRST_RPC_PORT`` up, and the coordinator reaches it as ``reach`` says.
    """
    devices = _devices_of(machine, reserve_fraction, max(1, cpu_workers))
    offers = offers_of_devices(
        machine_id=machine.id,
        machine_name=machine.name,
        address=reach.address,
        devices=devices,
        layout=layout,
        first_port=reach.first_port,
        left_out=left_out,
        link=reach.link,
    )
    return tuple(_with_speed(_reached(offer, reach), speeds or {}) for offer in offers)


def offers_of_devices(
    *,
    machine_id: MachineId,
    machine_name: str,
    address: str,
    devices: tuple[MachineDevice, ...],
    layout: Layout,
    first_port: int = FIRST_RPC_PORT,
    left_out: frozenset[WorkerId] = frozenset(),
    link: Link | None = None,
) -> tuple[WorkerOffer, ...]:
    """Give every device its id and its endpoint: a port each, or one port for all of a ``per-machine`` server."""
    numbered = [(device, first_port + (0 if layout is Layout.PER_MACHINE else i)) for i, device in enumerate(devices)]
    wanted = [pair for pair in numbered if worker_id(machine_id, pair[0].device_name) not in left_out]
    if layout is Layout.TRADITIONAL and wanted:
        wanted = [(_traditional(tuple(device for device, _ in wanted)), first_port)]
    return tuple(
        WorkerOffer(
            id=worker_id(machine_id, device.device_name),
            machine_id=machine_id,
            machine_name=machine_name,
            kind=device.kind,
            device_name=device.device_name,
            runtime_name=device.runtime_name,
            description=device.description,
            total_bytes=device.total_bytes,
            used_by_others_bytes=device.used_by_others_bytes,
            safe_bytes=device.safe_bytes,
            endpoint=f"{address}:{port}",
            threads=device.threads,
            speed=device.speed,
            link=link,
        )
        for device, port in wanted
    )


def why_no_offer(gpu: Gpu) -> str | None:
    """Why a GPU cannot be a worker, for people; ``None`` when it can."""
    if gpu.runtime_name is None:
        return gpu.why_no_runtime_name or f"{gpu.name} is not listed by this llama.cpp runtime."
    if gpu.memory_total_bytes is None:
        return gpu.why_no_memory or f"The memory of {gpu.name} is not known, so no part of it can be called safe."
    return None


def _traditional(devices: tuple[MachineDevice, ...]) -> MachineDevice:
    """The GPU with most safe memory, else the CPU; the first wins ties."""
    gpus = [device for device in devices if device.kind is DeviceKind.GPU]
    return max(gpus or devices, key=lambda device: device.safe_bytes)


def _devices_of(machine: Machine, reserve_fraction: float, cpu_workers: int) -> tuple[MachineDevice, ...]:
    """CPU workers, then the GPUs that can be workers. All that computes in RAM gets an equal part of it."""
    cpu = machine.cpu
    usable_gpus = [gpu for gpu in machine.gpus if why_no_offer(gpu) is None]
    ram_parts = cpu_workers + sum(gpu.software for gpu in usable_gpus)
    ram_part = safe_bytes(cpu.ram_total_bytes, cpu.ram_available_bytes, reserve_fraction) // ram_parts
    return (
        *(_cpu_device(cpu, index, cpu_workers, ram_parts, ram_part) for index in range(cpu_workers)),
        *(_gpu_device(gpu, reserve_fraction, ram_part) for gpu in usable_gpus),
    )


def _cpu_device(cpu: Cpu, index: int, count: int, ram_parts: int, ram_part: int) -> MachineDevice:
    return MachineDevice(
        kind=DeviceKind.CPU,
        device_name=CPU_DEVICE if count == 1 else f"{CPU_DEVICE}-{index}",
        runtime_name=CPU_RUNTIME_NAME,
        description=cpu.name,
        total_bytes=cpu.ram_total_bytes // ram_parts,
        used_by_others_bytes=max(0, cpu.ram_total_bytes - cpu.ram_available_bytes) // ram_parts,
        safe_bytes=ram_part,
        threads=_threads(cpu.physical_cores or cpu.logical_cores, count, index),
    )


def _threads(cores: int | None, count: int, index: int) -> int | None:
    """The physical cores dealt out, the first workers get the odd ones; at least one each."""
    if cores is None:
        return None
    return max(1, cores // count + (index < cores % count))


def _gpu_device(gpu: Gpu, reserve_fraction: float, ram_part: int) -> MachineDevice:
    total = gpu.memory_total_bytes or 0
    free = total if gpu.memory_free_bytes is None else gpu.memory_free_bytes
    ours = CUDA_PROCESSES_BYTES if (gpu.runtime_name or "").startswith("CUDA") else 0
    safe = safe_bytes(total, free - ours, reserve_fraction)
    return MachineDevice(
        kind=DeviceKind.GPU,
        device_name=gpu.friendly_name,
        runtime_name=gpu.runtime_name or "",
        description=gpu.name,
        total_bytes=total,
        used_by_others_bytes=max(0, total - free),
        safe_bytes=min(safe, ram_part) if gpu.software else safe,
    )


def _reached(offer: WorkerOffer, reach: Reach) -> WorkerOffer:
    if reach.exposure is not Exposure.TUNNEL:
        return offer if offer.exposure is reach.exposure else replace(offer, exposure=reach.exposure)
    port = FIRST_RPC_PORT + int(offer.endpoint.rpartition(":")[2]) - reach.first_port
    return replace(offer, exposure=reach.exposure, listens_on=f"{LOOPBACK}:{port}")


def _with_speed(offer: WorkerOffer, speeds: Mapping[WorkerId, Speed]) -> WorkerOffer:
    return replace(offer, speed=speeds[offer.id]) if offer.id in speeds else offer
