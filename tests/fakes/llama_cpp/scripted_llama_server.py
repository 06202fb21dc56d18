"""A llama-server that does to each request what the test says: streams piece by piece, hangs, breaks off, dies.

Plain sockets, so that nothing of HTTP is mended on the way: what the test's script sends is what goes over the wire.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends a reset, as the system does for a process that was killed with unread data."""


@dataclass
class Asked:
    """One request as it came in."""

    head: str
    body: bytes
    connection: socket.socket
    gone: threading.Event = field(default_factory=threading.Event)
    """The gateway closed the connection (seen only by a script that waits for it with ``wait_gone``)."""

    @property
    def line(self) -> str:
        """``POST /completion HTTP/1.1``."""
        return self.head.split("\r\n")[0]

    def header(self, name: str) -> list[str]:
        """Values of a header."""
        pairs = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return [value.strip() for key, _, value in pairs if key.lower() == name.lower()]

    def say(self, data: bytes | str) -> None:
        """Send it as it is."""
        self.connection.sendall(data.encode() if isinstance(data, str) else data)

    def answer(self, body: bytes | str, status: str = "200 OK", *headers: str) -> None:
        """A whole answer of a known length."""
        body = body.encode() if isinstance(body, str) else body
        lines = (f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers)
        self.say("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def begin_events(self, *headers: str) -> None:
        """The head of a stream, as llama-server sends it."""
        lines = ("HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked", *headers)
        self.say("\r\n".join(lines) + "\r\n\r\n")

    def chunk(self, data: bytes | str) -> None:
        """One chunk; an empty one ends the stream."""
        data = data.encode() if isinstance(data, str) else data
        self.say(b"%x\r\n%s\r\n" % (len(data), data))

    def wait_gone(self, seconds: float = 5.0) -> bool:
        """Whether the other end closes the connection in time."""
        self.connection.settimeout(seconds)
        try:
            return self.connection.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True


class ScriptedLlamaServer:
    """Runs ``script`` for each request, on a thread of its own."""

    def __init__(self) -> None:
        self.script: Callable[[Asked], None] = lambda asked: asked.answer('{"ok":true}')
        self.asked: list[Asked] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []
        self.port = int(self._listener.getsockname()[1])
        self._start(self._accept)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """As kill -9 of the process: nothing listens and every connection is reset. Idempotent."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def join(self) -> None:
        """Until all its threads have ended."""
        for thread in tuple(self._threads):
            thread.join(10)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="scripted llama-server", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            self._start(lambda connection=connection: self._serve(connection))

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            asked = _read(connection)
            self.asked.append(asked)
            self.script(asked)


def _read(connection: socket.socket) -> Asked:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    asked = Asked(head=head.decode("latin-1"), body=b"", connection=connection)
    length = int((asked.header("content-length") or ["0"])[0])
    if "chunked" in "".join(asked.header("transfer-encoding")):
        asked.body = _chunks(connection, body)
        return asked
    while len(body) < length:
        body += _some(connection)
    asked.body = body
    return asked


def _chunks(connection: socket.socket, data: bytes) -> bytes:
    found = b""
    while True:
        while b"\r\n" not in data:
            data += _some(connection)
        size, _, data = data.partition(b"\r\n")
        wanted = int(size, 16) + 2
        while len(data) < wanted:
            data += _some(connection)
        if wanted == 2:
            return found
        found, data = found + data[: wanted - 2], data[wanted:]


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise OSError("closed in the middle of a request")
    return data


@contextlib.contextmanager
def scripted_llama_server(script: Callable[[Asked], None] | None = None) -> Iterator[ScriptedLlamaServer]:
    """One that is killed at the end of the block."""
    server = ScriptedLlamaServer()
    if script is not None:
        server.script = script
    try:
        yield server
    finally:
        server.kill()
        server.join()
