"""A client of plain sockets: says exactly what the test wants said, and hears exactly what comes back."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Heard:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes
    complete: bool = True
    """False: the connection ended before the answer did."""

    @property
    def error(self) -> dict[str, str]:
        """OpenAI's error."""
        return json.loads(self.body)["error"]


class RawClient:
    """One connection."""

    def __init__(self, url: str, timeout_seconds: float = 20.0) -> None:
        host, _, port = url.removeprefix("http://").rpartition(":")
        self._host = f"{host}:{port}"
        self.socket = socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_seconds)
        self._data = b""

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, data: bytes | str) -> None:
        """As it is."""
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def ask(self, method: str, target: str, body: bytes | None = None, *headers: str, version: str = "1.1") -> None:
        """A request; ``Host`` and ``Content-Length`` are added where they are not given."""
        lines = [f"{method} {target} HTTP/{version}"]
        given = [header.partition(":")[0].lower() for header in headers]
        if "host" not in given and version == "1.1":
            lines.append(f"Host: {self._host}")
        if body is not None and "content-length" not in given and "transfer-encoding" not in given:
            lines.append(f"Content-Length: {len(body)}")
        self.say("\r\n".join((*lines, *headers)).encode("latin-1") + b"\r\n\r\n" + (body or b""))

    def more(self) -> bytes:
        """What comes next; empty at the end of the connection."""
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""

    def until(self, mark: bytes) -> bytes:
        """Everything up to and with the mark, or to the end of the connection."""
        while mark not in self._data:
            data = self.more()
            if not data:
                found, self._data = self._data, b""
                return found
            self._data += data
        end = self._data.index(mark) + len(mark)
        found, self._data = self._data[:end], self._data[end:]
        return found

    def head(self) -> tuple[int, dict[str, str]]:
        """The next answer's status and headers; (0, {}) when the connection ends instead."""
        text = self.until(b"\r\n\r\n").decode("latin-1")
        while text.startswith("HTTP/1.1 100"):
            text = self.until(b"\r\n\r\n").decode("latin-1")
        if not text.endswith("\r\n\r\n"):
            return 0, {}
        first, *lines = text[:-4].split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return int(first.split(" ")[1]), {name.lower(): value.strip() for name, _, value in pairs}

    def chunk(self) -> bytes | None:
        """The next chunk; empty = the last one, ``None`` = the connection ended."""
        size = self.until(b"\r\n").rstrip()
        if not size:
            return None
        wanted = int(size, 16) + 2
        while len(self._data) < wanted:
            data = self.more()
            if not data:
                return None
            self._data += data
        found, self._data = self._data[: wanted - 2], self._data[wanted:]
        return found

    def hear(self, *, head_only: bool = False) -> Heard:
        """The next answer, whole."""
        status, headers = self.head()
        if head_only or status in (0, 204, 304):
            return Heard(status, headers, b"", complete=status != 0)
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while piece := self.chunk():
                body += piece
            return Heard(status, headers, body, complete=piece == b"")
        if "content-length" not in headers:
            while data := self.more():
                self._data += data
            body, self._data = self._data, b""
            return Heard(status, headers, body)
        length = int(headers["content-length"])
        while len(self._data) < length:
            data = self.more()
            if not data:
                break
            self._data += data
        body, self._data = self._data[:length], self._data[length:]
        return Heard(status, headers, body, complete=len(body) == length)


def get(url: str, target: str = "/v1/models", *headers: str) -> Heard:
    """One request, one answer, one connection."""
    with RawClient(url) as client:
        client.ask("GET", target, None, *headers)
        return client.hear()


def post(url: str, target: str = "/completion", body: bytes = b"{}", *headers: str) -> Heard:
    """The same with a body."""
    with RawClient(url) as client:
        client.ask("POST", target, body, "Content-Type: application/json", *headers)
        return client.hear()


def eventually(reached: object, seconds: float = 10.0) -> None:
    """Wait for something that another thread does."""
    ends = time.monotonic() + seconds
    while not reached():  # type: ignore[operator]
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.005)
