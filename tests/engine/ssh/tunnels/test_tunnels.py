"""Tunnels of both kinds to a real sshd: bytes go through, host keys are checked, the user's own forwards do no harm."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.ports import RunningProcess
from engine.processes.local_process import LocalProcessStarter
from engine.remote_ports import Secret
from engine.ssh.tunnels.tunnels import Tunnels
from engine.vocabulary.remote import Forward, SecretKind, SshTarget
from engine.vocabulary.running.process import ProcessSpec
from tests.fakes.ssh.private_sshd import PrivateSshd, free_port, new_key, private_sshd
from tests.fakes.ssh.ssh_accounts import SshAccount, an_account

WAIT_SECONDS = 30.0


@pytest.fixture
def account(tmp_path: Path) -> SshAccount:
    return an_account(tmp_path / "a person")


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateSshd]:
    with private_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def echo_port() -> Iterator[int]:
    """A server on this machine's loopback that sends back what it gets, one connection at a time."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=echo, args=(server,))
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(WAIT_SECONDS)


def echo(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            while chunk := connection.recv(65536):
                connection.sendall(chunk)


def tunnels_of(account: SshAccount, program: str = "ssh") -> Tunnels:
    return Tunnels(
        account.our_known_hosts,
        ssh=account.ssh,
        starter=LocalProcessStarter(),
        program=program,
        config_file=account.config,
    )


@contextlib.contextmanager
def started(spec: ProcessSpec) -> Iterator[RunningProcess]:
    ended = threading.Event()
    process = LocalProcessStarter().start(spec, lambda line: None, lambda outcome: ended.set())
    try:
        yield process
    finally:
        process.stop(grace_seconds=1.0)
        assert ended.wait(WAIT_SECONDS)


def say_through(port: int, process: RunningProcess, words: bytes) -> bytes:
    """Through the tunnel and back, once it listens."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as client:
                client.sendall(words)
                client.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: client.recv(65536), b""))
        except ConnectionRefusedError:
            assert process.is_alive(), process.tail()
            assert time.monotonic() < deadline, process.tail()
            time.sleep(0.02)


def ends_by_itself(process: RunningProcess) -> tuple[int | None, str]:
    deadline = time.monotonic() + WAIT_SECONDS
    while process.is_alive():
        assert time.monotonic() < deadline, process.tail()
        time.sleep(0.02)
    outcome = process.stop()
    return outcome.exit_code, "\n".join(process.tail())


@pytest.mark.parametrize("program", ["ssh", "no-such-ssh"])
def test_ports_are_carried_by_either_kind(account: SshAccount, sshd: PrivateSshd, echo_port: int, program: str) -> None:
    account.know(sshd)
    target = account.add_host("lab", sshd)
    forward = Forward(local_port=free_port(), remote_port=echo_port)
    spec = tunnels_of(account, program).spec(target, (forward,), ())
    assert (spec.argv[0].endswith("/ssh"), "-m" in spec.argv) == (program == "ssh", program != "ssh")
    with started(spec) as process:
        words = bytes(range(256)) * 4000
        assert say_through(forward.local_port, process, words) == words


@pytest.mark.parametrize("program", ["ssh", "no-such-ssh"])
def test_a_server_with_another_key_gets_nothing(account: SshAccount, sshd: PrivateSshd, tmp_path: Path, program: str) -> None:
    other = new_key(tmp_path / "other").with_suffix(".pub").read_text().split()[1]
    account.known_hosts.write_text(f"[{sshd.address}]:{sshd.port} ssh-ed25519 {other}\n")
    spec = tunnels_of(account, program).spec(
        account.add_host("lab", sshd), (Forward(local_port=free_port(), remote_port=1),), ()
    )
    with started(spec) as process:
        code, said = ends_by_itself(process)
    assert code not in (0, None)
    assert "host" in said.lower() or "machine" in said.lower()


def test_keys_accepted_in_crossply_and_a_jump_are_enough(
    account: SshAccount, sshd: PrivateSshd, tmp_path: Path, echo_port: int
) -> None:
    with private_sshd(tmp_path / "gate") as gate:
        account.add_host("gate", gate)
        target = account.add_host("lab", sshd, "ProxyJump gate")
        account.connect_anyway(target).close()
        assert not account.known_hosts.exists()
        forward = Forward(local_port=free_port(), remote_port=echo_port)
        tunnels = tunnels_of(account)
        assert tunnels.learn(target)
        with started(tunnels.spec(target, (forward,), ())) as process:
            assert say_through(forward.local_port, process, b"hello") == b"hello"
        assert not account.known_hosts.exists()


def test_forwards_and_traps_of_the_user_s_own_do_no_harm(account: SshAccount, sshd: PrivateSshd, echo_port: int) -> None:
    account.know(sshd)
    busy = free_port()
    target = account.add_host(
        "lab",
        sshd,
        f"LocalForward 127.0.0.1:{busy} 127.0.0.1:9",
        f"RemoteForward 127.0.0.1:{busy} 127.0.0.1:9",
        "ClearAllForwardings yes",
        "ForkAfterAuthentication yes",
        "RemoteCommand sleep 60",
        "ControlMaster auto",
        f'ControlPath "{account.home}/control"',
    )
    forward = Forward(local_port=free_port(), remote_port=echo_port)
    with socket.create_server(("127.0.0.1", busy)), started(tunnels_of(account).spec(target, (forward,), ())) as process:
        assert say_through(forward.local_port, process, b"hello") == b"hello"
    assert not (account.home / "control").exists()


def test_a_local_port_that_is_taken_ends_it(account: SshAccount, sshd: PrivateSshd, echo_port: int) -> None:
    account.know(sshd)
    target = account.add_host("lab", sshd)
    forward = Forward(local_port=echo_port, remote_port=1)
    for program in ("ssh", "no-such-ssh"):
        with started(tunnels_of(account, program).spec(target, (forward,), ())) as process:
            code, said = ends_by_itself(process)
        assert code not in (0, None)
        assert str(echo_port) in said


def test_where_ssh_would_have_to_ask_our_own_program_is_used(
    account: SshAccount, sshd: PrivateSshd, tmp_path: Path, echo_port: int
) -> None:
    locked = new_key(tmp_path / "locked", passphrase="hush")
    with sshd.authorized_keys.open("a") as file:
        file.write(locked.with_suffix(".pub").read_text())
    account.know(sshd)
    target = account.add_host("lab", sshd, key=locked)
    tunnels = tunnels_of(account)
    assert not tunnels.learn(target)
    secret = Secret(kind=SecretKind.PASSPHRASE, value="hush")
    forward = Forward(local_port=free_port(), remote_port=echo_port)
    spec = tunnels.spec(target, (forward,), (secret,))
    assert "hush" not in repr(spec)
    assert not any("hush" in word for word in spec.argv)
    with started(spec) as process:
        assert say_through(forward.local_port, process, b"hello") == b"hello"
        assert "hush" not in "\n".join(process.tail())


def test_the_program_ends_when_the_connection_does(account: SshAccount, sshd: PrivateSshd, echo_port: int) -> None:
    account.know(sshd)
    forward = Forward(local_port=free_port(), remote_port=echo_port)
    spec = tunnels_of(account, "no-such-ssh").spec(account.add_host("lab", sshd), (forward,), ())
    with started(spec) as process:
        say_through(forward.local_port, process, b"hello")
        sshd.kill_sessions()
        assert ends_by_itself(process) == (
            2,
            f"127.0.0.1:{forward.local_port} leads to port {echo_port} of lab.\nThe connection to lab was lost.",
        )


def test_without_a_trial_secrets_decide(account: SshAccount) -> None:
    target = SshTarget(host="lab")
    tunnels = Tunnels(account.our_known_hosts, ssh=account.ssh, config_file=account.config)
    forward = (Forward(local_port=1024, remote_port=1),)
    assert tunnels.spec(target, forward, ()).argv[0].endswith("ssh")
    spec = tunnels.spec(target, forward, (Secret(kind=SecretKind.PASSWORD, value="x", prompt="Password of ada on gate"),))
    assert json.loads(spec.first_line or "")["secrets"] == [["password", "x", "Password of ada on gate"]]
    assert not tunnels.learn(target)
