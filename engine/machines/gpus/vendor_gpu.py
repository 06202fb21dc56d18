"""One GPU as its vendor's library or the kernel sees it, before it is matched with what the runtime lists."""

from __future__ import annotations

from dataclasses import dataclass

from engine.vocabulary.device import Vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorGpu:
    """Facts without a llama.cpp device name."""

    vendor: Vendor
    name: str
    pci_address: str | None = None
    """``0000:01:00.0``, lower case."""
    memory_total_bytes: int | None = None
    memory_free_bytes: int | None = None
    why_no_memory: str | None = None
    busy_fraction: float | None = None
    """0..1; ``None`` when nobody tells."""
    celsius: float | None = None
    """How hot it is; ``None`` when nobody tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorAnswer:
    """What one source found. ``why_none`` is a part of a sentence for people, set when ``gpus`` is empty."""

    gpus: tuple[VendorGpu, ...] = ()
    why_none: str | None = None
