"""One sample of what this machine is doing: processors, RAM, GPUs. Measured at 0.6 ms on a busy machine without a GPU: once
per second that is 0.06% of one core.

The processors' load is the difference between two readings of the system's counters, so the first sample has none (``None``,
not 0: see ``system_facts``). Readings nearer than ``MIN_GAP_SECONDS`` are not compared, for the counters move in steps of
10 ms: the last answer is given again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

from engine.machines.gpus.vendor_gpu import VendorGpu
from engine.machines.system_facts import ProcessorTimes
from engine.vocabulary.device import Gpu
from engine.vocabulary.machine import Machine, MachineLoad

MIN_GAP_SECONDS = 0.2


class LoadSampler:
    """Samples, from any thread. Everything it reads is handed in."""

    def __init__(
        self,
        *,
        now_seconds: Callable[[], float],
        processor_times: Callable[[], ProcessorTimes],
        ram_available_bytes: Callable[[], int],
        vendor_gpus: Callable[[], Sequence[VendorGpu]],
    ) -> None:
        self._now = now_seconds
        self._processor_times = processor_times
        self._ram_available = ram_available_bytes
        self._vendor_gpus = vendor_gpus
        self._lock = Lock()
        self._last: tuple[float, ProcessorTimes] | None = None
        self._busy: float | None = None

    def sample(self, machine: Machine) -> MachineLoad:
        """Now. GPUs that only the runtime knows have ``None``: nobody tells their load."""
        now = self._now()
        seen = self._seen(machine.gpus)
        return MachineLoad(
            machine_id=machine.id,
            taken_at_seconds=now,
            cpu_busy_fraction=self._busy_fraction(now),
            ram_available_bytes=self._ram_available(),
            gpu_busy_fractions=tuple(gpu.busy_fraction if gpu else None for gpu in seen),
            gpu_free_bytes=tuple(gpu.memory_free_bytes if gpu else None for gpu in seen),
            gpu_temperatures_celsius=tuple(gpu.celsius if gpu else None for gpu in seen),
        )

    def _busy_fraction(self, now: float) -> float | None:
        with self._lock:
            if self._last is not None and now - self._last[0] < MIN_GAP_SECONDS:
                return self._busy
            times = self._processor_times()
            self._busy = times.busy_fraction_since(self._last[1]) if self._last else None
            self._last = (now, times)
            return self._busy

    def _seen(self, gpus: tuple[Gpu, ...]) -> list[VendorGpu | None]:
        """``match_gpus`` puts the vendor's GPUs first and in their order. One whose name has changed is another GPU."""
        found: list[VendorGpu | None] = list(self._vendor_gpus()) if gpus else []
        found += [None] * (len(gpus) - len(found))
        return [seen if seen and seen.name == gpu.name else None for gpu, seen in zip(gpus, found, strict=False)]
