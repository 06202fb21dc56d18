"""Device names: llama.cpp's own (``CUDA0``, ``MTL0``, ``CPU``) and the spelling people know (``cuda:0``, ``metal:0``,
``cpu``).

llama.cpp never took ``cuda:0``: names are compared whole, ignoring case (ggml-backend-reg.cpp, ``ggml_backend_dev_by_name``).
Rejected: accepting either spelling everywhere; the friendly one is for people, the runtime's own goes on command lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.errors import BadInput
from engine.vocabulary.device import DeviceKind

_BACKENDS = {
    "CUDA": "cuda",
    "ROCm": "rocm",
    "MUSA": "musa",
    "Vulkan": "vulkan",
    "SYCL": "sycl",
    "MTL": "metal",
    "CANN": "cann",
    "HTP": "htp",
    "WebGPU": "webgpu",
    "GPUOpenCL": "opencl",
}
"""Runtime prefix -> friendly prefix (ggml-cuda.h:11-17 for HIP and MUSA)."""
_RUNTIME_PREFIX = {friendly: runtime for runtime, friendly in _BACKENDS.items()}
_HELPERS_OF_THE_CPU = frozenset({"blas", "accelerate", "zendnn"})
"""Listed as devices, but they only speed up the CPU: as a worker they abort (``unsupported op RMS_NORM``, issue 23172)."""
_NAME = re.compile(r"(?P<backend>[A-Za-z]+)(?P<index>\d[\d:]*)?")
_FRIENDLY = re.compile(r"(?P<backend>[a-z]+):(?P<index>\d[\d:]*)")


def friendly_name(runtime_name: str) -> str:
    """``CUDA0`` -> ``cuda:0``, ``Metal`` and ``MTL0`` -> ``metal:0``, ``CPU`` -> ``cpu``; unknown names in lower case."""
    if runtime_name.lower() == "metal":
        return "metal:0"
    match = _NAME.fullmatch(runtime_name)
    if match is None or device_kind(runtime_name) is not DeviceKind.GPU:
        return runtime_name.lower()
    prefix = _prefix_of(match["backend"]) or match["backend"].lower()
    return f"{prefix}:{match['index'] or '0'}"


def runtime_name(friendly: str, listed: Iterable[str] = ()) -> str:
    """``cuda:0`` -> ``CUDA0``. ``listed`` is what the runtime lists: its spelling wins (``Metal`` in builds before 2026).

    Raises ``BadInput`` for a name that can be no device.
    """
    wanted = friendly.strip().lower()
    for name in listed:
        if wanted in (name.lower(), friendly_name(name)):
            return name
    if wanted == "cpu":
        return "CPU"
    match = _FRIENDLY.fullmatch(wanted)
    prefix = _RUNTIME_PREFIX.get(match["backend"]) if match else None
    if match is None or prefix is None:
        raise BadInput(
            f"“{friendly}” is no device.", advice="Use a name such as cpu, cuda:0, rocm:0, vulkan:0, sycl:0 or metal:0."
        )
    return prefix if prefix == "GPUOpenCL" else f"{prefix}{match['index']}"


def device_kind(runtime_name: str) -> DeviceKind | None:
    """CPU or GPU; ``None`` for what llama.cpp lists but nobody can use as a worker (BLAS, ZenDNN), and for RPC devices."""
    lowered = runtime_name.lower()
    if lowered == "cpu":
        return DeviceKind.CPU
    if lowered in _HELPERS_OF_THE_CPU or lowered.startswith("rpc"):
        return None
    return DeviceKind.GPU


def _prefix_of(backend: str) -> str | None:
    for runtime, friendly in _BACKENDS.items():
        if runtime.lower() == backend.lower():
            return friendly
    return None
