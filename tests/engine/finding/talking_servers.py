"""Servers on loopback that say one thing to everybody who connects, and an asker that notes what it is asked."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from engine.ports import RpcState


class TalkingServer:
    """Sends ``says`` to each connection (after it was sent something, if ``waits``), then closes it or keeps ``silent``."""

    def __init__(self, says: bytes, *, address: str = "127.0.0.1", waits: bool = False, closes: bool = True) -> None:
        self.connections = 0
        self._says, self._waits, self._closes = says, waits, closes
        self._open: list[socket.socket] = []
        self._listener = socket.create_server((address, 0))
        self.endpoint: tuple[str, int] = self._listener.getsockname()
        self.port = self.endpoint[1]
        self._thread = threading.Thread(target=self._serve, name="talking server")
        self._thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        for one in (self._listener, *self._open):
            one.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            connection.settimeout(2)
            with contextlib.suppress(OSError):
                if not self._waits or connection.recv(4096):
                    connection.sendall(self._says)
            if self._closes:
                connection.close()


@contextlib.contextmanager
def talking_server(says: bytes, **options) -> Iterator[TalkingServer]:
    server = TalkingServer(says, **options)
    try:
        yield server
    finally:
        server.close()


def refused_port() -> int:
    """A port of loopback where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class NotingAsker:
    """An ``RpcAsker`` that answers the same always."""

    def __init__(self, state: RpcState | Exception) -> None:
        self.asked: list[tuple[str, int]] = []
        self._state = state

    def ask(self, host, port, *, timeout_seconds=2.0):
        self.asked.append((host, port))
        if isinstance(self._state, Exception):
            raise self._state
        return self._state

    def is_free(self, host, port):
        return True
