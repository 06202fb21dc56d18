"""The machine Crossply runs on. Implements ``ports.MachineProbe``.

Ground truth for GPUs is what the runtime lists; vendors' libraries and the kernel add names, live memory and load, and say why
there is nothing. A container's limits lower the RAM and the cores: what the whole machine has is no use to us.
"""

from __future__ import annotations

import math
import platform
import sys
import time

from engine.machines.file_trees import DiskFiles
from engine.machines.gpus.match_gpus import match_gpus
from engine.machines.gpus.nvidia import NvidiaGpus
from engine.machines.gpus.sysfs_gpus import SysfsGpus
from engine.machines.gpus.vendor_gpu import VendorAnswer, VendorGpu
from engine.machines.limits.cgroup_limits import CgroupLimits, read_cgroup_limits
from engine.machines.load_sampler import LoadSampler
from engine.machines.os_name import read_os_name
from engine.machines.processors.cpu_of_system import CpuOfSystem, read_cpu_of_system
from engine.machines.system_facts import SystemFacts, read_processor_times, read_ram_available_bytes, read_system_facts
from engine.machines.system_id import read_system_id
from engine.vocabulary.device import Cpu, RuntimeDevice
from engine.vocabulary.machine import THIS_MACHINE, Machine, MachineLoad


class ThisMachine:
    """Looks at this machine, from any thread."""

    def __init__(self, *, nvidia: NvidiaGpus | None = None, sysfs: SysfsGpus | None = None) -> None:
        self._nvidia = nvidia or NvidiaGpus()
        self._sysfs = sysfs or SysfsGpus()
        self._had_gpu = False
        self._sampler = LoadSampler(
            now_seconds=time.monotonic,
            processor_times=read_processor_times,
            ram_available_bytes=_ram_available_bytes,
            vendor_gpus=self._vendor_gpus,
        )

    def look(self, devices: tuple[RuntimeDevice, ...] | None) -> Machine:
        """Everything about it. ``devices`` is what the runtime lists (``None`` = there is no runtime yet)."""
        answers = self._ask_vendors()
        vendor_gpus = [gpu for answer in answers for gpu in answer.gpus]
        gpus = match_gpus(vendor_gpus, devices)
        self._had_gpu = bool(vendor_gpus)
        return Machine(
            id=THIS_MACHINE,
            name=platform.node() or "this machine",
            os_name=read_os_name(),
            architecture=platform.machine(),
            cpu=cpu_within(read_cpu_of_system(), read_system_facts(), read_cgroup_limits()),
            gpus=gpus,
            why_no_gpu=None if gpus else why_no_gpu(answers, devices),
            system_id=read_system_id(DiskFiles()),
        )

    def load(self, machine: Machine) -> MachineLoad:
        """One sample of what it is doing now; the first has no CPU load."""
        return self._sampler.sample(machine)

    def close(self) -> None:
        """Let go of the vendors' libraries."""
        self._nvidia.close()

    def _ask_vendors(self) -> tuple[VendorAnswer, ...]:
        if sys.platform == "darwin":
            return (VendorAnswer(why_none="macOS tells about GPUs through llama.cpp's Metal only"),)
        elif sys.platform == "win32":  # noqa: RET505 - without it mypy calls the rest unreachable there
            return (self._nvidia.look(),)
        else:
            return (self._nvidia.look(), self._sysfs.look())

    def _vendor_gpus(self) -> list[VendorGpu]:
        """For the samples; without a GPU at the last look, libraries that are not there are not searched every second."""
        return [gpu for answer in self._ask_vendors() for gpu in answer.gpus] if self._had_gpu else []


def cpu_within(processor: CpuOfSystem, facts: SystemFacts, limits: CgroupLimits) -> Cpu:
    """The processor as far as it is ours: RAM under the container's limit, cores under affinity and quota. Pure."""
    usable = [cores for cores in (facts.logical_cores, facts.usable_logical_cores) if cores]
    if limits.cpu_quota_cores is not None:
        usable.append(max(1, math.ceil(limits.cpu_quota_cores)))
    logical = min(usable, default=None)
    physical = facts.physical_cores
    total = min(facts.ram_total_bytes, limits.memory_limit_bytes or facts.ram_total_bytes)
    return Cpu(
        name=processor.name,
        physical_cores=min(physical, logical) if physical and logical else physical,
        logical_cores=logical,
        ram_total_bytes=total,
        ram_available_bytes=min(total, _within(facts.ram_available_bytes, limits)),
        instruction_sets=processor.instruction_sets,
    )


def why_no_gpu(answers: tuple[VendorAnswer, ...], devices: tuple[RuntimeDevice, ...] | None) -> str:
    """One sentence that lists what was looked at."""
    reasons = [answer.why_none for answer in answers if answer.why_none]
    runtime = "there are no llama.cpp programs yet to ask" if devices is None else "llama.cpp lists none"
    return f"No GPU was found: {', '.join(reasons)}, and {runtime}."


def _ram_available_bytes() -> int:
    return _within(read_ram_available_bytes(), read_cgroup_limits())


def _within(available_bytes: int, limits: CgroupLimits) -> int:
    room = limits.memory_available_bytes
    return available_bytes if room is None else min(available_bytes, room)
