"""A small rpc-server that speaks any of the protocol versions 1 to 7, one connection at a time, as the real one does.

It also counts what it was sent, so that a test can see that a busy server was asked nothing.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

_HELLO, _DEVICE_COUNT, _GET_DEVICE_MEMORY = 14, 15, 11
_HARMLESS = {_HELLO, _DEVICE_COUNT, _GET_DEVICE_MEMORY}


class FakeRpcServer:
    """Listens on a free loopback port until ``close``. ``devices`` are (free, total) bytes."""

    def __init__(self, version: tuple[int, int, int] = (7, 0, 0), devices: tuple[tuple[int, int], ...] = ((5, 8),)) -> None:
        self.version = version
        self.devices = devices
        self.commands: list[int] = []
        self.served = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, name="fake rpc-server")
        self._thread.start()

    def close(self) -> None:
        """Stop listening and serving."""
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(connection)
            with connection, contextlib.suppress(OSError, EOFError):
                self._serve_client(connection)
            self._open.remove(connection)
            self.served += 1

    def _serve_client(self, connection: socket.socket) -> None:
        greeted = False
        while True:
            command = _receive(connection, 1)[0]
            self.commands.append(command)
            if command not in _HARMLESS or greeted == (command == _HELLO):
                return
            size: int = struct.unpack("<Q", _receive(connection, 8))[0]
            if size != self._expected_size(command):
                return
            answer = self._answer(command, _receive(connection, size))
            if answer is None:
                return
            greeted = True
            connection.sendall(struct.pack("<Q", len(answer)))
            connection.sendall(answer)

    def _expected_size(self, command: int) -> int:
        if command == _HELLO:
            return 24 if self.version[0] >= 4 else 0
        return 4 if command == _GET_DEVICE_MEMORY and self.version[0] >= 3 else 0

    def _answer(self, command: int, payload: bytes) -> bytes | None:
        if command == _HELLO:
            return bytes(self.version) + (bytes(25) if self.version[0] >= 4 else b"")
        if command == _DEVICE_COUNT:
            return struct.pack("<I", len(self.devices)) if self.version[0] >= 3 else None
        index = struct.unpack("<I", payload)[0] if payload else 0
        return struct.pack("<QQ", *self.devices[index]) if index < len(self.devices) else None


@contextlib.contextmanager
def fake_rpc_server(
    version: tuple[int, int, int] = (7, 0, 0), devices: tuple[tuple[int, int], ...] = ((5, 8),)
) -> Iterator[FakeRpcServer]:
    """A ``FakeRpcServer`` that is closed at the end."""
    server = FakeRpcServer(version, devices)
    try:
        yield server
    finally:
        server.close()


def _receive(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = connection.recv(size - len(received))
        if not piece:
            raise EOFError
        received += piece
    return received
