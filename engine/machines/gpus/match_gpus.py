"""Which of the runtime's devices is which GPU of the machine. Pure.

llama.cpp's list has a name, a description and two memory sizes per device, and no PCI address; NVML and the kernel have PCI
addresses and no llama.cpp names. The same GPU may be listed twice (``CUDA0`` and ``Vulkan0``): as two workers it would be
planned twice, so it must appear once. The rules, in this order:

1. Backends are gone through from the vendor's own (CUDA, ROCm, SYCL, Metal) to the general ones (OpenCL, Vulkan, WebGPU): the
   first that claims a GPU names it, later claims on the same GPU are the duplicates.
2. A device can only be a GPU of its own vendor (the backend tells, or the description), and one backend lists a GPU once.
3. Equal names (without "NVIDIA", "(RADV NAVI31)" and the like) are the same GPU; among several of one name, the nearest total
   memory, then the order. CUDA sorts by speed, NVML by PCI address; among equal cards both keep the PCI order.
4. Without equal names (the kernel often knows a number only): nearly equal total memory, or the vendor's only GPU and the
   backend's only device of that vendor.
5. What is left over is a GPU of its own: Metal, a driver without a vendor library, llvmpipe. Software renderers never merge.

What may be wrong: of several identical cards of which some are hidden (``CUDA_VISIBLE_DEVICES``) the first ones are taken to
be the visible ones. Figures: total memory is the runtime's (what llama.cpp can use; NVML counts reserved memory in, and an
APU's VRAM is a fraction of what Vulkan uses); free memory is the vendor's where both mean the same memory, for it is newer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.llama_cpp.device_names import device_kind, friendly_name
from engine.machines.gpus.vendor_gpu import VendorGpu
from engine.vocabulary.device import DeviceKind, Gpu, RuntimeDevice, Vendor

_PREFERENCE = ("CUDA", "ROCm", "MUSA", "SYCL", "MTL", "Metal", "CANN", "HTP", "GPUOpenCL", "Vulkan", "WebGPU")
_BACKEND_OF = {Vendor.NVIDIA: "CUDA", Vendor.AMD: "ROCm", Vendor.INTEL: "SYCL", Vendor.APPLE: "MTL"}
_VENDOR_OF = {"CUDA": Vendor.NVIDIA, "ROCm": Vendor.AMD, "SYCL": Vendor.INTEL, "MTL": Vendor.APPLE, "Metal": Vendor.APPLE}
_WORDS = (
    (Vendor.NVIDIA, re.compile(r"nvidia|geforce|quadro|tesla|\brtx\b")),
    (Vendor.AMD, re.compile(r"\bamd\b|radeon|\bgfx\d|instinct")),
    (Vendor.INTEL, re.compile(r"intel|\barc\b")),
    (Vendor.APPLE, re.compile(r"apple")),
)
_SOFTWARE = re.compile(r"llvmpipe|lavapipe|softpipe|swiftshader|basic render", re.IGNORECASE)
_NOISE = re.compile(r"\([^)]*\)|\[[^\]]*\]|\b(nvidia|amd|intel|corporation|graphics|gpu)\b|[^a-z0-9]+")
_NEAR = 0.08
"""Share by which total memories of one GPU differ between sources: NVML 24564 MiB, CUDA 24080 MiB for an RTX 4090 (2%); HBM
cards with ECC up to 6%. Cards of one series differ by 20% or more."""


@dataclass(slots=True, kw_only=True)
class _Place:
    """A physical GPU while it is being matched."""

    vendor: Vendor
    name: str
    seen: VendorGpu | None = None
    software: bool = False
    devices: dict[str, RuntimeDevice] = field(default_factory=dict)
    """By backend; the first is the one that names it."""

    @property
    def total_bytes(self) -> int | None:
        """Whatever is known of its size."""
        if self.seen is not None and self.seen.memory_total_bytes is not None:
            return self.seen.memory_total_bytes
        return next((device.memory_total_bytes for device in self.devices.values()), None)


def match_gpus(vendor_gpus: Sequence[VendorGpu], devices: tuple[RuntimeDevice, ...] | None) -> tuple[Gpu, ...]:
    """Every physical GPU once: those of ``vendor_gpus`` first and in their order (``load_sampler`` relies on it), then what
    only the runtime lists. ``devices`` is ``None`` when there is no runtime yet."""
    places = [_Place(vendor=gpu.vendor, name=gpu.name, seen=gpu) for gpu in vendor_gpus]
    listed = [device for device in devices or () if device_kind(device.runtime_name) is DeviceKind.GPU]
    for backend in sorted({_backend(device) for device in listed}, key=_rank):
        of_backend = [device for device in listed if _backend(device) == backend]
        for device in of_backend:
            place = _place_of(device, backend, of_backend, places)
            if place is None:
                place = _new_place(device)
                places.append(place)
            place.devices[backend] = device
    return tuple(_gpu(index, place, places, devices) for index, place in enumerate(places))


def _rank(backend: str) -> tuple[int, str]:
    return (_PREFERENCE.index(backend) if backend in _PREFERENCE else _PREFERENCE.index("GPUOpenCL"), backend)


def _backend(device: RuntimeDevice) -> str:
    return device.runtime_name.rstrip("0123456789:")


def _vendor(device: RuntimeDevice) -> Vendor:
    own = _VENDOR_OF.get(_backend(device))
    if own is not None:
        return own
    description = device.description.lower()
    return next((vendor for vendor, words in _WORDS if words.search(description)), Vendor.OTHER)


def _is_software(device: RuntimeDevice) -> bool:
    return bool(_SOFTWARE.search(device.description))


def _new_place(device: RuntimeDevice) -> _Place:
    software = _is_software(device)
    vendor = Vendor.OTHER if software else _vendor(device)
    return _Place(vendor=vendor, name=device.description or device.runtime_name, software=software)


def _place_of(device: RuntimeDevice, backend: str, of_backend: list[RuntimeDevice], places: list[_Place]) -> _Place | None:
    """Rules 2 to 4."""
    if _is_software(device):
        return None
    vendor = _vendor(device)
    of_vendor = [place for place in places if place.vendor is vendor and not place.software]
    free = [place for place in of_vendor if backend not in place.devices]
    same_name = [place for place in free if _plain(place.name) == _plain(device.description)]
    if same_name:
        return min(same_name, key=lambda place: _distance(device, place))  # of equals the first
    near = [place for place in free if _distance(device, place) <= _NEAR]
    if near:
        return min(near, key=lambda place: _distance(device, place))
    only_one = len(of_vendor) == 1 and sum(_vendor(other) is vendor for other in of_backend) == 1
    return free[0] if free and only_one else None


def _plain(name: str) -> str:
    return _NOISE.sub("", name.lower())


def _distance(device: RuntimeDevice, place: _Place) -> float:
    """Relative difference of the total memories; 1 when one is not known."""
    total = place.total_bytes
    if not total or not device.memory_total_bytes:
        return 1.0
    return abs(total - device.memory_total_bytes) / max(total, device.memory_total_bytes)


def _gpu(index: int, place: _Place, places: list[_Place], devices: tuple[RuntimeDevice, ...] | None) -> Gpu:
    device = next(iter(place.devices.values()), None)
    total, free, why_no_memory = _memory(place, device)
    return Gpu(
        index=index,
        name=place.name,
        vendor=place.vendor,
        runtime_name=device.runtime_name if device else None,
        friendly_name=friendly_name(device.runtime_name) if device else _friendly_without_runtime(place, places),
        memory_total_bytes=total,
        memory_free_bytes=free,
        why_no_runtime_name=None if device else _why_not_listed(place, devices),
        why_no_memory=why_no_memory,
        software=place.software,
    )


def _memory(place: _Place, device: RuntimeDevice | None) -> tuple[int | None, int | None, str | None]:
    seen = place.seen
    if device is None:
        if seen is None:
            return None, None, "nobody tells it"
        return seen.memory_total_bytes, seen.memory_free_bytes, seen.why_no_memory
    free = device.memory_free_bytes
    if seen is not None and seen.memory_free_bytes is not None and _distance(device, place) <= _NEAR:
        free = min(seen.memory_free_bytes, device.memory_total_bytes)
    return device.memory_total_bytes, free, None


def _friendly_without_runtime(place: _Place, places: list[_Place]) -> str:
    """The name it would have with its vendor's backend."""
    before = sum(other.vendor is place.vendor for other in places[: places.index(place)])
    return friendly_name(f"{_BACKEND_OF.get(place.vendor, 'Vulkan')}{before}")


def _why_not_listed(place: _Place, devices: tuple[RuntimeDevice, ...] | None) -> str:
    if devices is None:
        return "there are no llama.cpp programs yet that could use it"
    backend = _BACKEND_OF.get(place.vendor, "Vulkan")
    gpus = [device for device in devices if device_kind(device.runtime_name) is DeviceKind.GPU]
    if not any(_vendor(device) is place.vendor for device in gpus):
        return f"this build of llama.cpp has no {backend} or Vulkan backend that works here"
    hidden = f"it may be hidden ({_hiding(place)}) or too old for this build"
    return f"llama.cpp lists another {place.vendor} GPU but not this one: {hidden}"


def _hiding(place: _Place) -> str:
    return {
        Vendor.NVIDIA: "CUDA_VISIBLE_DEVICES",
        Vendor.AMD: "HIP_VISIBLE_DEVICES",
        Vendor.INTEL: "ONEAPI_DEVICE_SELECTOR",
    }.get(place.vendor, "GGML_VK_VISIBLE_DEVICES")
