"""Counts what the tunnels of a run carry to the other machines: the bytes that their ssh processes have written.

The kernel counts them per process (``machines.process_io``), so nothing stands in the way of the bytes. Rejected: a relay of
our own that counts (a copy more of every byte).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from engine.ports import RunningProcess
from engine.session import events, remote_events
from engine.session.jobs import Token
from engine.vocabulary.machine import MachineId

COUNT_SECONDS = 0.5


@dataclass
class _Tunnel:
    machine_id: MachineId
    process: RunningProcess
    opened_bytes: int
    """What ssh had written to log in."""
    told_bytes: int = 0


class TunnelCounts:
    """Of all tunnels that are open."""

    def __init__(self, written_bytes: Callable[[int], int | None], post: Callable[[events.Event], None]) -> None:
        """``written_bytes`` tells what the process of a pid has written so far; ``None`` = not known."""
        self._written_bytes = written_bytes
        self._post = post
        self._lock = threading.Lock()
        self._open: list[_Tunnel] = []

    def follow(self, machine_id: MachineId, process: RunningProcess, token: Token) -> None:
        """Tell what the tunnel carries, twice a second while it changes, until it ends."""
        opened = self._written_bytes(process.pid)
        if opened is None:
            return
        tunnel = _Tunnel(machine_id, process, opened)
        with self._lock:
            self._open.append(tunnel)
        try:
            while process.is_alive():
                self._tell(tunnel)
                token.wait(COUNT_SECONDS)
        finally:
            with self._lock:
                self._open.remove(tunnel)

    def tell_now(self) -> None:
        """Tell what every tunnel has carried up to this moment."""
        with self._lock:
            tunnels = tuple(self._open)
        for tunnel in tunnels:
            self._tell(tunnel)

    def total_bytes(self) -> int:
        """Through all of them so far."""
        with self._lock:
            return sum(self._written_bytes(tunnel.process.pid) or 0 for tunnel in self._open)

    def _tell(self, tunnel: _Tunnel) -> None:
        with self._lock:  # a smaller count must not be told after a larger one
            written = self._written_bytes(tunnel.process.pid)
            if written is None or written - tunnel.opened_bytes == tunnel.told_bytes:
                return
            tunnel.told_bytes = written - tunnel.opened_bytes
            self._post(remote_events.TunnelCarried(machine_id=tunnel.machine_id, sent_bytes=tunnel.told_bytes))
