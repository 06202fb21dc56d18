"""The relay that puts distance between machines."""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.network.delay_relay import DelayRelay

ROUNDS = 60


@contextmanager
def echo() -> Iterator[tuple[str, int]]:
    """A server that says everything back to each of its clients."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads = []

        def serve() -> None:
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                threads.append(threading.Thread(target=answer, args=(connection,)))
                threads[-1].start()

        def answer(connection: socket.socket) -> None:
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while got := connection.recv(1 << 20):
                    connection.sendall(got)

        accepting = threading.Thread(target=serve)
        accepting.start()
        try:
            yield listener.getsockname()
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()


def round_trips_ms(to: tuple[str, int]) -> list[float]:
    taken = []
    with socket.create_connection(to, timeout=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(ROUNDS):
            begun = time.monotonic()
            connection.sendall(b"x")
            assert connection.recv(1) == b"x"
            taken.append((time.monotonic() - begun) * 1000)
    return taken


@pytest.mark.parametrize("delay_ms", [0.0, 0.5, 5.0])
def test_it_adds_the_delay_each_way(delay_ms):
    with echo() as server, DelayRelay(to=server, delay_ms=delay_ms) as relay:
        added = statistics.median(round_trips_ms((relay.address, relay.port))) - statistics.median(round_trips_ms(server))
    assert 2 * delay_ms <= added < 2 * delay_ms + 0.5


def test_much_data_arrives_whole_in_order_and_no_faster_than_the_bandwidth():
    data = bytes(range(256)) * 20_000  # 5 MB
    with (
        echo() as server,
        DelayRelay(to=server, delay_ms=5, mbit=80) as relay,
        socket.create_connection((relay.address, relay.port), timeout=20) as connection,
    ):
        begun = time.monotonic()
        sender = threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)))
        sender.start()
        back = bytearray()
        while got := connection.recv(1 << 20):
            back += got
        seconds = time.monotonic() - begun
        sender.join()
    assert bytes(back) == data
    assert 0.5 < seconds < 0.9  # 41 Mbit at 80 Mbit/s: 0.51 s


def test_connections_do_not_wait_for_each_other_and_a_dead_target_closes():
    with (
        echo() as server,
        DelayRelay(to=server, delay_ms=1) as relay,
        socket.create_connection((relay.address, relay.port), timeout=5) as silent,
    ):
        assert statistics.median(round_trips_ms((relay.address, relay.port))) < 4
        silent.sendall(b"y")
        assert silent.recv(1) == b"y"
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = nobody.getsockname()
    with DelayRelay(to=address, delay_ms=1) as relay, socket.create_connection((relay.address, relay.port), timeout=5) as one:
        assert one.recv(1) == b""


@pytest.mark.lab
def test_a_host_can_be_put_far_away(lab):
    near = min(banner_ms((lab.hosts[0].address, 22)) for _ in range(9))
    with lab.delayed(lab.hosts[0], delay_ms=20) as relay:
        far = min(banner_ms((relay.address, relay.port)) for _ in range(9))
    assert 18 < far - near < 30  # min: a new sshd process takes now 5 ms, now 15


def banner_ms(to: tuple[str, int]) -> float:
    begun = time.monotonic()
    with socket.create_connection(to, timeout=5) as connection:
        assert connection.recv(4) == b"SSH-"
    return (time.monotonic() - begun) * 1000
