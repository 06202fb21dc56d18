"""NVIDIA GPUs, through NVML. The only file that imports ``pynvml`` (distribution ``nvidia-ml-py``).

Parsing ``nvidia-smi`` was rejected for this machine: it takes a tenth of a second or more and a process per sample. NVML stays
open between samples; when a call says that the library lost its driver (an update while we run), it is opened anew.
"""

from __future__ import annotations

from enum import StrEnum
from threading import Lock
from typing import Any, Protocol

import pynvml  # noqa: TID251 - the one file

from engine.machines.gpus.vendor_gpu import VendorAnswer, VendorGpu
from engine.vocabulary.device import Vendor


class WhyNoNvidia(StrEnum):
    """Why NVML shows no GPU: a part of a sentence for people."""

    NO_LIBRARY = "NVIDIA's driver library (NVML) is not installed"
    NO_DRIVER = "NVIDIA's driver is not loaded"
    VERSION_MISMATCH = "NVIDIA's driver was updated and does not match its library until this machine is restarted"
    NO_PERMISSION = "this user may not use NVIDIA's driver"
    NO_DEVICE = "NVIDIA's driver finds no GPU"
    FAILED = "NVIDIA's driver library (NVML) failed"


_REASONS = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: WhyNoNvidia.NO_LIBRARY,
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND: WhyNoNvidia.NO_LIBRARY,
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: WhyNoNvidia.NO_DRIVER,
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: WhyNoNvidia.VERSION_MISMATCH,
    pynvml.NVML_ERROR_NO_PERMISSION: WhyNoNvidia.NO_PERMISSION,
    pynvml.NVML_ERROR_NOT_FOUND: WhyNoNvidia.NO_DEVICE,
}


class Nvml(Protocol):
    """The part of ``pynvml`` that is used. A handle is whatever the library hands out."""

    def nvmlInit(self) -> None: ...  # noqa: N802 - NVML's own names and meanings
    def nvmlShutdown(self) -> None: ...  # noqa: N802
    def nvmlDeviceGetCount(self) -> int: ...  # noqa: N802
    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any: ...  # noqa: N802, ANN401
    def nvmlDeviceGetName(self, handle: Any) -> str | bytes: ...  # noqa: N802, ANN401
    def nvmlDeviceGetPciInfo(self, handle: Any) -> Any: ...  # noqa: N802, ANN401
    def nvmlDeviceGetMemoryInfo(self, handle: Any) -> Any: ...  # noqa: N802, ANN401
    def nvmlDeviceGetUtilizationRates(self, handle: Any) -> Any: ...  # noqa: N802, ANN401
    def nvmlDeviceGetTemperature(self, handle: Any, sensor: int) -> int: ...  # noqa: N802, ANN401


class NvidiaGpus:
    """Looks through NVML, from any thread, one at a time."""

    def __init__(self, nvml: Nvml = pynvml) -> None:
        self._nvml = nvml
        self._lock = Lock()
        self._open = False

    def look(self) -> VendorAnswer:
        """Every GPU in NVML's order (by PCI address), or why there is none."""
        with self._lock:
            try:
                return self._look()
            except pynvml.NVMLError as error:
                self._close()
                reason = _REASONS.get(error.value, WhyNoNvidia.FAILED)
                return VendorAnswer(why_none=f"{reason} ({error})" if reason is WhyNoNvidia.FAILED else reason)

    def close(self) -> None:
        """Let go of the library. Looking again opens it again."""
        with self._lock:
            self._close()

    def _look(self) -> VendorAnswer:
        if not self._open:
            self._nvml.nvmlInit()
            self._open = True
        gpus = tuple(self._gpu(index) for index in range(self._nvml.nvmlDeviceGetCount()))
        return VendorAnswer(gpus=gpus, why_none=None if gpus else WhyNoNvidia.NO_DEVICE)

    def _close(self) -> None:
        if self._open:
            self._open = False
            try:
                self._nvml.nvmlShutdown()
            except pynvml.NVMLError:
                return  # it is lost already

    def _gpu(self, index: int) -> VendorGpu:
        handle = self._nvml.nvmlDeviceGetHandleByIndex(index)
        total, free, why_no_memory = self._memory(handle)
        return VendorGpu(
            vendor=Vendor.NVIDIA,
            name=_text(self._nvml.nvmlDeviceGetName(handle)),
            pci_address=self._pci_address(handle),
            memory_total_bytes=total,
            memory_free_bytes=free,
            why_no_memory=why_no_memory,
            busy_fraction=self._busy(handle),
            celsius=self._celsius(handle),
        )

    def _pci_address(self, handle: Any) -> str | None:  # noqa: ANN401 - NVML's handle
        try:
            info = self._nvml.nvmlDeviceGetPciInfo(handle)
        except pynvml.NVMLError:
            return None
        return f"{info.domain:04x}:{info.bus:02x}:{info.device:02x}.0"

    def _memory(self, handle: Any) -> tuple[int | None, int | None, str | None]:  # noqa: ANN401 - NVML's handle
        try:
            memory = self._nvml.nvmlDeviceGetMemoryInfo(handle)
        except pynvml.NVMLError as error:  # "Not Supported" where GPU and CPU share their memory (DGX Spark, Jetson)
            return None, None, f"NVIDIA's driver does not tell this GPU's memory ({error})"
        return int(memory.total), int(memory.free), None

    def _busy(self, handle: Any) -> float | None:  # noqa: ANN401 - NVML's handle
        try:
            return float(self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu) / 100
        except pynvml.NVMLError:  # not told for MIG
            return None

    def _celsius(self, handle: Any) -> float | None:  # noqa: ANN401 - NVML's handle
        try:
            return float(self._nvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU))
        except pynvml.NVMLError:  # not told for MIG
            return None


def _text(name: str | bytes) -> str:
    return name.decode("utf-8", errors="replace") if isinstance(name, bytes) else name
