"""Commands, pipes and ports over a real connection: deadlines, bounds, cancelling, and sshd killed in the middle."""

import socket
import threading
import time

import pytest

from engine.errors import Cancelled, MachineUnreachable
from tests.fakes.cancel_tokens import CancelledWhen
from tests.fakes.ssh.private_sshd import free_port, private_sshd
from tests.fakes.ssh.ssh_accounts import an_account

SECONDS = 20.0


@pytest.fixture
def sshd(tmp_path):
    with private_sshd(tmp_path / "sshd") as running:
        yield running


@pytest.fixture
def shell(sshd, tmp_path):
    account = an_account(tmp_path / "person")
    account.know(sshd)
    connected = account.connect(account.add_host("lab", sshd))
    yield connected
    connected.close()


def wait_until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def talkative(tmp_path):
    """An sshd that logs every request. It passes signals on for users other than root only, so its log is what can be seen."""
    with private_sshd(tmp_path / "talkative", extra=["LogLevel DEBUG1"]) as running:
        yield running


@pytest.fixture
def logged_shell(talkative, tmp_path):
    account = an_account(tmp_path / "other person")
    account.know(talkative)
    connected = account.connect(account.add_host("lab", talkative))
    yield connected
    connected.close()


def test_at_the_deadline_a_command_is_left_and_told_to_end(logged_shell, talkative):
    started = time.monotonic()
    output = logged_shell.run("echo begun; exec sleep 3", timeout_seconds=0.5)
    assert time.monotonic() - started < 2
    assert (output.exit_code, output.timed_out, output.stdout) == (None, True, b"begun\n")
    wait_until(lambda: "session 0 req signal" in talkative.log)


def test_a_cancel_is_heard_and_the_command_told_to_end(logged_shell, talkative):
    wish = time.monotonic() + 0.3
    with pytest.raises(Cancelled):
        logged_shell.run("exec sleep 3", timeout_seconds=SECONDS, token=CancelledWhen(lambda: time.monotonic() > wish))
    assert time.monotonic() - wish < 0.25
    wait_until(lambda: "session 0 req signal" in talkative.log)


def test_only_the_first_bytes_of_the_output_are_kept(shell):
    output = shell.run(
        "head -c 9000000 /dev/zero; head -c 9000000 /dev/zero >&2", timeout_seconds=SECONDS, max_output_bytes=1000
    )
    assert (len(output.stdout), len(output.stderr), output.exit_code) == (1000, 1000, 0)


def test_a_command_that_was_killed_has_no_exit_code(shell):
    assert shell.run("kill -KILL $$", timeout_seconds=SECONDS).exit_code is None


def test_sshd_killed_in_the_middle(shell, sshd):
    problems = []

    def run():
        try:
            shell.run("sleep 60", timeout_seconds=SECONDS)
        except MachineUnreachable as error:
            problems.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: "Starting session" in sshd.log)
    sshd.kill_sessions()
    thread.join(timeout=SECONDS)
    assert problems == ["The connection to lab was lost. See whether it is on and reachable."]
    assert not shell.is_alive()
    for use in (
        lambda: shell.run("true", timeout_seconds=1),
        lambda: shell.open("true"),
        shell.files,
        shell.round_trip_seconds,
    ):
        with pytest.raises(MachineUnreachable):
            use()
    with pytest.raises(ConnectionAbortedError):
        shell.connect_port("127.0.0.1", 1, 1)


def test_a_stream_whose_connection_is_lost_ends_and_takes_nothing(shell, sshd):
    stream = shell.open("cat")
    stream.send(b"x")
    assert stream.read(1) == b"x"
    sshd.kill_sessions()
    assert stream.read(1) == b""
    with pytest.raises(MachineUnreachable, match="lost"):
        stream.send(b"x")
    assert stream.exit_code(0.1) is None
    stream.close_input()
    stream.close()


def test_a_stream_whose_command_has_ended_takes_nothing(shell):
    stream = shell.open("exec true")
    assert stream.exit_code(SECONDS) == 0
    wait_until(lambda: _is_refused(stream))
    stream.close()


def _is_refused(stream):
    try:
        stream.send(b"x" * 100_000)
    except MachineUnreachable as error:
        return "has ended" in str(error)
    return False


def test_our_environment_does_not_go_along(shell, monkeypatch):
    monkeypatch.setenv("LC_SECRET", "x")
    assert b"LC_SECRET" not in shell.run("env", timeout_seconds=SECONDS).stdout


def test_a_port_of_the_machine_with_half_close(shell):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer_at_the_end, args=(listener,))
        thread.start()
        connection = shell.connect_port("127.0.0.1", listener.getsockname()[1], 5)
        connection.settimeout(0.05)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(SECONDS)
        connection.sendall(b"x" * 300_000)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b"300000"
        assert connection.recv(100) == b""
        connection.close()
        connection.close()
        thread.join(timeout=SECONDS)


def _answer_at_the_end(listener):
    peer, _ = listener.accept()
    with peer:
        length = sum(len(piece) for piece in iter(lambda: peer.recv(65536), b""))
        peer.sendall(str(length).encode())


def test_sending_to_a_port_that_was_closed_fails(shell):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = shell.connect_port("127.0.0.1", listener.getsockname()[1], 5)
        listener.accept()[0].close()
        assert connection.recv(1) == b""
        connection.shutdown(socket.SHUT_WR)
        with pytest.raises(OSError, match="closed"):
            connection.sendall(b"x")
        connection.close()


def test_a_port_where_nobody_listens(shell):
    with pytest.raises(ConnectionRefusedError, match=r"lab could not connect to 127\.0\.0\.1"):
        shell.connect_port("127.0.0.1", free_port(), 5)


def test_a_server_that_forwards_nothing(tmp_path):
    with private_sshd(tmp_path / "strict", extra=["AllowTcpForwarding no"]) as sshd:
        account = an_account(tmp_path / "person")
        account.know(sshd)
        shell = account.connect(account.add_host("lab", sshd))
        with pytest.raises(PermissionError, match="AllowTcpForwarding"):
            shell.connect_port("127.0.0.1", 1, 5)
        shell.close()


def test_a_server_with_too_few_sessions_says_so(tmp_path):
    with private_sshd(tmp_path / "strict", extra=["MaxSessions 1"]) as sshd:
        account = an_account(tmp_path / "person")
        account.know(sshd)
        shell = account.connect(account.add_host("lab", sshd))
        stream = shell.open("cat")
        with pytest.raises(MachineUnreachable, match=r"lab allows no further session on one connection\. Raise MaxSessions"):
            shell.run("true", timeout_seconds=SECONDS)
        stream.close()
        shell.close()


def test_round_trips_are_short_on_the_loopback_and_closing_is_quick(shell):
    assert 0 < shell.round_trip_seconds() < 0.5
    started = time.monotonic()
    shell.close()
    shell.close()
    assert time.monotonic() - started < 1
    assert not shell.is_alive()
