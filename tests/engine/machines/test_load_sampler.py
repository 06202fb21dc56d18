from __future__ import annotations

from engine.machines.gpus.vendor_gpu import VendorGpu
from engine.machines.load_sampler import LoadSampler
from engine.machines.system_facts import ProcessorTimes, read_processor_times
from engine.vocabulary.device import Cpu, Gpu, Vendor
from engine.vocabulary.machine import THIS_MACHINE, Machine


def gpu(index: int, name: str) -> Gpu:
    return Gpu(
        index=index,
        name=name,
        vendor=Vendor.NVIDIA,
        runtime_name=None,
        friendly_name=f"cuda:{index}",
        memory_total_bytes=None,
        memory_free_bytes=None,
    )


def machine(*gpus: Gpu) -> Machine:
    cpu = Cpu(name="c", physical_cores=1, logical_cores=1, ram_total_bytes=1, ram_available_bytes=1)
    return Machine(id=THIS_MACHINE, name="m", os_name="o", architecture="a", cpu=cpu, gpus=gpus)


class World:
    """What the sampler reads."""

    def __init__(self) -> None:
        self.now = 100.0
        self.times = ProcessorTimes(busy_seconds=50.0, idle_seconds=50.0)
        self.gpus: list[VendorGpu] = []
        self.sampler = LoadSampler(
            now_seconds=lambda: self.now,
            processor_times=lambda: self.times,
            ram_available_bytes=lambda: 123,
            vendor_gpus=lambda: self.gpus,
        )

    def busy(self) -> float | None:
        return self.sampler.sample(machine()).cpu_busy_fraction

    def pass_time(self, seconds: float, busy: float, idle: float) -> None:
        self.now += seconds
        self.times = ProcessorTimes(busy_seconds=self.times.busy_seconds + busy, idle_seconds=self.times.idle_seconds + idle)


def test_the_first_sample_has_no_cpu_load_and_later_ones_that_of_the_time_between() -> None:
    world = World()
    assert world.busy() is None
    world.pass_time(1, busy=0.5, idle=1.5)
    assert world.busy() == 0.25
    world.pass_time(1, busy=2, idle=0)
    assert world.busy() == 1.0


def test_samples_too_near_to_each_other_give_the_last_answer() -> None:
    world = World()
    world.busy()
    world.pass_time(1, busy=1, idle=1)
    assert world.busy() == 0.5
    world.pass_time(0.01, busy=0.01, idle=0)
    assert world.busy() == 0.5


def test_counters_that_stand_still_or_run_back_are_not_a_load() -> None:
    world = World()
    world.busy()
    world.pass_time(1, busy=0, idle=0)
    assert world.busy() is None
    world.pass_time(1, busy=-1, idle=2)
    assert world.busy() == 0.0


def test_gpus_by_place_and_name() -> None:
    world = World()
    world.gpus = [
        VendorGpu(vendor=Vendor.NVIDIA, name="one", memory_free_bytes=7, busy_fraction=0.5, celsius=66.0),
        VendorGpu(vendor=Vendor.NVIDIA, name="swapped", memory_free_bytes=8, busy_fraction=0.6, celsius=50.0),
    ]
    sample = world.sampler.sample(machine(gpu(0, "one"), gpu(1, "two"), gpu(2, "llvmpipe")))
    assert sample.gpu_busy_fractions == (0.5, None, None)
    assert sample.gpu_free_bytes == (7, None, None)
    assert sample.gpu_temperatures_celsius == (66.0, None, None)
    assert (sample.machine_id, sample.taken_at_seconds, sample.ram_available_bytes) == (THIS_MACHINE, 100.0, 123)


def test_the_system_s_counters_only_grow() -> None:
    first, second = read_processor_times(), read_processor_times()
    assert first.busy_seconds > 0
    assert second.busy_seconds + second.idle_seconds >= first.busy_seconds + first.idle_seconds
