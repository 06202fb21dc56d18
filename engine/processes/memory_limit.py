"""Holding a program to a limit of memory, where the system offers it. What does it is handed to the starter (see
``engine.machines.limits.memory_limits``); this is what the starter asks of it, and how much room a limit must leave.
"""

from __future__ import annotations

from typing import Protocol

_HEADROOM_BYTES = 512 * 1024 * 1024
_HEADROOM_FRACTION = 0.10


class MemoryLimiter(Protocol):
    """Holds programs to limits."""

    def hold(self, pid: int, limit_bytes: int) -> str | None:
        """From now on. ``None`` = it is held; else why not, a part of a sentence."""

    def let_go(self, pid: int) -> None:
        """The program has ended. Never fails; harmless for one that was not held."""


def limit_with_headroom(needed_bytes: int) -> int:
    """The limit for a worker that may use so much: a tenth and 512 MiB more. A CPU worker's weights and KV are anonymous
    memory, so a tight limit does not slow it down, it *kills* it; the room is for graphs, threads' stacks, the allocator's
    waste and the file cache it writes (charged to it until dropped)."""
    return needed_bytes + int(needed_bytes * _HEADROOM_FRACTION) + _HEADROOM_BYTES
