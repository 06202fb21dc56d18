"""NVML without a driver: the functions of ``pynvml`` that are used, with answers as NVML gives them."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import pynvml

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeNvidiaGpu:
    """One card. ``None`` = NVML answers "Not Supported"."""

    name: str | bytes = "NVIDIA GeForce RTX 4090"
    bus: int = 1
    total_mib: int | None = 24564
    free_mib: int = 24000
    busy_percent: int | None = 0
    celsius: int | None = 41


class FakeNvml:
    """Handles are the cards themselves."""

    def __init__(self, *gpus: FakeNvidiaGpu, init_error: int | None = None) -> None:
        self.gpus = gpus
        self.init_error = init_error
        self.lost = False
        self.opened = 0
        self.closed = 0

    def nvmlInit(self) -> None:
        if self.init_error is not None:
            raise pynvml.NVMLError(self.init_error)
        self.lost = False
        self.opened += 1

    def nvmlShutdown(self) -> None:
        self.closed += 1

    def nvmlDeviceGetCount(self) -> int:
        if self.lost:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeNvidiaGpu:
        return self.gpus[index]

    def nvmlDeviceGetName(self, handle: FakeNvidiaGpu) -> str | bytes:
        return handle.name

    def nvmlDeviceGetPciInfo(self, handle: FakeNvidiaGpu) -> SimpleNamespace:
        return SimpleNamespace(domain=0, bus=handle.bus, device=0, busId=f"00000000:{handle.bus:02X}:00.0")

    def nvmlDeviceGetMemoryInfo(self, handle: FakeNvidiaGpu) -> SimpleNamespace:
        if handle.total_mib is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        total, free = handle.total_mib * MIB, handle.free_mib * MIB
        return SimpleNamespace(total=total, free=free, used=total - free)

    def nvmlDeviceGetUtilizationRates(self, handle: FakeNvidiaGpu) -> SimpleNamespace:
        if handle.busy_percent is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return SimpleNamespace(gpu=handle.busy_percent, memory=0)

    def nvmlDeviceGetTemperature(self, handle: FakeNvidiaGpu, sensor: int) -> int:
        if handle.celsius is None or sensor != pynvml.NVML_TEMPERATURE_GPU:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return handle.celsius
