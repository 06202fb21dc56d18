from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.machines.remote_probe.sent.load_lines import LoadLines
from engine.machines.remote_probe.sent.parse_probe import parse_probe
from engine.machines.remote_probe.sent.probe_answer import machine_of
from engine.machines.remote_probe.sent.sent_text import SenselessError
from engine.vocabulary.device import Gpu, Vendor
from tests.engine.machines.remote_probe.sent_documents import TARGET, TESTS, nvidia, packed, recorded

MIB = 1 << 20


def gpu(index, vendor, *, software=False):
    return Gpu(
        index=index,
        name=f"GPU {index}",
        vendor=vendor,
        runtime_name=None,
        friendly_name="x",
        memory_total_bytes=None,
        memory_free_bytes=None,
        software=software,
    )


def machine(*gpus):
    return dataclasses.replace(machine_of(parse_probe(packed(recorded()), TARGET), None), gpus=gpus)


def line(**changes):
    usual = {"t": 10.0, "cpu": [100, 300], "ram": 1000, "net": [5000, 700], "cpu_mc": 51250, "nv": [], "drm": []}
    return json.dumps({**usual, **changes}).encode()


def test_the_first_line_has_no_rates_and_the_second_has():
    lines = LoadLines(machine())
    first = lines.read(line(), 1.0)
    assert (first.cpu_busy_fraction, first.network_received_bytes_per_second) == (None, None)
    assert (first.machine_id, first.taken_at_seconds, first.ram_available_bytes) == (TARGET.machine_id, 1.0, 1000)
    assert first.cpu_temperature_celsius == 51.25
    second = lines.read(line(t=12.0, cpu=[200, 600], net=[7000, 700]), 9.0)
    assert second.cpu_busy_fraction == 0.25
    assert (second.network_received_bytes_per_second, second.network_sent_bytes_per_second) == (1000.0, 0.0)


def test_counters_and_clocks_that_turn_back_tell_nothing():
    lines = LoadLines(machine())
    lines.read(line(), 1.0)
    back = lines.read(line(t=12.0, cpu=[50, 300], net=[1, 701]), 2.0)
    assert back.cpu_busy_fraction is None
    assert (back.network_received_bytes_per_second, back.network_sent_bytes_per_second) == (None, 0.5)
    assert lines.read(line(t=1.0, net=[9, 900]), 3.0).network_sent_bytes_per_second is None


def test_gpus_are_found_again_by_vendor_and_order():
    lines = LoadLines(
        machine(
            gpu(0, Vendor.NVIDIA),
            gpu(1, Vendor.NVIDIA),
            gpu(2, Vendor.AMD),
            gpu(3, Vendor.INTEL),
            gpu(4, Vendor.OTHER, software=True),
        )
    )
    load = lines.read(
        line(
            nv=nvidia("two_gpus_load.txt").splitlines(),
            drm=[["0x1002", 37, 1000, 400, 61000], ["0x8086", None, 12 << 30, None, None]],
        ),
        1.0,
    )
    assert load.gpu_busy_fractions == (0.93, 0.0, 0.37, None, None)
    assert load.gpu_free_bytes == (1187 * MIB, 24075 * MIB, 600, None, None)
    assert load.gpu_temperatures_celsius == (71.0, 36.0, 61.0, None, None)


def test_a_gpu_that_fell_silent_does_not_shift_the_others():
    lines = LoadLines(machine(gpu(0, Vendor.NVIDIA), gpu(1, Vendor.NVIDIA)))
    assert lines.read(line(nv=["1, 40, 100, 36"]), 1.0).gpu_busy_fractions == (None, 0.4)
    assert lines.read(line(nv=["0, [N/A], [N/A], 36"]), 1.0).gpu_temperatures_celsius == (36.0, None)
    assert lines.read(line(), 1.0).gpu_busy_fractions == (None, None)


def test_ram_is_within_what_the_machine_has():
    assert LoadLines(machine()).read(line(ram=1 << 50), 1.0).ram_available_bytes == machine().cpu.ram_total_bytes


@pytest.mark.parametrize("milli", [-300_000, 900_000])
def test_sensors_that_are_not_connected(milli):
    assert LoadLines(machine()).read(line(cpu_mc=milli), 1.0).cpu_temperature_celsius is None


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"{}",
        b"\xff",
        b"[" * 5000,
        line(t="x"),
        line(t=float("nan")),
        line(t=-1),
        line(cpu=[1]),
        line(cpu=[-1, 2]),
        line(ram=-1),
        line(ram=1e300),
        line(ram=1 << 70),
        line(more=1),
        line(nv=["x"]),
        line(nv=["0, nan, 1, 1"]),
        line(nv=["[N/A], 1, 1, 1"]),
        line(nv=["900, 1, 1, 1"]),
        line(nv=["0, 1, 1, 1"] * 65),
        line(drm=[["0x1002", -1, 1, 1, 1]]),
    ],
    ids=range(19),
)
def test_what_cannot_be_is_refused(bad):
    with pytest.raises(SenselessError):
        LoadLines(machine(gpu(0, Vendor.NVIDIA))).read(bad, 1.0)


@given(st.binary(max_size=100))
def test_any_bytes_are_refused(data):
    with pytest.raises(SenselessError):
        LoadLines(machine()).read(data, 1.0)


def test_the_recorded_h100_at_work():
    """A llama of 7 billion parameters decodes on it; nvidia-smi's first answer comes after the first line."""
    lines = LoadLines(machine(gpu(0, Vendor.NVIDIA)))
    text = (TESTS / "recorded/nvidia-h100/load_busy.txt").read_text()
    samples = [lines.read(each.removeprefix("MARK").encode(), 1.0) for each in text.splitlines() if each]
    assert [sample.gpu_busy_fractions for sample in samples] == [(None,), (0.77,), (0.78,), (0.78,)]
    assert [sample.gpu_free_bytes for sample in samples[1:]] == [(75561 * MIB,)] * 3
    assert [sample.gpu_temperatures_celsius for sample in samples[1:]] == [(41.0,), (42.0,), (43.0,)]
