from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.llama_cpp.device_list import parse_device_list
from engine.machines.gpus.match_gpus import match_gpus
from engine.machines.gpus.vendor_gpu import VendorGpu
from engine.vocabulary.device import Gpu, RuntimeDevice, Vendor

RECORDED = Path(__file__).parents[3] / "recorded" / "nvidia-h100"
MIB = 1024 * 1024
CPU = RuntimeDevice(runtime_name="CPU", description="AMD EPYC", memory_total_bytes=MIB, memory_free_bytes=MIB)


def device(name: str, description: str, total_mib: int, free_mib: int | None = None) -> RuntimeDevice:
    free = total_mib if free_mib is None else free_mib
    return RuntimeDevice(
        runtime_name=name, description=description, memory_total_bytes=total_mib * MIB, memory_free_bytes=free * MIB
    )


def seen(vendor: Vendor, name: str, total_mib: int | None, free_mib: int | None = None) -> VendorGpu:
    return VendorGpu(
        vendor=vendor,
        name=name,
        memory_total_bytes=None if total_mib is None else total_mib * MIB,
        memory_free_bytes=None if free_mib is None else free_mib * MIB,
    )


def names(gpus: tuple[Gpu, ...]) -> list[tuple[str, str | None]]:
    return [(gpu.name, gpu.runtime_name) for gpu in gpus]


RTX = seen(Vendor.NVIDIA, "NVIDIA GeForce RTX 4090", 24564, 20000)


def test_the_recorded_h100_is_one_gpu() -> None:
    """As NVML and as llama.cpp told it in the same minute: their totals differ by what the driver reserves."""
    nvml = json.loads((RECORDED / "nvml.json").read_text())
    memory = nvml["MemoryInfo"]
    card = VendorGpu(
        vendor=Vendor.NVIDIA, name=nvml["Name"], memory_total_bytes=memory["total"], memory_free_bytes=memory["free"]
    )
    devices = parse_device_list((RECORDED / "device_list.txt").read_text())
    (gpu,) = match_gpus([card], devices)
    assert (gpu.name, gpu.runtime_name, gpu.friendly_name) == ("NVIDIA H100 80GB HBM3", "CUDA0", "cuda:0")
    assert (gpu.memory_total_bytes, gpu.memory_free_bytes) == (81079 * MIB, 81079 * MIB)


def test_a_recorded_card_that_is_hidden_is_told_as_such() -> None:
    devices = parse_device_list((RECORDED / "device_list_hidden.txt").read_text())
    (gpu,) = match_gpus([seen(Vendor.NVIDIA, "NVIDIA H100 80GB HBM3", 81559, 81079)], devices)
    assert gpu.runtime_name is None
    assert gpu.why_no_runtime_name is not None


def test_a_cuda_device_is_nvml_s_gpu_with_the_runtime_s_total_and_the_fresh_free() -> None:
    (gpu,) = match_gpus([RTX], (CPU, device("CUDA0", "NVIDIA GeForce RTX 4090", 24080, 23000)))
    assert (gpu.index, gpu.runtime_name, gpu.friendly_name) == (0, "CUDA0", "cuda:0")
    assert (gpu.memory_total_bytes, gpu.memory_free_bytes) == (24080 * MIB, 20000 * MIB)
    assert (gpu.why_no_runtime_name, gpu.software) == (None, False)


def test_the_same_gpu_under_cuda_and_vulkan_appears_once_whatever_the_order() -> None:
    cuda, vulkan = device("CUDA0", "NVIDIA GeForce RTX 4090", 24080), device("Vulkan0", "NVIDIA GeForce RTX 4090", 24564)
    assert names(match_gpus([RTX], (vulkan, cuda))) == names(match_gpus([RTX], (cuda, vulkan))) == [(RTX.name, "CUDA0")]
    assert names(match_gpus([], (vulkan, cuda))) == [(RTX.name, "CUDA0")]


def test_a_vulkan_build_names_the_gpu_vulkan() -> None:
    (gpu,) = match_gpus([RTX], (device("Vulkan0", "NVIDIA GeForce RTX 4090", 24564),))
    assert (gpu.runtime_name, gpu.friendly_name) == ("Vulkan0", "vulkan:0")


def test_cuda_s_order_by_speed_is_matched_by_name_with_nvml_s_order_by_address() -> None:
    old = seen(Vendor.NVIDIA, "NVIDIA GeForce GTX 1060", 6144, 6000)
    listed = (device("CUDA0", RTX.name, 24080), device("CUDA1", old.name, 6072))
    assert names(match_gpus([old, RTX], listed)) == [(old.name, "CUDA1"), (RTX.name, "CUDA0")]


def test_equal_cards_keep_their_order_in_every_backend() -> None:
    listed = tuple(device(f"{backend}{index}", RTX.name, 24080) for backend in ("Vulkan", "CUDA") for index in range(3))
    gpus = match_gpus([RTX] * 3, listed)
    assert [gpu.friendly_name for gpu in gpus] == ["cuda:0", "cuda:1", "cuda:2"]


def test_a_gpu_that_the_build_cannot_use_says_why() -> None:
    (gpu,) = match_gpus([RTX], (CPU,))
    assert (gpu.runtime_name, gpu.friendly_name) == (None, "cuda:0")
    assert gpu.why_no_runtime_name == "this build of llama.cpp has no CUDA or Vulkan backend that works here"
    assert (gpu.memory_total_bytes, gpu.memory_free_bytes) == (24564 * MIB, 20000 * MIB)


def test_without_a_runtime_no_gpu_has_a_name_yet() -> None:
    (gpu,) = match_gpus([RTX], None)
    assert gpu.why_no_runtime_name == "there are no llama.cpp programs yet that could use it"


def test_a_hidden_card_among_others_says_so() -> None:
    _, hidden = match_gpus([RTX, RTX], (device("CUDA0", RTX.name, 24080),))
    assert hidden.runtime_name is None
    assert "CUDA_VISIBLE_DEVICES" in (hidden.why_no_runtime_name or "")


def test_a_software_renderer_is_a_gpu_of_its_own_and_marked() -> None:
    listed = (CPU, device("Vulkan0", "llvmpipe (LLVM 15.0.6, 256 bits)", 24105))
    (gpu,) = match_gpus([], listed)
    assert (gpu.software, gpu.vendor, gpu.friendly_name) == (True, Vendor.OTHER, "vulkan:0")
    assert [gpu.software for gpu in match_gpus([RTX], listed)] == [False, True]


def test_metal_is_known_by_the_runtime_alone() -> None:
    for name in ("MTL0", "Metal"):
        (gpu,) = match_gpus([], (CPU, device("BLAS", "Accelerate", 0), device(name, "Apple M2 Max", 73728)))
        assert (gpu.vendor, gpu.friendly_name, gpu.memory_total_bytes) == (Vendor.APPLE, "metal:0", 73728 * MIB)


def test_an_amd_card_known_by_number_is_matched_by_its_memory() -> None:
    big = seen(Vendor.AMD, "AMD GPU [1002:744c]", 24560, 24000)
    small = seen(Vendor.AMD, "AMD GPU [1002:7480]", 8176, 8000)
    listed = (device("Vulkan0", "AMD Radeon RX 7600 (RADV NAVI33)", 8176), device("ROCm0", "AMD Radeon RX 7900 XTX", 24560))
    assert names(match_gpus([big, small], listed)) == [(big.name, "ROCm0"), (small.name, "Vulkan0")]


def test_an_apu_takes_the_runtime_s_memory_not_its_carve_out() -> None:
    apu = seen(Vendor.AMD, "AMD GPU [1002:15bf]", 512, 300)
    (gpu,) = match_gpus([apu], (device("Vulkan0", "AMD Radeon 780M Graphics (RADV PHOENIX)", 16384, 15000),))
    assert (gpu.memory_total_bytes, gpu.memory_free_bytes) == (16384 * MIB, 15000 * MIB)


def test_intel_without_a_memory_figure_gets_the_runtime_s() -> None:
    arc = seen(Vendor.INTEL, "Arc B580", 12288)
    listed = (
        device("SYCL0", "Intel(R) Arc(TM) B580 Graphics", 11605, 11000),
        device("Vulkan0", "Intel(R) Arc(tm) B580 (BMG G21)", 12216),
    )
    (gpu,) = match_gpus([arc], listed)
    assert (gpu.runtime_name, gpu.memory_free_bytes, gpu.why_no_memory) == ("SYCL0", 11000 * MIB, None)


def test_two_vendors_do_not_take_each_other_s_devices() -> None:
    igpu = seen(Vendor.INTEL, "Intel GPU [8086:46a6]", None)
    listed = (
        device("Vulkan0", "NVIDIA GeForce RTX 4090", 24564),
        device("Vulkan1", "Intel(R) Iris(R) Xe Graphics (ADL GT2)", 11000),
    )
    assert names(match_gpus([RTX, igpu], listed)) == [(RTX.name, "Vulkan0"), (igpu.name, "Vulkan1")]


def test_rpc_devices_and_blas_are_no_gpus() -> None:
    assert match_gpus([], (CPU, device("RPC0", "127.0.0.1:50052", 1000), device("BLAS", "OpenBLAS", 0))) == ()


BACKENDS = st.sampled_from(["CUDA", "ROCm", "Vulkan", "SYCL"])
DESCRIPTIONS = st.sampled_from(["NVIDIA A100", "AMD Radeon RX 7900 XTX", "Intel Arc A770", "llvmpipe (LLVM 15)", "Strange"])


@given(
    st.lists(st.tuples(BACKENDS, DESCRIPTIONS, st.integers(1, 100_000)), max_size=8),
    st.lists(st.tuples(st.sampled_from(list(Vendor)), DESCRIPTIONS, st.none() | st.integers(1, 100_000)), max_size=5),
)
def test_no_device_names_two_gpus_and_no_seen_gpu_is_lost(
    listed: list[tuple[str, str, int]], vendors: list[tuple[Vendor, str, int | None]]
) -> None:
    devices = tuple(device(f"{backend}{index}", text, mib) for index, (backend, text, mib) in enumerate(listed))
    vendor_gpus = [seen(*facts) for facts in vendors]
    gpus = match_gpus(vendor_gpus, devices)
    named = [gpu.runtime_name for gpu in gpus if gpu.runtime_name]
    assert len(named) == len(set(named))
    assert set(named) <= {found.runtime_name for found in devices}
    assert [gpu.name for gpu in gpus[: len(vendor_gpus)]] == [gpu.name for gpu in vendor_gpus]
    assert [gpu.index for gpu in gpus] == list(range(len(gpus)))
    assert all((gpu.runtime_name is None) == (gpu.why_no_runtime_name is not None) for gpu in gpus)
