"""What every ``MachineProbe`` promises, on the fake and on this very machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.machines.this_machine import ThisMachine
from engine.ports import MachineProbe
from engine.vocabulary.device import RuntimeDevice
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.runtime import Runtime
from tests.fakes.ports.fake_machine_probe import FakeMachineProbe

CPU = RuntimeDevice(runtime_name="CPU", description="Some CPU", memory_total_bytes=1, memory_free_bytes=1)
SOFTWARE = RuntimeDevice(
    runtime_name="Vulkan7", description="llvmpipe (LLVM 15.0.6, 256 bits)", memory_total_bytes=2, memory_free_bytes=1
)


@pytest.fixture(params=[FakeMachineProbe, ThisMachine])
def probe(request: pytest.FixtureRequest) -> MachineProbe:
    make: Callable[[], MachineProbe] = request.param
    return make()


def test_the_machine_and_its_cpu(probe: MachineProbe) -> None:
    machine = probe.look(None)
    assert machine.id == THIS_MACHINE
    assert all((machine.name, machine.os_name, machine.architecture, machine.cpu.name))
    assert machine.address is None
    assert 0 < machine.cpu.ram_available_bytes <= machine.cpu.ram_total_bytes
    assert machine.cpu.logical_cores is None or machine.cpu.logical_cores >= 1


@pytest.mark.parametrize("devices", [None, (), (CPU,), (CPU, SOFTWARE)])
def test_no_gpu_has_a_reason_and_a_gpu_has_none(probe: MachineProbe, devices: tuple[RuntimeDevice, ...] | None) -> None:
    machine = probe.look(devices)
    assert bool(machine.gpus) == (machine.why_no_gpu is None)
    assert all(bool(gpu.runtime_name) == (gpu.why_no_runtime_name is None) for gpu in machine.gpus)


def test_what_the_runtime_lists_is_found_under_its_name(probe: MachineProbe) -> None:
    found = [gpu for gpu in probe.look((CPU, SOFTWARE)).gpus if gpu.runtime_name == "Vulkan7"]
    assert [(gpu.friendly_name, gpu.software) for gpu in found] == [("vulkan:7", True)]


def test_looking_twice_sees_the_same_machine(probe: MachineProbe) -> None:
    first, second = probe.look((CPU,)), probe.look((CPU,))
    assert (first.name, first.cpu.name, first.cpu.ram_total_bytes) == (
        second.name,
        second.cpu.name,
        second.cpu.ram_total_bytes,
    )


def test_the_load_has_an_entry_per_gpu_and_fractions_are_fractions(probe: MachineProbe) -> None:
    machine = probe.look((CPU, SOFTWARE))
    loads = [probe.load(machine) for _ in range(2)]
    assert loads[0].cpu_busy_fraction is None, "nothing to compare with yet"
    for load in loads:
        assert load.machine_id == machine.id
        assert len(load.gpu_busy_fractions) == len(load.gpu_free_bytes) == len(machine.gpus)
        busy = [load.cpu_busy_fraction, *load.gpu_busy_fractions]
        assert all(fraction is None or 0 <= fraction <= 1 for fraction in busy)
        assert load.ram_available_bytes is not None
        assert 0 < load.ram_available_bytes <= machine.cpu.ram_total_bytes
    assert loads[0].taken_at_seconds <= loads[1].taken_at_seconds


@pytest.mark.real
def test_this_machine_agrees_with_what_a_real_runtime_lists(runtime: Runtime) -> None:
    from engine.runtimes.runtime_finder import LocalRuntimeFinder
    from engine.settings.folders import find_folders

    devices = LocalRuntimeFinder(find_folders()).devices(runtime)
    machine = ThisMachine().look(devices)
    listed = {device.runtime_name for device in devices if device.runtime_name != "CPU"}
    assert {gpu.runtime_name for gpu in machine.gpus if gpu.runtime_name} <= listed
    cpu = next(device for device in devices if device.runtime_name == "CPU")
    assert machine.cpu.ram_total_bytes <= cpu.memory_total_bytes + (1 << 20)
