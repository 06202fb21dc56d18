"""What a Mac's own programs say: ``sysctl``, ``vm_stat``, ``sw_vers``, ``ioreg``, ``system_profiler``. Pure.

**Untested on a Mac**: none was at hand. Written from Apple's manual pages sysctl(3), vm_stat(1), sw_vers(1) and from published
outputs (``tests/documented/macos``).
"""

from __future__ import annotations

import re

import msgspec

from engine.machines.gpus.vendor_gpu import VendorAnswer, VendorGpu
from engine.machines.processors.cpu_macos import MACOS_FEATURES
from engine.machines.processors.cpu_of_system import CpuOfSystem, unnamed_cpu
from engine.machines.remote_probe.sent.sent_text import SenselessError, optional_number, whole_number
from engine.machines.system_facts import SystemFacts
from engine.vocabulary.device import Vendor

_UUID = re.compile(r'"IOPlatformUUID" = "([0-9A-Fa-f-]{36})"')
_PAGE = re.compile(r"page size of (\d{4,6}) bytes")
_MOST_CARDS = 64


class _Display(msgspec.Struct):
    """One entry of ``SPDisplaysDataType``."""

    name: str = msgspec.field(name="_name", default="")
    model: str = msgspec.field(name="sppci_model", default="")
    vendor: str = msgspec.field(name="spdisplays_vendor", default="")
    vram: str = msgspec.field(name="spdisplays_vram", default="")


class _Displays(msgspec.Struct):
    """The whole output."""

    cards: list[_Display] = msgspec.field(name="SPDisplaysDataType", default_factory=list)


def macos_name(sw_vers: str) -> str:
    """``macOS 15.1``."""
    values = _values(sw_vers)
    return f"{values.get('ProductName', 'macOS')} {values.get('ProductVersion', '')}".strip()


def macos_system_id(ioreg: str) -> str | None:
    """The hardware's UUID."""
    match = _UUID.search(ioreg)
    return match[1].upper() if match else None


def macos_cpu(sysctl: str, architecture: str) -> CpuOfSystem:
    """The processor."""
    values = _values(sysctl)
    sets = tuple(name for key, name in MACOS_FEATURES.items() if values.get(key) == "1")
    return CpuOfSystem(name=values.get("machdep.cpu.brand_string") or unnamed_cpu(architecture), instruction_sets=sets)


def macos_facts(sysctl: str, vm_stat: str) -> SystemFacts:
    """Cores and RAM. What can be taken: free, inactive and speculative pages, as psutil counts them."""
    values = _values(sysctl)
    total = whole_number(values.get("hw.memsize", ""), "its RAM")
    return SystemFacts(
        physical_cores=optional_number(values.get("hw.physicalcpu"), "its number of cores", 1 << 20) or None,
        logical_cores=optional_number(values.get("hw.logicalcpu"), "its number of cores", 1 << 20) or None,
        usable_logical_cores=None,
        ram_total_bytes=total,
        ram_available_bytes=min(total, _available(vm_stat)),
    )


def macos_gpus(system_profiler: str | None) -> VendorAnswer:
    """Graphics cards. Apple's share the RAM, so their memory is what Metal says of it."""
    if not system_profiler:
        return VendorAnswer(why_none="macOS did not tell its graphics cards")
    try:
        found = msgspec.json.decode(system_profiler, type=_Displays)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise SenselessError("its list of graphics cards is damaged") from error
    gpus = tuple(_gpu(card) for card in found.cards[:_MOST_CARDS])
    return VendorAnswer(gpus=gpus, why_none=None if gpus else "macOS shows no graphics card")


def _gpu(card: _Display) -> VendorGpu:
    words = f"{card.vendor} {card.model}".lower()
    makers = (Vendor.APPLE, Vendor.AMD, Vendor.INTEL, Vendor.NVIDIA)
    vendor = next((maker for maker in makers if maker.lower() in words), Vendor.OTHER)
    size, _, unit = card.vram.partition(" ")
    unit_bytes = {"MB": 1 << 20, "GB": 1 << 30}.get(unit, 0)
    total = int(size) * unit_bytes if re.fullmatch(r"\d{1,6}", size) else 0
    why = "it shares the RAM" if vendor is Vendor.APPLE else "macOS does not tell what of it is free"
    return VendorGpu(vendor=vendor, name=card.model or card.name, memory_total_bytes=total or None, why_no_memory=why)


def _available(vm_stat: str) -> int:
    page = _PAGE.search(vm_stat)
    values = _values(vm_stat)
    names = ("Pages free", "Pages inactive", "Pages speculative")
    pages = sum(optional_number(values.get(name, "").rstrip("."), "its free RAM", 1 << 44) or 0 for name in names)
    return pages * (int(page[1]) if page else 4096)


def _values(text: str) -> dict[str, str]:
    """``key: value`` lines."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip().strip('"'): value.strip() for key, colon, value in pairs if colon}
