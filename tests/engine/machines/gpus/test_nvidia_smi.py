"""On what one H100 said, and on samples made from NVIDIA's documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.machines.gpus.nvidia_smi import parse_nvidia_smi, smi_number
from engine.vocabulary.device import Vendor

DOCUMENTED = Path(__file__).parents[3] / "documented" / "nvidia-smi"
RECORDED = Path(__file__).parents[3] / "recorded" / "nvidia-h100"
MIB = 1 << 20


def parsed(name: str):
    return parse_nvidia_smi((DOCUMENTED / name).read_text())


def test_a_recorded_h100() -> None:
    (gpu,) = parse_nvidia_smi((RECORDED / "smi_look.csv").read_text()).gpus
    assert (gpu.vendor, gpu.name, gpu.busy_fraction) == (Vendor.NVIDIA, "NVIDIA H100 80GB HBM3", 0.0)
    assert (gpu.memory_total_bytes, gpu.memory_free_bytes) == (81559 * MIB, 81079 * MIB)


def test_two_gpus() -> None:
    first, second = parsed("two_gpus_look.txt").gpus
    assert (first.vendor, first.name, first.busy_fraction) == (Vendor.NVIDIA, "NVIDIA GeForce RTX 4090", 0.07)
    assert (first.memory_total_bytes, first.memory_free_bytes) == (24564 * MIB, 23036 * MIB)
    assert (second.memory_free_bytes, second.busy_fraction, second.why_no_memory) == (24075 * MIB, 0.0, None)


def test_shared_memory_is_not_told() -> None:
    (gpu,) = parsed("unified_memory_look.txt").gpus
    assert (gpu.memory_total_bytes, gpu.memory_free_bytes) == (None, None)
    assert gpu.why_no_memory == "NVIDIA's driver does not tell this GPU's memory"


def test_why_there_is_none() -> None:
    assert parse_nvidia_smi(None).why_none == "NVIDIA's nvidia-smi is not there"
    assert parse_nvidia_smi("").why_none == "NVIDIA's nvidia-smi finds no GPU"
    assert parsed("no_devices.txt").why_none == "NVIDIA's nvidia-smi finds no GPU (No devices were found)"
    why = parsed("driver_not_loaded.txt").why_none
    assert why is not None
    assert why.startswith("NVIDIA's nvidia-smi finds no GPU (NVIDIA-SMI has failed because it couldn't communicate")


@pytest.mark.parametrize("text", ["nan", "-1", "1e300", "12.5", "", "9" * 20])
def test_numbers_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="a number that is none"):
        smi_number(text)


def test_a_line_that_is_cut() -> None:
    with pytest.raises(ValueError, match="GPU 0 is cut"):
        parse_nvidia_smi("0, NVIDIA GeForce RTX 4090, 24564")


def test_a_name_with_a_comma() -> None:
    assert parse_nvidia_smi("0, Card, Special, 10, 1, 9, 0, 36, GPU-1").gpus[0].name == "Card, Special"
