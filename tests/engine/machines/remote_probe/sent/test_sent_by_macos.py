"""On samples made from documentation: no Mac was at hand."""

from __future__ import annotations

import pytest

from engine.machines.remote_probe.sent import sent_by_macos as macos
from engine.machines.remote_probe.sent.sent_text import SenselessError
from engine.vocabulary.device import Vendor
from tests.engine.machines.remote_probe.sent_documents import macos_said

SAID = macos_said()


def test_name_and_id():
    assert macos.macos_name(SAID["sw_vers"]) == "macOS 15.1"
    assert macos.macos_system_id(SAID["ioreg"]) == "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9"
    assert macos.macos_system_id("nothing") is None


def test_processor_and_memory():
    cpu = macos.macos_cpu(SAID["sysctl"], "arm64")
    assert cpu.name == "Apple M2 Max"
    assert cpu.instruction_sets == ("neon", "fp16", "dotprod", "i8mm", "bf16")
    facts = macos.macos_facts(SAID["sysctl"], SAID["vm_stat"])
    assert (facts.physical_cores, facts.ram_total_bytes, facts.ram_available_bytes) == (12, 64 << 30, 1_650_000 * 16384)


def test_a_machine_without_memory_is_none():
    with pytest.raises(SenselessError, match="its RAM"):
        macos.macos_facts("", SAID["vm_stat"])


def test_apple_gpus_share_the_memory():
    (gpu,) = macos.macos_gpus(SAID["system_profiler"]).gpus
    assert (gpu.vendor, gpu.name, gpu.memory_total_bytes, gpu.why_no_memory) == (
        Vendor.APPLE,
        "Apple M2 Max",
        None,
        "it shares the RAM",
    )


def test_an_intel_mac_with_a_card():
    intel, amd = macos.macos_gpus(macos_said("system_profiler_intel.json")["system_profiler"]).gpus
    assert (intel.vendor, intel.name, intel.memory_total_bytes) == (Vendor.INTEL, "Intel UHD Graphics 630", None)
    assert (amd.vendor, amd.name, amd.memory_total_bytes) == (Vendor.AMD, "AMD Radeon Pro 5500M", 4 << 30)


def test_no_list_of_cards_and_a_damaged_one():
    assert macos.macos_gpus(None).why_none == "macOS did not tell its graphics cards"
    assert macos.macos_gpus('{"SPDisplaysDataType": []}').why_none == "macOS shows no graphics card"
    with pytest.raises(SenselessError):
        macos.macos_gpus("{")
