"""A device: something llama.cpp can compute on. One CPU per machine, any number of GPUs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DeviceKind(StrEnum):
    """What a worker computes on."""

    CPU = "cpu"
    GPU = "gpu"


class Vendor(StrEnum):
    """Who made the GPU."""

    NVIDIA = "NVIDIA"
    AMD = "AMD"
    INTEL = "Intel"
    APPLE = "Apple"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """The processor and the RAM of one machine."""

    name: str
    physical_cores: int | None
    logical_cores: int | None
    ram_total_bytes: int
    ram_available_bytes: int
    """What can be taken now without swapping (Linux ``MemAvailable``). llama.cpp's own figure for CPU devices says
    ``free == total`` (ggml-cpu.cpp, ``ggml_backend_cpu_device_get_memory``), so it must come from the system."""
    instruction_sets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU, as the vendor's library, the kernel and the runtime see it."""

    index: int
    name: str
    vendor: Vendor
    runtime_name: str | None
    """The name that the runtime's ``--device`` takes (``CUDA0``, ``ROCm0``, ``Vulkan0``, ``SYCL0``, ``MTL0``), or
    ``None`` when the runtime does not list this GPU: then it cannot be a worker and ``why_no_runtime_name`` says why."""
    friendly_name: str
    """The spelling people know: ``cuda:0``, ``rocm:0``, ``vulkan:0``, ``sycl:0``, ``metal:0``."""
    memory_total_bytes: int | None
    memory_free_bytes: int | None
    why_no_runtime_name: str | None = None
    why_no_memory: str | None = None
    software: bool = False
    """True for a renderer that computes on the CPU (llvmpipe): real for llama.cpp, but shares the RAM and the cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeDevice:
    """One line of what a runtime itself lists (``ggml-rpc-server -d list``): the ground truth of device names."""

    runtime_name: str
    description: str
    memory_total_bytes: int
    memory_free_bytes: int
