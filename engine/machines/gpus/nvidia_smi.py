"""NVIDIA GPUs of another machine, from what ``nvidia-smi`` printed there. Pure. For this machine see ``nvidia``.

The query is ``index,name,memory.total,memory.used,memory.free,utilization.gpu,temperature.gpu,uuid`` as
``csv,noheader,nounits``; memory is in MiB and the order is by PCI address, as in NVML. What a GPU does not tell stands in
brackets: ``[N/A]``, ``[Not Supported]``, ``[GPU is lost]`` (nvidia-smi(1), ``--help-query-gpu``).
"""

from __future__ import annotations

import re

from engine.machines.gpus.vendor_gpu import VendorAnswer, VendorGpu
from engine.vocabulary.device import Vendor

_MIB = 1 << 20
_FIELDS = 8
_LINE = re.compile(r"\d{1,3}, ")
_NUMBER = re.compile(r"\d{1,9}")
_NOT_TOLD = re.compile(r"\[.*\]|N/A")


def parse_nvidia_smi(text: str | None) -> VendorAnswer:
    """Every GPU, or why there is none. ``None`` = there is no nvidia-smi. Raises ``ValueError`` for what it never says."""
    if text is None:
        return VendorAnswer(why_none="NVIDIA's nvidia-smi is not there")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    gpus = tuple(_gpu(line) for line in lines if _LINE.match(line))
    if gpus:
        return VendorAnswer(gpus=gpus)
    said = f" ({lines[0][:120].rstrip('.')})" if lines else ""
    return VendorAnswer(why_none=f"NVIDIA's nvidia-smi finds no GPU{said}")


def _gpu(line: str) -> VendorGpu:
    first, *fields = line.split(", ")
    if len(fields) < _FIELDS - 1:
        raise ValueError(f"nvidia-smi's line for GPU {first} is cut")
    name = ", ".join(fields[:-6])
    total, _, free, busy, _, _ = fields[-6:]
    memory_total, memory_free, percent = smi_number(total), smi_number(free), smi_number(busy)
    return VendorGpu(
        vendor=Vendor.NVIDIA,
        name=name,
        memory_total_bytes=None if memory_total is None else memory_total * _MIB,
        memory_free_bytes=None if memory_free is None else memory_free * _MIB,
        why_no_memory="NVIDIA's driver does not tell this GPU's memory" if memory_total is None else None,
        busy_fraction=None if percent is None else min(1.0, percent / 100),
    )


def smi_number(text: str) -> int | None:
    """A number, or ``None`` for what stands in brackets. Raises ``ValueError`` for anything else."""
    text = text.strip()
    if _NOT_TOLD.fullmatch(text):
        return None
    if not _NUMBER.fullmatch(text):
        raise ValueError("nvidia-smi tells a number that is none")
    return int(text)
