"""Asking real rpc-servers through a real sshd, and a thousand questions to busy ones."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.llama_cpp.wire_protocol import hello_requests
from engine.machines.asking.rpc_asker import SocketRpcAsker
from engine.machines.asking.shell_rpc_asker import ShellRpcAsker
from engine.remote_ports import RemoteShell
from engine.vocabulary.runtime import Runtime
from tests.engine.runtimes.remote.real_login import logged_in
from tests.fakes.ssh.private_sshd import private_sshd

HOST = "127.0.0.1"
QUESTIONS = 1000
THREADS = 10


@contextlib.contextmanager
def unprotected_server(runtime: Runtime) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """An rpc-server that SIGPIPE kills, as when a person has started it."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
    process = subprocess.Popen(
        [runtime.rpc_server, "-H", HOST, "-p", str(port), "-d", "CPU", "-t", "1"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        restore_signals=True,
    )
    try:
        deadline = time.monotonic() + 30
        while SocketRpcAsker().ask(HOST, port).state != "idle":
            assert process.poll() is None
            assert time.monotonic() < deadline, "the rpc-server does not listen"
            time.sleep(0.02)
        yield port, process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def silent_coordinator(port: int) -> Iterator[None]:
    """Greets, and then says nothing, as llama-server does between two requests."""
    with socket.create_connection((HOST, port), 5) as held:
        held.sendall(hello_requests()[0])
        assert held.recv(64)
        yield


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[RemoteShell]:
    with private_sshd(tmp_path / "sshd") as sshd, logged_in(sshd, tmp_path) as connected:
        yield connected


def wait_until_idle(asker: SocketRpcAsker | ShellRpcAsker, port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while (state := asker.ask(HOST, port).state) != "idle":
        assert process.poll() is None, "the server is lost"
        assert state == "busy", state
        assert time.monotonic() < deadline, "it stays busy although nobody uses it"


@pytest.mark.real
def test_a_thousand_questions_to_busy_servers_call_none_dead_and_lose_none(runtime: Runtime) -> None:
    asker = SocketRpcAsker()
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(unprotected_server(runtime)) for _ in range(4)]
        with contextlib.ExitStack() as coordinators, ThreadPoolExecutor(THREADS) as pool:
            for port, _ in servers:
                coordinators.enter_context(silent_coordinator(port))
            ports = [servers[number % len(servers)][0] for number in range(QUESTIONS)]
            said = Counter(pool.map(lambda port: asker.ask(HOST, port, timeout_seconds=0.05).state, ports))
        assert said == {"busy": QUESTIONS}
        for port, process in servers:
            wait_until_idle(asker, port, process)


@pytest.mark.real
def test_a_real_server_through_a_real_sshd(runtime: Runtime, shell: RemoteShell) -> None:
    asker = ShellRpcAsker(shell)
    with unprotected_server(runtime) as (port, process):
        state = asker.ask(HOST, port)
        assert state.state == "idle"
        assert state.answer is not None
        assert state.answer == SocketRpcAsker().ask(HOST, port).answer
        with silent_coordinator(port):
            assert {asker.ask(HOST, port, timeout_seconds=0.3).state for _ in range(12)} == {"busy"}
            assert not asker.is_free(HOST, port)
        wait_until_idle(asker, port, process)
    assert asker.ask(HOST, port).state == "gone"
    assert asker.is_free(HOST, port)
