"""AMD and Intel GPUs, as the Linux kernel shows them under /sys/class/drm.

Sources: kernel documentation ``gpu/amdgpu/driver-misc.rst`` (mem_info_vram_total, mem_info_vram_used, product_name),
``gpu/amdgpu/thermal.rst`` (gpu_busy_percent); ``drivers/gpu/drm/xe/xe_tile_sysfs.c`` (physical_vram_size_bytes). Intel's
drivers tell neither free memory nor load here, so those stay unknown. ROCm's ``amdsmi`` was rejected: it comes with a ROCm
that fits its version, which a machine with a Vulkan build does not have.

Names come from the system's ``pci.ids`` where it is installed, else they are the PCI numbers. NVIDIA cards are left to NVML;
without it the reason for "no GPU" tells that they are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from engine.machines.file_trees import DiskFiles, FileTree
from engine.machines.gpus.vendor_gpu import VendorAnswer, VendorGpu
from engine.vocabulary.device import Vendor

_VENDORS = {"0x1002": Vendor.AMD, "0x8086": Vendor.INTEL}
_NVIDIA = "0x10de"
_CARD = re.compile(r"card\d+")
_PCI_IDS = ("/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids")


class SysfsGpus:
    """Looks through /sys/class/drm."""

    def __init__(
        self, drm: Path = Path("/sys/class/drm"), pci_ids: tuple[str, ...] = _PCI_IDS, files: FileTree | None = None
    ) -> None:
        self._drm = drm
        self._files = files or DiskFiles()
        self._pci_ids = pci_ids
        self._names: dict[tuple[str, str], str] = {}

    def look(self) -> VendorAnswer:
        """Every AMD and Intel GPU by PCI address, or why there is none."""
        if self._files.names(self._drm) is None:
            return VendorAnswer(why_none="the kernel shows no graphics card (/sys/class/drm is not there)")
        cards = [(self._read(device / "vendor"), device) for device in self._devices()]
        gpus = sorted(
            (self._gpu(_VENDORS[vendor], device) for vendor, device in cards if vendor in _VENDORS),
            key=lambda gpu: gpu.pci_address or "",
        )
        return VendorAnswer(gpus=tuple(gpus), why_none=None if gpus else _why_none([vendor for vendor, _ in cards]))

    def _devices(self) -> Iterator[Path]:
        """One folder per card; its connectors (card0-HDMI-A-1) and render nodes are not cards."""
        for name in self._files.names(self._drm) or ():
            if _CARD.fullmatch(name):
                yield self._drm / name / "device"

    def _gpu(self, vendor: Vendor, device: Path) -> VendorGpu:
        total, free = self._amd_memory(device) if vendor is Vendor.AMD else (self._xe_memory(device), None)
        busy = self._number(device / "gpu_busy_percent")
        return VendorGpu(
            vendor=vendor,
            name=self._name(vendor, device),
            pci_address=self._pci_address(device),
            memory_total_bytes=total,
            memory_free_bytes=free,
            why_no_memory=f"the kernel's {vendor} driver does not tell it" if free is None else None,
            busy_fraction=None if busy is None else min(1.0, busy / 100),
        )

    def _name(self, vendor: Vendor, device: Path) -> str:
        numbers = (self._read(device / "vendor").removeprefix("0x"), self._read(device / "device").removeprefix("0x"))
        if numbers not in self._names:  # a file of a megabyte: read once per card, not once per second
            self._names[numbers] = self._listed_name(*numbers) or f"{vendor} GPU [{':'.join(numbers)}]"
        return self._read(device / "product_name") or self._names[numbers]

    def _listed_name(self, vendor_id: str, device_id: str) -> str | None:
        text = next((text for path in self._pci_ids if (text := self._files.read(Path(path)))), "")
        return name_in_pci_ids(text, vendor_id, device_id)

    def _amd_memory(self, device: Path) -> tuple[int | None, int | None]:
        total, used = self._number(device / "mem_info_vram_total"), self._number(device / "mem_info_vram_used")
        return total, None if total is None or used is None else max(0, total - used)

    def _xe_memory(self, device: Path) -> int | None:
        tiles = [device / name for name in self._files.names(device) or () if name.startswith("tile")]
        sizes = [size for tile in tiles if (size := self._number(tile / "physical_vram_size_bytes"))]
        return sum(sizes) or None

    def _pci_address(self, device: Path) -> str | None:
        lines = self._read(device / "uevent").splitlines()
        return next((line.partition("=")[2].lower() for line in lines if line.startswith("PCI_SLOT_NAME=")), None)

    def _number(self, path: Path) -> int | None:
        text = self._read(path)
        return int(text) if text.isdecimal() and text.isascii() and len(text) < 20 else None

    def _read(self, path: Path) -> str:
        return self._files.read(path).strip()


def _why_none(vendors: list[str]) -> str:
    n_nvidia = vendors.count(_NVIDIA)
    cards = f" (but {n_nvidia} NVIDIA card{'s' if n_nvidia > 1 else ''})" if n_nvidia else ""
    return f"the kernel shows no AMD or Intel GPU{cards}"


def name_in_pci_ids(text: str, vendor_id: str, device_id: str) -> str | None:
    """``744c`` under ``1002``: the marketing name in brackets if there is one (``Navi 31 [Radeon RX 7900 XT/7900 XTX]``)."""
    inside = False
    for line in text.splitlines():
        if line and line[0] not in "\t#":
            inside = line.startswith(f"{vendor_id} ")
        elif inside and line.startswith(f"\t{device_id} "):
            name = line.split(maxsplit=1)[1].strip()
            bracketed = re.search(r"\[(.+)\]", name)
            return bracketed[1] if bracketed else name
    return None
