from __future__ import annotations

import pytest

from engine.errors import BadInput
from engine.llama_cpp.device_names import device_kind, friendly_name, runtime_name
from engine.vocabulary.device import DeviceKind

PAIRS = [
    ("CPU", "cpu"),
    ("CUDA0", "cuda:0"),
    ("CUDA12", "cuda:12"),
    ("ROCm1", "rocm:1"),
    ("MUSA0", "musa:0"),
    ("Vulkan3", "vulkan:3"),
    ("SYCL0", "sycl:0"),
    ("MTL0", "metal:0"),
    ("CANN0", "cann:0"),
    ("HTP0", "htp:0"),
    ("HTP0:1", "htp:0:1"),
    ("GPUOpenCL", "opencl:0"),
]


@pytest.mark.parametrize(("runtime", "friendly"), PAIRS)
def test_both_ways(runtime: str, friendly: str) -> None:
    assert friendly_name(runtime) == friendly
    assert runtime_name(friendly) == runtime


def test_old_metal_is_found_in_what_the_runtime_lists() -> None:
    assert friendly_name("Metal") == "metal:0"
    assert runtime_name("metal:0", ["CPU", "Metal"]) == "Metal"
    assert runtime_name("metal:0", ["MTL0", "CPU"]) == "MTL0"


def test_the_runtimes_own_spelling_is_taken_in_any_case() -> None:
    assert runtime_name("vulkan0", ["Vulkan0"]) == "Vulkan0"
    assert runtime_name(" CUDA:1 ") == "CUDA1"


@pytest.mark.parametrize("name", ["", "cuda", "cuda0", "gpu:0", "cuda:x", "rpc:0", "cpu:0"])
def test_what_is_no_device_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="is no device"):
        runtime_name(name)


def test_kinds() -> None:
    assert device_kind("CPU") is DeviceKind.CPU
    assert device_kind("CUDA0") is DeviceKind.GPU
    assert device_kind("Vulkan0") is DeviceKind.GPU
    assert device_kind("BLAS") is None
    assert device_kind("RPC0") is None
    assert friendly_name("BLAS") == "blas"
    assert friendly_name("XPU2") == "xpu:2"
