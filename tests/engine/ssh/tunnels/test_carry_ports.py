from __future__ import annotations

import socket
import threading

import pytest

from engine.errors import ProcessFailed
from engine.ssh.tunnels.carry_ports import carry, listen
from engine.vocabulary.remote import Forward
from tests.fakes.ssh.local_shell import LocalShell
from tests.fakes.ssh.private_sshd import free_port

WAIT_SECONDS = 30.0


class PortShell(LocalShell):
    """Its ports are this machine's."""

    def connect_port(self, host: str, port: int, timeout_seconds: float) -> socket.socket:
        return socket.create_connection((host, port), timeout_seconds)


@pytest.fixture
def forward():
    """Carried until the test ends, to a server that answers when it has heard all."""
    forward = Forward(local_port=free_port(), remote_port=free_port())
    with socket.create_server(("127.0.0.1", forward.remote_port)) as server, listen(forward) as listener:
        thread = threading.Thread(target=answer_when_all_is_heard, args=(server,))
        thread.start()
        carry(listener, forward, PortShell())
        yield forward
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(WAIT_SECONDS)


def answer_when_all_is_heard(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        heard = b""
        while chunk := connection.recv(65536):
            heard += chunk
        connection.sendall(b"heard %d" % len(heard))


def test_both_ways_and_an_end_of_input_is_passed_on(forward: Forward) -> None:
    with socket.create_connection(("127.0.0.1", forward.local_port), WAIT_SECONDS) as client:
        client.sendall(b"x" * 1_000_000)
        client.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: client.recv(100), b""))
    assert answer == b"heard 1000000"


def test_a_port_where_nothing_listens_is_a_closed_connection() -> None:
    forward = Forward(local_port=free_port(), remote_port=free_port())
    with listen(forward) as listener:
        carry(listener, forward, PortShell())
        with socket.create_connection(("127.0.0.1", forward.local_port), WAIT_SECONDS) as client:
            assert client.recv(1) == b""
        listener.shutdown(socket.SHUT_RDWR)


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ProcessFailed, match=f"Port {port} of this machine cannot be used"):
            listen(Forward(local_port=port, remote_port=1))
