"""Tells the leashes of one connection that we live: a byte each every 2 s, from one thread; and carries commands to them.

All writing to leashes happens on this thread, so that nobody else waits should a connection not take what is sent. One thread
for all, because they share one connection: if it stalls for one, it stalls for all. It is there only while there are leashes.
"""

from __future__ import annotations

import contextlib
from collections import deque
from threading import Condition, Thread

from engine.errors import EngineError
from engine.remote_ports import RemoteStream
from engine.ssh.leashed.leash_programs import BEAT

PERIOD_SECONDS = 2.0
"""A fifth of the silence after which a leash lets go."""


class Heartbeat:
    """Of one connection."""

    def __init__(self, period_seconds: float = PERIOD_SECONDS) -> None:
        self._period = period_seconds
        self._condition = Condition()
        self._streams: list[RemoteStream] = []
        self._commands: deque[tuple[RemoteStream, bytes]] = deque()
        self._thread: Thread | None = None

    def add(self, stream: RemoteStream) -> None:
        """From now on."""
        with self._condition:
            self._streams.append(stream)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="heartbeat of leashes", daemon=True)
                self._thread.start()
            self._condition.notify()

    def remove(self, stream: RemoteStream) -> None:
        """No more. Idempotent."""
        with self._condition:
            if stream in self._streams:
                self._streams.remove(stream)
            self._condition.notify()

    def command(self, stream: RemoteStream, command: bytes) -> None:
        """Send it soon. Never waits; what cannot be sent any more is dropped: its reader sees the end of the stream."""
        with self._condition:
            self._commands.append((stream, command))
            self._condition.notify()

    def _run(self) -> None:
        while (work := self._next()) is not None:
            for stream, data in work:
                with contextlib.suppress(EngineError, OSError):
                    stream.send(data)

    def _next(self) -> list[tuple[RemoteStream, bytes]] | None:
        """What is to be sent: commands as they come, else beats when the time is up. ``None`` = the last leash is gone."""
        with self._condition:
            self._condition.wait_for(lambda: self._commands or not self._streams, self._period)
            if not self._streams:
                self._thread = None
                self._commands.clear()
                return None
            commands = list(self._commands)
            self._commands.clear()
            return commands or [(stream, BEAT) for stream in self._streams]
