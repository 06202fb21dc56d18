"""Asking what is on a port: the same cases on the fake rpc-server and on the real program."""

from __future__ import annotations

import contextlib
import http.server
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from engine.errors import RpcServerUnusable
from engine.llama_cpp.wire_protocol import hello_requests
from engine.machines.asking.rpc_asker import SocketRpcAsker
from engine.machines.asking.shell_rpc_asker import ShellRpcAsker
from engine.ports import RpcAsker
from engine.vocabulary.runtime import RpcProtocolVersion, Runtime
from tests.engine.machines.remote_probe.here_shell import HereShell
from tests.fakes.llama_cpp.fake_rpc_server import fake_rpc_server

HOST = "127.0.0.1"
Started = Callable[[], AbstractContextManager[int]]


@pytest.fixture(params=[SocketRpcAsker, lambda: ShellRpcAsker(HereShell())], ids=["sockets", "through a shell"])
def asker(request: pytest.FixtureRequest) -> RpcAsker:
    make: Callable[[], RpcAsker] = request.param
    return make()


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real)])
def server(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of an idle rpc-server."""
    if request.param == "fake":
        with fake_rpc_server() as fake:
            yield fake.port
        return
    runtime: Runtime = request.getfixturevalue("runtime")
    with _real_rpc_server(runtime, protected=True) as (port, _):
        yield port


@contextlib.contextmanager
def _real_rpc_server(runtime: Runtime, *, protected: bool) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = _free_port()
    process = subprocess.Popen(
        [runtime.rpc_server, "-H", HOST, "-p", str(port), "-d", "CPU", "-t", "1"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        restore_signals=not protected,  # Python ignores SIGPIPE, and the program inherits it unless it is restored
    )
    try:
        _wait_until_it_listens(port, process)
        yield port, process
    finally:
        process.kill()
        process.wait()


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while SocketRpcAsker().ask(HOST, port).state == "gone":
        assert process.poll() is None, "the rpc-server ended"
        assert time.monotonic() < deadline, "the rpc-server does not listen"
        time.sleep(0.02)


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def _coordinator_on(port: int) -> Iterator[None]:
    """Greets and stays connected, as llama-server does."""
    with socket.create_connection((HOST, port), 5) as held:
        held.sendall(hello_requests()[0])
        assert len(held.recv(64)) > 0
        yield


def test_an_idle_server_says_its_version_and_memory(asker: RpcAsker, server: int) -> None:
    state = asker.ask(HOST, server)
    assert state.state == "idle"
    assert state.answer is not None
    assert state.answer.protocol.major >= 7
    assert all(0 < free <= total for free, total in state.answer.device_memory)


def test_it_can_be_asked_many_times(asker: RpcAsker, server: int) -> None:
    assert {asker.ask(HOST, server).state for _ in range(20)} == {"idle"}


def test_a_server_with_a_coordinator_is_busy_and_idle_again_afterwards(asker: RpcAsker, server: int) -> None:
    with _coordinator_on(server):
        started = time.monotonic()
        assert asker.ask(HOST, server, timeout_seconds=0.3).state == "busy"
        assert time.monotonic() - started < 0.6
    assert asker.ask(HOST, server, timeout_seconds=5).state == "idle"


def test_a_full_queue_is_busy_too(asker: RpcAsker, server: int) -> None:
    with _coordinator_on(server):
        assert {asker.ask(HOST, server, timeout_seconds=0.2).state for _ in range(6)} == {"busy"}


def test_a_taken_port_is_not_free_and_a_left_one_is(asker: RpcAsker, server: int) -> None:
    assert not asker.is_free(HOST, server)
    assert asker.is_free(HOST, _free_port())


@pytest.mark.real
@pytest.mark.parametrize("protected", [True, False], ids=["SIGPIPE ignored", "SIGPIPE deadly"])
def test_a_real_server_that_was_asked_while_busy_lives_on(asker: RpcAsker, runtime: Runtime, protected: bool) -> None:
    with _real_rpc_server(runtime, protected=protected) as (port, process):
        with _coordinator_on(port):
            assert asker.ask(HOST, port, timeout_seconds=0.3).state == "busy"
            assert asker.ask(HOST, port, timeout_seconds=0.3).state == "busy"
        assert asker.ask(HOST, port, timeout_seconds=5).state == "idle"
        assert process.poll() is None


@pytest.mark.real
def test_a_hello_to_a_busy_unprotected_server_would_have_killed_it(asker: RpcAsker, runtime: Runtime) -> None:
    """Why the first question is asked without a byte. If this ever fails, llama.cpp handles SIGPIPE and life is easier."""
    with _real_rpc_server(runtime, protected=False) as (port, process):
        with _coordinator_on(port), socket.create_connection((HOST, port), 5) as impatient:
            impatient.sendall(hello_requests()[0])
        assert process.wait(10) == -signal.SIGPIPE


@pytest.mark.parametrize("major", range(1, 8))
def test_every_version_is_understood(asker: RpcAsker, major: int) -> None:
    devices = ((5, 8), (13, 21)) if major >= 3 else ((5, 8),)
    with fake_rpc_server((major, 2, 1), devices) as fake:
        state = asker.ask(HOST, fake.port)
    assert state.state == "idle"
    assert state.answer is not None
    assert state.answer.protocol == RpcProtocolVersion(major=major, minor=2, patch=1)
    assert state.answer.device_memory == devices


def test_a_busy_server_is_not_sent_a_single_byte(asker: RpcAsker) -> None:
    with fake_rpc_server() as fake:
        with _coordinator_on(fake.port):
            asker.ask(HOST, fake.port, timeout_seconds=0.2)
        assert asker.ask(HOST, fake.port, timeout_seconds=5).state == "idle"
        assert fake.commands == [14, 14, 15, 11]  # the coordinator's HELLO, and then only the second, answered question


def test_nothing_listens(asker: RpcAsker) -> None:
    assert asker.ask(HOST, _free_port()).state == "gone"


def test_a_host_that_does_not_exist_is_an_error(asker: RpcAsker) -> None:
    with pytest.raises(RpcServerUnusable, match=r"no-such-host\.invalid:50052 cannot be reached"):
        asker.ask("no-such-host.invalid", 50052)


def test_an_address_of_another_machine_is_not_free(asker: RpcAsker) -> None:
    assert not asker.is_free("192.0.2.1", 50052)


def test_a_web_server_is_other(asker: RpcAsker) -> None:
    with http.server.HTTPServer((HOST, 0), _Silent) as web:
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            assert asker.ask(HOST, web.server_port, timeout_seconds=1).state == "other"
        finally:
            web.shutdown()
            thread.join()


class _Silent(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("unasked", "to_hello"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", b""),
        (b"", b""),
        (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        (b"", b"\x03\0\0\0\0\0\0\0\x00\x00\x00"),
        (b"", b"\x03\0\0\0\0\0\0\0\x07\x00\x00"),
        (b"", b"\x1c\0\0\0\0\0\0\0\x02" + bytes(27)),
        (b"", b"\xff" * 8),
        (b"", b"\x1c\0\0"),
    ],
    ids=[
        "banner",
        "closes",
        "http",
        "version 0",
        "7 in the old form",
        "2 in the new form",
        "endless answer",
        "half an answer",
    ],
)
def test_other_software_is_other(asker: RpcAsker, unasked: bytes, to_hello: bytes) -> None:
    with _answering(unasked, to_hello) as port:
        assert asker.ask(HOST, port, timeout_seconds=1).state == "other"


@contextlib.contextmanager
def _answering(unasked: bytes, to_request: bytes) -> Iterator[int]:
    """Software that says ``unasked`` at once and ``to_request`` when it was sent something."""
    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=_answer, args=(listener, unasked, to_request))
        thread.start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _answer(listener: socket.socket, unasked: bytes, to_request: bytes) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            connection.sendall(unasked)
            if connection.recv(100):
                connection.sendall(to_request)
