"""Many TCP connections at once, each only to see whether somebody is there. Not a byte is sent.

A port that refuses is a sign of life too. Who says nothing within the patience is called silent: the first retransmission
of a SYN comes after a second (RFC 6298), so waiting between 0.5 s and 1 s more finds nobody else.

All connections are opened at once if the process may have that many; the rest follow as the first ones end, with a patience
that keeps the whole within the same time. Rejected: ``asyncio`` (a task per connection costs more than the connection) and
raising the limit of open files (it is the whole process's, and ``select`` elsewhere in it breaks above 1024).
"""

from __future__ import annotations

import errno
import math
import os
import selectors
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from enum import Enum

from engine.finding.sighting import Endpoint
from engine.ports import CancelToken

_SHORTEST_PATIENCE_SECONDS = 0.25
_RESERVED_FILES = 128
"""Open files left for the rest of the process."""
_FEWEST_SOCKETS = 32
_USUAL_LIMIT = 256
_MOST_OF_SELECT = 480
"""Windows has only ``select``, for 512 sockets."""
_LOOK_EVERY = 64
_LONGEST_WAIT_SECONDS = 0.05
_STARTED = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY)
_SHORT_OF = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.EAGAIN, errno.EADDRNOTAVAIL)
"""The process is out of files, or the system's neighbour table is full: later there may be room."""


class PortState(Enum):
    """What a port did when we connected to it."""

    OPEN = "open"
    REFUSED = "refused"
    SILENT = "silent"
    """No answer in time, or no way to get there."""


def connect_all(
    endpoints: Sequence[Endpoint], *, patience_seconds: float, token: CancelToken, most_sockets: int | None = None
) -> dict[Endpoint, PortState]:
    """The state of every endpoint, in about ``patience_seconds`` (more only when a small ``most_sockets``, by default what
    the limit of open files leaves, makes it many rounds). Raises ``Cancelled``; closes every socket in any case."""
    most = max(_FEWEST_SOCKETS, spare_sockets() if most_sockets is None else most_sockets)
    rounds = max(1, math.ceil(len(endpoints) / most))
    patience = max(min(patience_seconds, _SHORTEST_PATIENCE_SECONDS), patience_seconds / rounds)
    attempts = _Attempts(endpoints, patience, most)
    try:
        while attempts.goes_on():
            token.check()
            attempts.start_some()
            attempts.take_answers()
            attempts.give_up_old()
    finally:
        attempts.close()
    return attempts.states


def spare_sockets() -> int:
    """How many files this process may still open, without what is left for others."""
    if sys.platform == "win32":
        return _MOST_OF_SELECT
    import resource  # noqa: PLC0415 - there is none on Windows

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        limit = 65536
    return int(limit) - _open_files() - _RESERVED_FILES


def _open_files() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return len(os.listdir(folder))  # noqa: PTH208 - only counted
        except OSError:
            continue
    return _USUAL_LIMIT


class _Attempts:
    """The connections that are under way, the oldest first."""

    def __init__(self, endpoints: Sequence[Endpoint], patience_seconds: float, most: int) -> None:
        self.states = dict.fromkeys(endpoints, PortState.SILENT)
        self._to_start = deque(self.states)
        self._patience_seconds = patience_seconds
        self._most = most
        self._selector = selectors.DefaultSelector()
        self._pending: dict[socket.socket, tuple[Endpoint, float]] = {}

    def goes_on(self) -> bool:
        return bool(self._to_start or self._pending)

    def start_some(self) -> None:
        """A handful, so that answers are looked at in between."""
        for _ in range(_LOOK_EVERY):
            if not self._to_start or len(self._pending) >= self._most:
                return
            endpoint = self._to_start.popleft()
            if not self._start(endpoint):
                if self._pending:
                    self._to_start.appendleft(endpoint)  # when one of those ends, there is room
                    self._most = len(self._pending)
                return

    def take_answers(self) -> None:
        has_room = bool(self._to_start) and len(self._pending) < self._most
        for key, _events in self._selector.select(0 if has_room else self._next_wait_seconds()):
            assert isinstance(key.fileobj, socket.socket)  # noqa: S101 - tells the type checker: nothing else is registered
            error = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self._end(key.fileobj, error)

    def give_up_old(self) -> None:
        now = time.monotonic()
        while self._pending:
            connection, (_endpoint, ends) = next(iter(self._pending.items()))
            if ends > now:
                return
            self._end(connection, errno.ETIMEDOUT)

    def close(self) -> None:
        for connection in self._pending:
            connection.close()
        self._selector.close()

    def _start(self, endpoint: Endpoint) -> bool:
        """``False`` = there is no room now."""
        family = socket.AF_INET6 if ":" in endpoint[0] else socket.AF_INET
        try:
            connection = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            return error.errno not in _SHORT_OF
        connection.setblocking(False)
        code = _connect(connection, endpoint)
        if code in _SHORT_OF and code not in _STARTED:
            connection.close()
            return False
        self._pending[connection] = (endpoint, time.monotonic() + self._patience_seconds)
        self._selector.register(connection, selectors.EVENT_WRITE)
        if code not in _STARTED:
            self._end(connection, code)
        return True

    def _end(self, connection: socket.socket, code: int) -> None:
        endpoint, _ends = self._pending.pop(connection)
        self._selector.unregister(connection)
        connection.close()
        self.states[endpoint] = _state_of(code)

    def _next_wait_seconds(self) -> float:
        if not self._pending:
            return _LONGEST_WAIT_SECONDS
        _endpoint, ends = next(iter(self._pending.values()))
        return min(_LONGEST_WAIT_SECONDS, max(0.0, ends - time.monotonic()))


def _connect(connection: socket.socket, endpoint: Endpoint) -> int:
    try:
        return connection.connect_ex(endpoint)
    except (OSError, UnicodeError):  # an address that is none
        return errno.EHOSTUNREACH


def _state_of(code: int) -> PortState:
    if code == 0:
        return PortState.OPEN
    refused = code in (errno.ECONNREFUSED, errno.ECONNRESET)
    return PortState.REFUSED if refused else PortState.SILENT
