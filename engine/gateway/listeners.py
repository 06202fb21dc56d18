"""Sockets of the API: on this machine's loopback always, on one of its other addresses when the user said so.

Rejected: the wildcard address. It opens the API on networks that nobody thought of, and on those that come later.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable

from engine.errors import ProcessFailed

LOOPBACK = "127.0.0.1"
TRIED_PORTS = 200
_BACKLOG = 512


def listen_on_loopback(first_port: int, taken: Iterable[int] = ()) -> socket.socket:
    """A listening socket on the first free port from ``first_port`` up. Raises ``ProcessFailed``."""
    taken = frozenset(taken)
    for port in range(first_port, min(first_port + TRIED_PORTS, 65536)):
        if port not in taken:
            try:
                return _listening(LOOPBACK, port)
            except OSError:
                continue
    raise ProcessFailed(
        f"None of the {TRIED_PORTS} ports from {first_port} up is free on {LOOPBACK}, so there is nowhere to serve.",
        advice="Stop what listens there, or name another port.",
    )


def listen_on_network(address: str, port: int) -> socket.socket:
    """A listening socket on one address of this machine. Raises ``ProcessFailed``."""
    try:
        return _listening(address, port)
    except OSError as error:
        raise ProcessFailed(
            f"The API cannot listen on {address}, port {port} ({error.strerror}).",
            advice="Name an address of this machine, or stop what listens on that port.",
        ) from None


def url_of(listener: socket.socket) -> str:
    """``http://127.0.0.1:8080``."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # There it lets a port be used again at once; on Windows it would let two programs listen on one.
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError):
        listener.close()
        raise
    listener.setblocking(False)
    return listener
