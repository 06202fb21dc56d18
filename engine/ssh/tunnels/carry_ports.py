"""Carries TCP connections to a port of another machine through an SSH connection: two threads each, one per direction.

Listens on 127.0.0.1 only. An end of input is passed on by itself (half-closed connections stay usable), a failure closes both.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable
from threading import Thread
from typing import Protocol

from engine.errors import EngineError, ProcessFailed
from engine.remote_ports import PortConnection, RemoteShell
from engine.vocabulary.remote import Forward

logger = logging.getLogger(__name__)

_LOOPBACK = "127.0.0.1"
_CONNECT_SECONDS = 15.0
_CHUNK_BYTES = 256 * 1024


class _End(Protocol):
    """What a socket and a ``PortConnection`` have in common."""

    def sendall(self, data: bytes, /) -> None:
        """All of it."""

    def recv(self, most_bytes: int, /) -> bytes:
        """What came."""

    def shutdown(self, how: int, /) -> None:
        """One direction."""


def listen(forward: Forward) -> socket.socket:
    """The local end. Raises ``ProcessFailed`` when the port is taken."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_LOOPBACK, forward.local_port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ProcessFailed(
            f"Port {forward.local_port} of this machine cannot be used: {error.strerror}.", advice="Launch again."
        ) from error
    return listener


def carry(listener: socket.socket, forward: Forward, shell: RemoteShell) -> None:
    """From now on, in threads of its own, until the listener is closed."""
    Thread(target=_accept, args=(listener, forward, shell), name=f"port {forward.local_port}", daemon=True).start()


def _accept(listener: socket.socket, forward: Forward, shell: RemoteShell) -> None:
    while True:
        try:
            here, _ = listener.accept()
        except OSError:  # closed
            return
        Thread(target=_connect, args=(here, forward, shell), name=f"to {forward.remote_port}", daemon=True).start()


def _connect(here: socket.socket, forward: Forward, shell: RemoteShell) -> None:
    with here:
        here.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            there = shell.connect_port(_LOOPBACK, forward.remote_port, _CONNECT_SECONDS)
        except (OSError, EngineError) as error:
            logger.info("Port %s there: %s", forward.remote_port, error)
            return
        there.settimeout(None)
        _carry_both_ways(here, there)


def _carry_both_ways(here: socket.socket, there: PortConnection) -> None:
    def close() -> None:
        with contextlib.suppress(OSError):
            here.shutdown(socket.SHUT_RDWR)
        there.close()

    back = Thread(target=_pump, args=(there, here, close), name="pump back", daemon=True)
    back.start()
    _pump(here, there, close)
    back.join()
    there.close()


def _pump(source: _End, sink: _End, close: Callable[[], None]) -> None:
    try:
        while chunk := source.recv(_CHUNK_BYTES):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
    except (OSError, EOFError):
        close()
