"""What servers say of themselves without a login: an ssh server its banner line, an Ollama its version.

Both are read with a deadline for the whole answer, not per packet, and with a bound: a server that drips one byte a second,
or never stops, costs no more than one that is silent.
"""

from __future__ import annotations

import json
import re
import socket
import time

from engine.finding.sighting import Endpoint

BANNER_SECONDS = 2.0
OLLAMA_SECONDS = 0.5
_LONGEST_BANNER_BYTES = 4096
"""RFC 4253: lines may come before the one that begins with SSH-, which has at most 255 characters."""
_LONGEST_REPLY_BYTES = 8192
_CHUNK_BYTES = 1024
_BANNER = re.compile(rb"^SSH-(?:2\.0|1\.99)-[\x20-\x7e]{1,250}\r?\n", re.MULTILINE)


def speaks_ssh(endpoint: Endpoint, seconds: float = BANNER_SECONDS) -> bool:
    """Whether an ssh server (protocol 2) greets there."""
    return _BANNER.search(_read(endpoint, b"", seconds, _LONGEST_BANNER_BYTES, stop=_BANNER)) is not None


def ollama_url(endpoint: Endpoint, seconds: float = OLLAMA_SECONDS) -> str | None:
    """``http://host:port`` when an Ollama answers there, else ``None``."""
    host = f"[{endpoint[0]}]" if ":" in endpoint[0] else endpoint[0]
    address = f"{host}:{endpoint[1]}"
    request = f"GET /api/version HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode("ascii", "replace")
    reply = _read(endpoint, request, seconds, _LONGEST_REPLY_BYTES)
    return f"http://{address}" if is_ollama_version(reply) else None


def is_ollama_version(reply: bytes) -> bool:
    """Whether this is a whole HTTP reply 200 with ``{"version": "..."}``."""
    head, _, body = reply.partition(b"\r\n\r\n")
    if not re.match(rb"HTTP/1\.[01] 200\b", head):
        return False
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and isinstance(said.get("version"), str)


def _read(endpoint: Endpoint, request: bytes, seconds: float, most: int, stop: re.Pattern[bytes] | None = None) -> bytes:
    """All that is said until the end, ``stop``, ``most`` bytes, or the deadline."""
    ends = time.monotonic() + seconds
    received = b""
    try:
        with socket.create_connection(endpoint, timeout=seconds) as connection:
            connection.sendall(request)
            while len(received) < most and (left := ends - time.monotonic()) > 0:
                connection.settimeout(left)
                piece = connection.recv(min(_CHUNK_BYTES, most - len(received)))
                received += piece
                if not piece or (stop is not None and stop.search(received)):
                    break
    except OSError:
        pass  # gone or silent: what was said counts
    return received
