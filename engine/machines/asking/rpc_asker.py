"""Asks a port what is on it: an rpc-server that is idle, one that is busy, other software, or nothing.

An rpc-server serves one connection at a time and lets others wait in the kernel's queue without an answer; and one that is
asked while busy, by a HELLO whose sender then gives up, *dies* of SIGPIPE when it gets to it. So the first question is asked
without a byte: connect, close our half, and see whether the other side closes its own. Who does, serves connections right
now, and only then is HELLO sent. Who does not is busy, and what we left in its queue is an empty connection, which it will
close in silence. (Rejected: HELLO with a timeout, which ends every unprotected rpc-server that it finds busy.)

A server that closes empty connections but leaves HELLO without an answer is asked the empty question again: silent now = a
coordinator came in between, hence busy; closing again = other software that waits for more, for example an HTTP server.
Software that never closes an empty connection cannot be told from a busy rpc-server.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
import time
from collections.abc import Callable
from contextlib import closing

from engine.errors import RpcServerUnusable
from engine.llama_cpp import wire_protocol as wire
from engine.ports import RpcAnswer, RpcState
from engine.remote_ports import PortConnection
from engine.vocabulary.runtime import RpcProtocolVersion

Connect = Callable[[str, int, float], PortConnection]
"""(host, port, seconds): raises ``ConnectionRefusedError``, ``TimeoutError``, ``OSError``."""

_MOMENT_SECONDS = 0.01
_NOBODY_LISTENS = (errno.ECONNREFUSED, errno.EADDRNOTAVAIL)


def connect_by_socket(host: str, port: int, timeout_seconds: float) -> PortConnection:
    """From this machine."""
    return socket.create_connection((host, port), timeout_seconds)


class SocketRpcAsker:
    """Implements ``ports.RpcAsker`` from this machine. ``connect`` may be another way to reach ports."""

    def __init__(self, connect: Connect = connect_by_socket) -> None:
        self._connect = connect

    def ask(self, host: str, port: int, *, timeout_seconds: float = 2.0) -> RpcState:
        """What is on the port, said within ``timeout_seconds`` (and 0.1 s) in any case.

        Raises ``RpcServerUnusable`` when that cannot be said: no such host, or a far machine that does not react at all.
        """
        return ask_port(self._connect, host, port, timeout_seconds=timeout_seconds, is_own_address=_is_loopback(host))

    def is_free(self, host: str, port: int) -> bool:
        """Whether a server of ours could listen there: the address is this machine's and the port is not taken."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            if sys.platform == "win32":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as rpc-server does: TIME_WAIT is free
            try:
                listener.bind((host, port))
                listener.listen(1)
            except (OSError, OverflowError):
                return False
        return True


def ask_port(connect: Connect, host: str, port: int, *, timeout_seconds: float, is_own_address: bool) -> RpcState:
    """What is on the port. ``is_own_address``: the address belongs to the machine that connects, so that nobody listening is
    refused at once, and silence means a full queue. Raises ``RpcServerUnusable`` when it cannot be said."""
    place = _Place(connect, host, port, time.monotonic() + timeout_seconds)
    try:
        return _ask(place)
    except TimeoutError as error:
        if is_own_address:
            return RpcState(state="busy")
        raise _unreachable(host, port, "it does not react") from error
    except OSError as error:
        if isinstance(error, ConnectionRefusedError) or error.errno in _NOBODY_LISTENS:
            return RpcState(state="gone")
        if isinstance(error, ConnectionError) or error.errno == errno.ENOTCONN:
            return RpcState(state="other")  # reset while we connected, or before the first word
        raise _unreachable(host, port, error.strerror or str(error)) from error


class _SilentError(Exception):
    """Connected, but no answer in time."""


class _ClosedError(Exception):
    """The other side closed the connection instead of answering."""


class _Place:
    """A host, a port, and until when we wait there."""

    def __init__(self, connect: Connect, host: str, port: int, deadline: float) -> None:
        self._connect = connect
        self._host = host
        self._port = port
        self._deadline = deadline

    def connect(self) -> closing[PortConnection]:
        """Raises ``OSError``; ``TimeoutError`` when there is no answer in time."""
        return closing(self._connect(self._host, self._port, self.seconds_left()))

    def seconds_left(self) -> float:
        """At least a moment, so that an answer that has already arrived is still read."""
        return max(_MOMENT_SECONDS, self._deadline - time.monotonic())

    def is_over(self) -> bool:
        """Whether there is no more time, nor the moment that is granted on top of it."""
        return time.monotonic() > self._deadline + _MOMENT_SECONDS

    def half_way(self) -> _Place:
        """The same place with half of the time, so that there is some left to ask again."""
        return _Place(self._connect, self._host, self._port, self._deadline - self.seconds_left() / 2)


def _ask(place: _Place) -> RpcState:
    try:
        speaks_unasked = _answers_an_empty_connection(place)
    except _SilentError:
        return RpcState(state="busy")
    if speaks_unasked:
        return RpcState(state="other")
    try:
        answer = _say_hello(place.half_way())
    except _SilentError:
        return _why_silent(place)
    except RpcServerUnusable:
        return RpcState(state="other")
    return RpcState(state="idle", answer=answer) if answer else RpcState(state="other")


def _why_silent(place: _Place) -> RpcState:
    try:
        _answers_an_empty_connection(place)
    except _SilentError:
        return RpcState(state="busy")
    return RpcState(state="other")


def _answers_an_empty_connection(place: _Place) -> bool:
    """``False`` = closed it, as an rpc-server does; ``True`` = said something unasked. Raises ``_SilentError``."""
    with place.connect() as connection:
        try:
            connection.shutdown(socket.SHUT_WR)
            return bool(_receive_some(connection, 1, place))
        except ConnectionError:
            return False


def _say_hello(place: _Place) -> RpcAnswer | None:
    """Both forms of HELLO in turn; ``None`` when both are answered by closing the connection."""
    for hello in wire.hello_requests():
        with place.connect() as connection:
            try:
                version = wire.parse_hello(_exchange(connection, hello, place))
                return RpcAnswer(protocol=version, device_memory=_ask_memory(connection, version, place))
            except (_ClosedError, ConnectionError):
                continue
    return None


def _ask_memory(connection: PortConnection, version: RpcProtocolVersion, place: _Place) -> tuple[tuple[int, int], ...]:
    count = 1
    if wire.has_devices(version):
        count = wire.parse_device_count(_exchange(connection, wire.device_count_request(), place))
    requests = (wire.device_memory_request(version, device) for device in range(count))
    return tuple(wire.parse_device_memory(_exchange(connection, request, place)) for request in requests)


def _exchange(connection: PortConnection, request: bytes, place: _Place) -> bytes:
    connection.settimeout(place.seconds_left())
    try:
        connection.sendall(request)
    except TimeoutError as error:
        raise _SilentError from error
    size = wire.answer_size(_receive(connection, wire.SIZE_BYTES, place))
    return _receive(connection, size, place)


def _receive(connection: PortConnection, size: int, place: _Place) -> bytes:
    received = b""
    while len(received) < size:
        if place.is_over():  # one that drips byte after byte is never silent
            raise _SilentError
        piece = _receive_some(connection, size - len(received), place)
        if not piece:
            raise _ClosedError
        received += piece
    return received


def _receive_some(connection: PortConnection, most: int, place: _Place) -> bytes:
    connection.settimeout(place.seconds_left())
    try:
        return connection.recv(most)
    except TimeoutError as error:
        raise _SilentError from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _unreachable(host: str, port: int, why: str) -> RpcServerUnusable:
    return RpcServerUnusable(
        f"{host}:{port} cannot be reached: {why}.",
        advice="Check the address, that the machine is on, and its firewall.",
    )
