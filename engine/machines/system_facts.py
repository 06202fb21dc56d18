"""Cores, RAM and how busy the processors are, on every system. The only file that imports ``psutil``.

``psutil.cpu_percent(interval=None)`` was rejected: it remembers the last call per *thread*, so the first call on each thread
of a job pool answers 0.0. ``ProcessorTimes`` hands the counters out, and the caller keeps the last ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import psutil  # noqa: TID251 - the one file


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFacts:
    """What the system says of the whole machine, whatever share of it is ours."""

    physical_cores: int | None
    logical_cores: int | None
    usable_logical_cores: int | None
    """Those that this process may run on (CPU affinity, a container's cpuset); ``None`` where the system has no such thing."""
    ram_total_bytes: int
    ram_available_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorTimes:
    """Counters since the start of the machine, over all cores, in seconds."""

    busy_seconds: float
    idle_seconds: float

    def busy_fraction_since(self, earlier: ProcessorTimes) -> float | None:
        """0..1, or ``None`` when no time was counted in between."""
        busy = self.busy_seconds - earlier.busy_seconds
        total = busy + self.idle_seconds - earlier.idle_seconds
        if total <= 0:
            return None
        return min(1.0, max(0.0, busy / total))


def read_system_facts() -> SystemFacts:
    """Ask the system."""
    memory = psutil.virtual_memory()
    return SystemFacts(
        physical_cores=psutil.cpu_count(logical=False),
        logical_cores=psutil.cpu_count(logical=True),
        usable_logical_cores=_usable_cores(),
        ram_total_bytes=memory.total,
        ram_available_bytes=memory.available,
    )


def read_ram_available_bytes() -> int:
    """What can be taken now without swapping."""
    return int(psutil.virtual_memory().available)


def read_processor_times() -> ProcessorTimes:
    """Waiting for a disk counts as idle. ``guest`` time is part of ``user`` already (proc(5)) and is not added again."""
    times = psutil.cpu_times()._asdict()
    idle = times["idle"] + times.get("iowait", 0.0)
    counted = sum(seconds for name, seconds in times.items() if name not in ("guest", "guest_nice"))
    return ProcessorTimes(busy_seconds=counted - idle, idle_seconds=idle)


def _usable_cores() -> int | None:
    process = psutil.Process()
    return len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else None
