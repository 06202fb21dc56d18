from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import RuntimeUnavailable
from engine.llama_cpp.device_list import parse_device_list
from engine.vocabulary.device import RuntimeDevice

RECORDED = Path(__file__).parents[2] / "recorded"
MIB = 1024 * 1024


def device(name: str, description: str, total_mib: int, free_mib: int) -> RuntimeDevice:
    return RuntimeDevice(
        runtime_name=name, description=description, memory_total_bytes=total_mib * MIB, memory_free_bytes=free_mib * MIB
    )


@pytest.mark.parametrize("version", ["0.3.16-g2", "0.3.20-g4", "0.3.36-g5"])
def test_recorded_lists(version: str) -> None:
    text = (RECORDED / f"rpc-server-{version}" / "device_list.txt").read_text()
    assert parse_device_list(text) == (device("CPU", "AMD EPYC", 24105, 24105),)


def test_recorded_lists_of_a_machine_with_cuda() -> None:
    card = device("CUDA0", "NVIDIA H100 80GB HBM3", 81079, 80552)
    cpu = device("CPU", "Intel(R) Xeon(R) Processor", 128887, 128887)
    lists = {name: (RECORDED / "nvidia-h100" / name).read_text() for name in ("device_list.txt", "server_device_list.txt")}
    assert parse_device_list(lists["device_list.txt"]) == (card, cpu)
    assert parse_device_list(lists["server_device_list.txt"]) == (card,)
    assert parse_device_list((RECORDED / "nvidia-h100" / "device_list_hidden.txt").read_text()) == (cpu,)


def test_lines_as_the_gpu_backends_print_them() -> None:
    """Composed from the format string and the backends' descriptions; the lines around them must not disturb."""
    text = """ggml_cuda_init: found 1 CUDA devices (Total VRAM: 12287 MiB):
  Device 0: NVIDIA GeForce RTX 3060, compute capability 8.6, VMM: yes, VRAM: 12287 MiB
ggml_vulkan: 0 = llvmpipe (LLVM 15.0.6, 256 bits) (llvmpipe) | uma: 0 | fp16: 1
error: unknown device: list
available devices:
  CUDA0: NVIDIA GeForce RTX 3060 (12287 MiB, 11000 MiB free)
  Vulkan0: llvmpipe (LLVM 15.0.6, 256 bits) (24105 MiB, 24000 MiB free)
  HTP0:1: Hexagon (2048 MiB, 2048 MiB free)
  MTL0: Apple M2 (21845 MiB, 21845 MiB free)
  CPU: AMD Ryzen: 7 (8 cores) (32000 MiB, 32000 MiB free)
No devices found
"""
    assert parse_device_list(text) == (
        device("CUDA0", "NVIDIA GeForce RTX 3060", 12287, 11000),
        device("Vulkan0", "llvmpipe (LLVM 15.0.6, 256 bits)", 24105, 24000),
        device("HTP0:1", "Hexagon", 2048, 2048),
        device("MTL0", "Apple M2", 21845, 21845),
        device("CPU", "AMD Ryzen: 7 (8 cores)", 32000, 32000),
    )


def test_g1_cannot_list() -> None:
    text = (RECORDED / "rpc-server-0.2.90-g1" / "device_list.txt").read_text()
    with pytest.raises(RuntimeUnavailable, match="from before May 2025"):
        parse_device_list(text)


def test_nothing_listed_is_an_error() -> None:
    with pytest.raises(RuntimeUnavailable, match="not list a single device"):
        parse_device_list("available devices:\n")


def test_a_hostile_list_is_bounded() -> None:
    text = "\n".join(f"  D{index}: x (1 MiB, 1 MiB free)" for index in range(10_000))
    assert len(parse_device_list(text)) == 256
