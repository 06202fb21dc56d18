"""Safe memory: what may be taken of a device. Never more than is free now, never the reserve.

Rejected: llama.cpp's own margin (``-fitt``, 1024 MiB per device): it is blind to the size of the device, and on CPU devices
llama.cpp reports ``free == total`` (ggml-cpu.cpp, ``ggml_backend_cpu_device_get_memory``).
"""

from __future__ import annotations

DEFAULT_RESERVE_FRACTION = 0.20
"""Share of the total that is left alone: the desktop, other programs, CUDA's contexts (``CUDA_PROCESSES_BYTES``)."""

LEAST_RESERVE_FRACTION, MOST_RESERVE_FRACTION = 0.05, 0.80
"""Bounds of what the window lets a person set. Safe memory is never above 95 %: CUDA's contexts alone take more than 5 % of a
12 GB card, and a machine whose RAM is filled to the last swaps the weights out. Above a reserve of 80 % no device is worth a
worker. The command line takes any share (``--reserve``): who types it there knows it."""

CUDA_PROCESSES_BYTES = 1 << 30 | 128 << 20
"""What an NVIDIA card loses beside what is planned, 1,152 MiB. Seen on an H100 with driver 580 and CUDA 13.0: 518 MiB for the
context of every process that only looks at the card, which a llama-server does that uses nothing but rpc-servers; 603 MiB
for the process that computes on it, whatever it holds. The two together are 1,121 MiB. Where llama-server uses the card itself
there is only the second: half of this is then spare."""


def safe_bytes(total: int, free_now: int, reserve_fraction: float = DEFAULT_RESERVE_FRACTION) -> int:
    """Bytes that may be used: ``min(total * (1 - reserve_fraction), free_now)``, never negative."""
    return max(0, min(round(total * (1.0 - reserve_fraction)), free_now))


def total_for_safe(safe: int, reserve_fraction: float = DEFAULT_RESERVE_FRACTION) -> int:
    """The total that leaves ``safe`` bytes after the reserve: for a description that gives only what is safe."""
    return round(safe / (1.0 - reserve_fraction)) if reserve_fraction < 1.0 else safe
