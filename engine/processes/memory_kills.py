"""Whether a program of ours that ended by SIGKILL was killed by the system for want of memory. Linux.

The kernel counts such kills in ``/proc/vmstat`` (``oom_kill``), those of a memory cgroup's own limit included
(mm/oom_kill.c, ``__oom_kill_process``). The count is everybody's, so it is read every 2 s: only a kill that was counted in the
last moments of the program counts as its own. Rejected: ``memory.events`` of its cgroup (most programs have none of their own,
and a systemd scope is gone with its last process), the kernel's log (not readable without rights).
"""

from __future__ import annotations

import os
import select
from pathlib import Path

VMSTAT = Path("/proc/vmstat")
LOOK_SECONDS = 2.0


def counted_kills(vmstat: Path = VMSTAT) -> int | None:
    """How many since the system started; ``None`` where it does not say."""
    try:
        text = vmstat.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    number = next((line.partition(" ")[2] for line in text.splitlines() if line.startswith("oom_kill ")), "")
    return int(number) if number.isdecimal() else None


class MemoryKills:
    """For one program: made when it starts."""

    def __init__(self, pid: int, vmstat: Path = VMSTAT) -> None:
        self._vmstat = vmstat
        self._before = counted_kills(vmstat)
        self._descriptor = _pidfd(pid) if self._before is not None else None

    def wait(self) -> None:
        """Until it has ended, reading the count now and then; at once where that cannot be waited for."""
        if self._descriptor is None:
            return
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        try:
            while not poll.poll(LOOK_SECONDS * 1000):
                self._before = counted_kills(self._vmstat)
        finally:
            os.close(self._descriptor)

    def happened(self) -> bool:
        """Whether there was one since the last look. To be asked right after its end."""
        now = counted_kills(self._vmstat)
        return self._descriptor is not None and self._before is not None and now is not None and now > self._before


def _pidfd(pid: int) -> int | None:
    """Readable when the process has ended (pidfd_open(2), Linux 5.3)."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None
