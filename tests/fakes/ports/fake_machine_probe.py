"""A ``MachineProbe`` of a made-up machine."""

from __future__ import annotations

from dataclasses import replace

from engine.machines.gpus.match_gpus import match_gpus
from engine.machines.gpus.vendor_gpu import VendorGpu
from engine.vocabulary.device import Cpu, RuntimeDevice
from engine.vocabulary.machine import THIS_MACHINE, Machine, MachineLoad

GIB = 1 << 30


class FakeMachineProbe:
    """``looks`` holds what each look was given. Change ``cpu`` or ``vendor_gpus`` between looks to change the machine."""

    def __init__(self, *, ram_bytes: int = 32 * GIB, cores: int = 8, vendor_gpus: tuple[VendorGpu, ...] = ()) -> None:
        self.cpu = Cpu(
            name="Fake CPU",
            physical_cores=cores,
            logical_cores=2 * cores,
            ram_total_bytes=ram_bytes,
            ram_available_bytes=ram_bytes,
            instruction_sets=("avx2",),
        )
        self.vendor_gpus = vendor_gpus
        self.looks: list[tuple[RuntimeDevice, ...] | None] = []
        self.samples = 0

    def look(self, devices: tuple[RuntimeDevice, ...] | None) -> Machine:
        self.looks.append(devices)
        gpus = match_gpus(self.vendor_gpus, devices)
        return Machine(
            id=THIS_MACHINE,
            name="fake",
            os_name="Fake OS 1",
            architecture="x86_64",
            cpu=self.cpu,
            gpus=gpus,
            why_no_gpu=None if gpus else "No GPU was found: this machine is made up.",
        )

    def take_ram(self, used_bytes: int) -> None:
        """Somebody uses so much RAM now."""
        self.cpu = replace(self.cpu, ram_available_bytes=self.cpu.ram_total_bytes - used_bytes)

    def load(self, machine: Machine) -> MachineLoad:
        self.samples += 1
        return MachineLoad(
            machine_id=machine.id,
            taken_at_seconds=float(self.samples),
            cpu_busy_fraction=None if self.samples == 1 else 0.5,
            ram_available_bytes=self.cpu.ram_available_bytes,
            gpu_busy_fractions=tuple(0.25 for _ in machine.gpus),
            gpu_free_bytes=tuple(gpu.memory_free_bytes for gpu in machine.gpus),
        )
