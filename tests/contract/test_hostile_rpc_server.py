"""A worker machine that lies: whatever its "rpc-server" says, or does not say, the question ends in time and in a word for it.

llama-server itself is another matter: it trusts its workers (see SECURITY.md), and its end is a fault like others.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from engine.machines.asking.rpc_asker import SocketRpcAsker

TIMEOUT_SECONDS = 1.0
LONGEST_SECONDS = 3.0
"""On a machine that does something else besides."""
MOST_BYTES = 4 * 1024 * 1024
HELLO_REPLY = struct.pack("<Q", 28) + bytes([7, 0, 0, 0]) + bytes(24)
Behaviour = Callable[[socket.socket], None]


def size_of(count: int) -> bytes:
    return struct.pack("<Q", count)


def first(connection: socket.socket) -> bytes:
    """The first request; empty when it only looked in."""
    return connection.recv(64)


def never(connection: socket.socket) -> None:
    first(connection)
    connection.recv(64)


def garbage(connection: socket.socket) -> None:
    if first(connection):
        for number in itertools.count():
            connection.sendall(bytes([number * 37 % 256]) * 65536)


def unasked_garbage(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"\xff" * 65536)


def huge_size(connection: socket.socket) -> None:
    if first(connection):
        connection.sendall(size_of(2**64 - 1))
        while True:
            connection.sendall(bytes(65536))


def half_an_answer(connection: socket.socket) -> None:
    if first(connection):
        connection.sendall(HELLO_REPLY[:11])


def drips(connection: socket.socket) -> None:
    if first(connection):
        for byte in itertools.cycle(HELLO_REPLY):
            connection.sendall(bytes([byte]))
            time.sleep(0.005)


def drips_a_long_answer(connection: socket.socket) -> None:
    if first(connection):
        connection.sendall(HELLO_REPLY)
        first(connection)
        connection.sendall(size_of(4) + struct.pack("<I", 64))
        while first(connection):
            connection.sendall(size_of(16))
            for _ in range(16):
                time.sleep(0.005)
                connection.sendall(b"\x01")


def endless_devices(connection: socket.socket) -> None:
    if first(connection):
        connection.sendall(HELLO_REPLY)
        first(connection)
        connection.sendall(size_of(4) + struct.pack("<I", 2**32 - 1))
        while first(connection):
            connection.sendall(size_of(16) + struct.pack("<QQ", 2**63, 2**64 - 1))


def strange_version(connection: socket.socket) -> None:
    if first(connection):
        connection.sendall(size_of(28) + b"\xff" * 28)


def resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


LIES = [
    never, garbage, unasked_garbage, huge_size, half_an_answer, drips, drips_a_long_answer, endless_devices,
    strange_version, resets,
]  # fmt: skip


@contextmanager
def server(behave: Behaviour) -> Iterator[int]:
    """The port of one that behaves so on each connection."""
    threads: list[threading.Thread] = []
    held: list[socket.socket] = []

    def serve_one(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            behave(connection)
        connection.close()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            held.append(connection)
            threads.append(threading.Thread(target=serve_one, args=(connection,), daemon=True))
            threads[-1].start()

    listener = socket.create_server(("127.0.0.1", 0))
    threads.append(threading.Thread(target=serve))
    threads[0].start()
    try:
        yield listener.getsockname()[1]
    finally:
        for one in (listener, *held):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in threads:
            thread.join(5)


@pytest.mark.parametrize("behave", LIES, ids=lambda lie: lie.__name__)
def test_a_lie_costs_no_more_than_its_time_and_little_memory(behave: Behaviour) -> None:
    with server(behave) as port:
        tracemalloc.start()
        began = time.monotonic()
        state = SocketRpcAsker().ask("127.0.0.1", port, timeout_seconds=TIMEOUT_SECONDS)
        took = time.monotonic() - began
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert state.state in ("busy", "other", "gone", "idle")
    if state.answer is not None:
        assert len(state.answer.device_memory) <= 64
    assert took < LONGEST_SECONDS
    assert most < MOST_BYTES
