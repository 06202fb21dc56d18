from __future__ import annotations

from pathlib import Path

import pynvml

from engine.machines.gpus.nvidia import NvidiaGpus
from engine.machines.gpus.sysfs_gpus import SysfsGpus
from engine.machines.gpus.vendor_gpu import VendorAnswer
from engine.machines.limits.cgroup_limits import CgroupLimits
from engine.machines.processors.cpu_of_system import CpuOfSystem
from engine.machines.system_facts import SystemFacts
from engine.machines.this_machine import ThisMachine, cpu_within, why_no_gpu
from engine.vocabulary.device import RuntimeDevice
from tests.fakes.ports.fake_nvml import MIB, FakeNvidiaGpu, FakeNvml

GIB = 1 << 30
PROCESSOR = CpuOfSystem(name="A Processor", instruction_sets=("avx2",))
BIG = SystemFacts(
    physical_cores=32,
    logical_cores=64,
    usable_logical_cores=64,
    ram_total_bytes=256 * GIB,
    ram_available_bytes=200 * GIB,
)


def test_a_whole_machine() -> None:
    cpu = cpu_within(PROCESSOR, BIG, CgroupLimits())
    assert (cpu.physical_cores, cpu.logical_cores) == (32, 64)
    assert (cpu.ram_total_bytes, cpu.ram_available_bytes) == (256 * GIB, 200 * GIB)


def test_a_container_lowers_ram_and_cores() -> None:
    limits = CgroupLimits(memory_limit_bytes=16 * GIB, memory_available_bytes=12 * GIB, cpu_quota_cores=3.5)
    cpu = cpu_within(PROCESSOR, BIG, limits)
    assert (cpu.physical_cores, cpu.logical_cores) == (4, 4)
    assert (cpu.ram_total_bytes, cpu.ram_available_bytes) == (16 * GIB, 12 * GIB)


def test_a_limit_above_what_is_free_changes_nothing() -> None:
    cpu = cpu_within(PROCESSOR, BIG, CgroupLimits(memory_limit_bytes=512 * GIB, memory_available_bytes=500 * GIB))
    assert (cpu.ram_total_bytes, cpu.ram_available_bytes) == (256 * GIB, 200 * GIB)


def test_why_no_gpu_lists_what_was_looked_at() -> None:
    answers = (VendorAnswer(why_none="no driver"), VendorAnswer(why_none="no card"))
    assert why_no_gpu(answers, ()) == "No GPU was found: no driver, no card, and llama.cpp lists none."
    assert why_no_gpu(answers, None).endswith("and there are no llama.cpp programs yet to ask.")


def test_vendors_and_runtime_together_and_their_load(tmp_path: Path) -> None:
    nvml = FakeNvml(FakeNvidiaGpu(busy_percent=40, free_mib=1000))
    probe = ThisMachine(nvidia=NvidiaGpus(nvml), sysfs=SysfsGpus(tmp_path))
    listed = RuntimeDevice(
        runtime_name="CUDA0", description="NVIDIA GeForce RTX 4090", memory_total_bytes=24080 * MIB, memory_free_bytes=MIB
    )
    machine = probe.look((listed,))
    assert [gpu.friendly_name for gpu in machine.gpus] == ["cuda:0"]
    assert machine.why_no_gpu is None
    load = probe.load(machine)
    assert (load.gpu_busy_fractions, load.gpu_free_bytes) == ((0.4,), (1000 * MIB,))
    probe.close()
    assert nvml.closed == 1


def test_libraries_that_are_not_there_are_not_searched_for_every_sample(tmp_path: Path) -> None:
    class CountingNvml(FakeNvml):
        tries = 0

        def nvmlInit(self) -> None:
            self.tries += 1
            super().nvmlInit()

    nvml = CountingNvml(init_error=pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)
    probe = ThisMachine(nvidia=NvidiaGpus(nvml), sysfs=SysfsGpus(tmp_path))
    software = RuntimeDevice(runtime_name="Vulkan0", description="llvmpipe", memory_total_bytes=MIB, memory_free_bytes=MIB)
    machine = probe.look((software,))
    assert len(machine.gpus) == 1
    probe.load(machine)
    probe.load(machine)
    assert nvml.tries == 1
