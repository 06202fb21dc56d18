"""A TCP relay that puts distance between two machines: a fixed delay each way, and a bandwidth if wanted.

As a program: ``python delay_relay.py LISTEN TO_ADDRESS TO_PORT DELAY_MS MBIT`` (MBIT 0: no limit); prints the port that it
listens on, ends when its stdin closes. As an object: :class:`DelayRelay`. The kernels of many test machines have no ``netem``.

One thread, ``select`` and a queue of chunks with the time at which each is due; the timer slack of the process is set to
1 µs. asyncio was not taken: epoll rounds waits up to whole milliseconds. The opening handshake is not delayed: it ends at
the relay. Standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

_CHUNK_BYTES = 262_144
_MOST_QUEUED_BYTES = 16_777_216
_PR_SET_TIMERSLACK = 29
_SPIN_SECONDS = 0.0004
"""So long before a chunk is due the relay stops sleeping and asks again and again: a sleeping processor wakes up late."""
_START_SECONDS = 10.0


class _OneWay:
    """Bytes from one socket to the other, late."""

    def __init__(self, source: socket.socket, sink: socket.socket, delay_seconds: float, bytes_per_second: float) -> None:
        self.source = source
        self.sink = sink
        self.queue: deque[tuple[float, memoryview]] = deque()
        self.queued_bytes = 0
        self.ended = False
        self.sink_is_full = False
        self._delay = delay_seconds
        self._rate = bytes_per_second
        self._line_free_at = 0.0

    @property
    def wants_to_read(self) -> bool:
        return not self.ended and self.queued_bytes < _MOST_QUEUED_BYTES

    @property
    def is_over(self) -> bool:
        return self.ended and not self.queue

    def due_at(self) -> float | None:
        """When the next chunk is to go out."""
        return self.queue[0][0] if self.queue and not self.sink_is_full else None

    def read(self, now: float) -> None:
        chunk = self.source.recv(_CHUNK_BYTES)
        self.ended = not chunk
        self._line_free_at = max(now, self._line_free_at) + (len(chunk) / self._rate if self._rate else 0.0)
        self.queue.append((self._line_free_at + self._delay, memoryview(chunk)))  # an empty one is the end
        self.queued_bytes += len(chunk)

    def write(self, now: float) -> None:
        """Send all that is due."""
        self.sink_is_full = False
        while self.queue and self.queue[0][0] <= now:
            due, chunk = self.queue.popleft()
            if not chunk:
                with contextlib.suppress(OSError):
                    self.sink.shutdown(socket.SHUT_WR)
                return
            try:
                sent = self.sink.send(chunk)
            except BlockingIOError:
                sent = 0
            self.queued_bytes -= sent
            if sent < len(chunk):
                self.queue.appendleft((due, chunk[sent:]))
                self.sink_is_full = True
                return


class _Relay:
    def __init__(self, listener: socket.socket, to: tuple[str, int], delay_seconds: float, bytes_per_second: float) -> None:
        self._listener = listener
        self._to = to
        self._delay = delay_seconds
        self._rate = bytes_per_second
        self._ways: list[tuple[_OneWay, _OneWay]] = []

    def serve(self, until_readable: int) -> None:
        """Until that descriptor closes."""
        while True:
            ways = [way for pair in self._ways for way in pair]
            reading = [way.source for way in ways if way.wants_to_read]
            writing = [way.sink for way in ways if way.sink_is_full]
            due = [at for way in ways if (at := way.due_at()) is not None]
            left = max(0.0, min(due) - time.monotonic() - _SPIN_SECONDS) if due else None
            readable, writable, _ = select.select([until_readable, self._listener, *reading], writing, [], left)
            if until_readable in readable:
                return
            if self._listener in readable:
                self._open()
            self._move(set(readable), set(writable))

    def _open(self) -> None:
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(self._to, timeout=5.0)
        except OSError:
            near.close()
            return
        for one in (near, far):
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ways.append((_OneWay(near, far, self._delay, self._rate), _OneWay(far, near, self._delay, self._rate)))

    def _move(self, readable: set[object], writable: set[object]) -> None:
        for pair in list(self._ways):
            try:
                for way in pair:
                    now = time.monotonic()
                    if way.source in readable and way.wants_to_read:
                        way.read(now)
                    if not way.sink_is_full or way.sink in writable:
                        way.write(now)
            except BlockingIOError:
                continue
            except OSError:
                self._close(pair)
                continue
            if all(way.is_over for way in pair):
                self._close(pair)

    def _close(self, pair: tuple[_OneWay, _OneWay]) -> None:
        self._ways.remove(pair)
        for way in pair:
            way.source.close()


def main(arguments: list[str]) -> int:
    listen, to_address, to_port, delay_ms, mbit = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1000, 0, 0, 0)
    with socket.create_server((listen, 0), backlog=128) as listener:
        print(listener.getsockname()[1], flush=True)
        to = (to_address, int(to_port))
        _Relay(listener, to, float(delay_ms) / 1000, float(mbit) * 1e6 / 8).serve(sys.stdin.fileno())
    return 0


class DelayRelay:
    """The relay as a process of its own. A context manager; connect to ``address`` and ``port`` meanwhile."""

    def __init__(
        self,
        *,
        to: tuple[str, int],
        listen: str = "127.0.0.1",
        delay_ms: float,
        mbit: float | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        """``delay_ms`` each way; ``mbit``: megabits per second of each connection each way; ``prefix``: before the command."""
        self.address = listen
        self.port = 0
        places = [listen, to[0], str(to[1]), str(delay_ms), str(mbit or 0)]
        self._command = [*prefix, sys.executable, "-I", "-S", str(Path(__file__).resolve()), *places]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> DelayRelay:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], _START_SECONDS)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            self.__exit__(None, None, None)
            raise TimeoutError(f"{' '.join(self._command)} did not start")
        self.port = int(line)
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
