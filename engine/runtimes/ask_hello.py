"""The RPC protocol version of a build: one HELLO to an rpc-server that is started for it on the loopback.

A tiny client on purpose. The full one (``engine.machines``) is a stranger to this wing, and all that is asked here is the
version, of a server that nobody else can be using.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path

from engine.errors import RpcServerUnusable
from engine.llama_cpp.wire_protocol import SIZE_BYTES, answer_size, hello_requests, parse_hello
from engine.runtimes.run_program import short_lived_server
from engine.vocabulary.runtime import RpcProtocolVersion

_START_SECONDS = 20.0
_ANSWER_SECONDS = 5.0
_TRIES = 3


def ask_protocol(rpc_server: Path, *, has_device_option: bool) -> RpcProtocolVersion | None:
    """Start it on a free port, say HELLO, stop it. ``None``: a build from before HELLO (April 2025), or no answer.

    Raises ``ProcessFailed`` when the program cannot be started.
    """
    for _ in range(_TRIES):  # somebody may take the port between our look and the server's
        port = _free_port()
        argv = [str(rpc_server), "-H", "127.0.0.1", "-p", str(port), *(("-d", "CPU") if has_device_option else ())]
        with short_lived_server(argv) as is_alive:
            deadline = time.monotonic() + _START_SECONDS
            while is_alive() and time.monotonic() < deadline:
                if _listens(port):
                    return _first_answer(port)
                time.sleep(0.02)
    return None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1.0):
            return True  # connecting and leaving does a server no harm
    except OSError:
        return False


def _first_answer(port: int) -> RpcProtocolVersion | None:
    for hello in hello_requests():
        try:
            with socket.create_connection(("127.0.0.1", port), _ANSWER_SECONDS) as connection:
                connection.settimeout(_ANSWER_SECONDS)
                connection.sendall(hello)
                return parse_hello(_receive(connection, answer_size(_receive(connection, SIZE_BYTES))))
        except (OSError, RpcServerUnusable):
            continue  # a closed connection is how a server says that it did not understand
    return None


def _receive(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise ConnectionResetError
        data += piece
    return data
