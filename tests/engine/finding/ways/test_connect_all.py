"""Many connections at once: what is open, refused and silent is told apart, within the limits of the process."""

import errno
import resource
import socket
import time
from collections import deque

import pytest

from engine.errors import Cancelled
from engine.finding.ways.connect_all import PortState, connect_all, spare_sockets
from tests.engine.finding.talking_servers import refused_port, talking_server
from tests.fakes.cancel_tokens import CancelledWhen, NeverCancelled


@pytest.fixture
def silent_endpoint():
    """A listener whose queue is full, so that it answers no SYN any more."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        endpoint = listener.getsockname()
        waiting = deque()
        for _ in range(4):
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(endpoint)
            waiting.append(connection)
        yield endpoint
        for connection in waiting:
            connection.close()


def test_open_refused_and_silent_are_told_apart(silent_endpoint):
    with talking_server(b"") as server:
        refused = ("127.0.0.1", refused_port())
        began = time.monotonic()
        states = connect_all([server.endpoint, refused, silent_endpoint], patience_seconds=0.3, token=NeverCancelled())
        assert states == {
            server.endpoint: PortState.OPEN,
            refused: PortState.REFUSED,
            silent_endpoint: PortState.SILENT,
        }
        assert 0.3 <= time.monotonic() - began < 2


def test_more_endpoints_than_sockets_are_all_tried():
    with talking_server(b"") as server:
        endpoints = [(f"127.0.1.{number}", refused_port()) for number in range(200)] + [server.endpoint]
        states = connect_all(endpoints, patience_seconds=0.3, token=NeverCancelled(), most_sockets=32)
        assert len(states) == 201
        assert states.pop(server.endpoint) is PortState.OPEN
        assert set(states.values()) == {PortState.REFUSED}


def test_nothing_that_answers_is_waited_for():
    began = time.monotonic()
    connect_all([("127.0.0.1", refused_port())], patience_seconds=30, token=NeverCancelled())
    assert time.monotonic() - began < 5


def test_a_cancel_is_heard_while_it_waits(silent_endpoint):
    began = time.monotonic()
    token = CancelledWhen(lambda: time.monotonic() > began + 0.1)
    with pytest.raises(Cancelled):
        connect_all([silent_endpoint], patience_seconds=30, token=token)
    assert time.monotonic() - began < 5


def test_an_address_that_is_none_is_silent():
    states = connect_all([("no address", 22), ("::ffff:zz", 22)], patience_seconds=0.1, token=NeverCancelled())
    assert set(states.values()) == {PortState.SILENT}


def test_the_process_keeps_files_for_others(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (1024, 4096))
    assert 300 < spare_sockets() < 1024 - 128


def test_without_a_limit_there_are_many(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert spare_sockets() > 10_000


def test_when_files_run_out_the_rest_follows_later(monkeypatch, silent_endpoint):
    calls = []

    class Scarce(socket.socket):
        def __init__(self, *arguments):
            calls.append(arguments)
            if len(calls) == 2:
                raise OSError(errno.EMFILE, "Too many open files")
            super().__init__(*arguments)

    refusing = [(f"127.0.2.{number}", 9) for number in range(40)]
    monkeypatch.setattr(socket, "socket", Scarce)
    states = connect_all([silent_endpoint, *refusing], patience_seconds=0.3, token=NeverCancelled())
    assert list(states.values()) == [PortState.SILENT, *[PortState.REFUSED] * 40]
    assert len(calls) == 42, "one was tried twice"
