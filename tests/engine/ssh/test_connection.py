"""A connection that goes quiet is lost; old algorithms are refused; key files in all their kinds."""

import os
import signal
import socket
import subprocess
import threading
import time

import pytest

from engine.errors import MachineUnreachable
from engine.ssh import connection as module
from engine.ssh.connection import AgentKeys, Connection, KeyFileLocked, load_key_file
from engine.vocabulary.running.process import ConnectionLoss
from tests.fakes.ssh.private_sshd import new_key, private_sshd
from tests.fakes.ssh.ssh_accounts import an_account


@pytest.fixture
def account(tmp_path):
    return an_account(tmp_path / "person")


def test_a_machine_that_goes_quiet_is_lost_and_what_waits_for_it_ends(account, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "KEEP_ALIVE_SECONDS", 0.2)
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.8)
    with private_sshd(tmp_path / "sshd") as sshd:
        account.know(sshd)
        shell = account.connect(account.add_host("lab", sshd))
        stream = shell.open("cat")
        time.sleep(1.5)
        assert shell.is_alive(), "answers to what is asked are heard"
        stopped = sshd.session_pids()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        started = time.monotonic()
        assert stream.read(1) == b""
        assert 0.5 < time.monotonic() - started < 3
        assert not shell.is_alive()
        assert stream.loss() is ConnectionLoss.SILENT
        assert shell.silent_seconds() > 0.8
        with pytest.raises(MachineUnreachable, match="The connection to lab was lost"):
            shell.run("true", timeout_seconds=5)
        shell.close()


def test_a_connection_that_was_closed_is_not_silent(account, tmp_path):
    with private_sshd(tmp_path / "sshd") as sshd:
        account.know(sshd)
        shell = account.connect(account.add_host("lab", sshd))
        stream, other = shell.open("cat"), shell.open("exit 3")
        assert other.read(1) == b""
        assert other.loss() is None, "the command ended, the connection is there"
        for pid in sshd.session_pids():
            os.kill(pid, signal.SIGKILL)
        assert stream.read(1) == b""
        assert stream.loss() is ConnectionLoss.CLOSED
        time.sleep(0.1)
        assert shell.silent_seconds() == 0.0
        shell.close()


def test_a_lot_of_output_keeps_a_connection_alive_without_answers_in_time(account, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "KEEP_ALIVE_SECONDS", 30.0)
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.5)
    with private_sshd(tmp_path / "sshd") as sshd:
        account.know(sshd)
        shell = account.connect(account.add_host("lab", sshd))
        output = shell.run("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.2; done", timeout_seconds=10)
        assert output.exit_code == 0
        shell.close()


def test_a_server_with_old_algorithms_only(account, tmp_path):
    with private_sshd(tmp_path / "old", extra=["KexAlgorithms diffie-hellman-group14-sha1"]) as sshd:
        account.know(sshd)
        with pytest.raises(MachineUnreachable, match="lab has only old algorithms that are not safe any more"):
            account.connect(account.add_host("lab", sshd))


def test_a_request_that_is_never_answered_has_a_deadline(account, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.5)
    with private_sshd(tmp_path / "sshd") as sshd:
        account.know(sshd)
        shell = account.connect(account.add_host("lab", sshd))
        for pid in sshd.session_pids():
            os.kill(pid, signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(MachineUnreachable, match="lab did not start what we asked for"):
            shell.run("true", timeout_seconds=5)
        with pytest.raises(TimeoutError, match="lab did not connect to"):
            shell.connect_port("127.0.0.1", 1, 0.5)
        assert time.monotonic() - started < 4
        shell.close()


def test_a_handshake_that_stops_in_the_middle_is_given_up():
    ours, theirs = socket.socketpair()
    theirs.sendall(b"SSH-2.0-half\r\n")
    connection = Connection(ours, "lab")
    with pytest.raises(MachineUnreachable, match="lab took our connection, but its ssh server said nothing for 1 s"):
        connection.shake_hands((), 1.2)
    connection.close()
    theirs.close()


@pytest.mark.parametrize("key_type", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("old_format", [False, True])
def test_encrypted_keys_of_all_kinds(tmp_path, key_type, old_format):
    path = new_key(tmp_path / "key", key_type=key_type)
    new = ["-m", "PEM"] if old_format else []
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret words", "-f", path, *new], check=True, stdout=subprocess.DEVNULL)
    for passphrase in (None, "wrong", ""):
        with pytest.raises(KeyFileLocked):
            load_key_file(path, passphrase)
    (key,) = load_key_file(path, "secret words")
    assert key.name == str(path)
    assert "secret" not in repr(key)
    assert not key.is_certified


def test_a_key_with_its_certificate_is_tried_first_with_and_then_without_it(tmp_path):
    authority, path = new_key(tmp_path / "ca"), new_key(tmp_path / "key")
    subprocess.run(["ssh-keygen", "-q", "-s", authority, "-I", "x", "-n", "ada", tmp_path / "key.pub"], check=True)
    other = tmp_path / "other-cert.pub"
    (tmp_path / "key-cert.pub").rename(other)
    assert [key.is_certified for key in load_key_file(path, None)] == [False]
    assert [key.is_certified for key in load_key_file(path, None, (other, authority))] == [True, False]
    other.rename(tmp_path / "key-cert.pub")
    assert [key.is_certified for key in load_key_file(path, None)] == [True, False]
    (tmp_path / "nonsense").write_text("nonsense")
    assert [key.is_certified for key in load_key_file(path, None, (tmp_path / "nonsense",))] == [True, False]


@pytest.mark.parametrize(
    "text", ["", "nonsense", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"]
)
def test_files_that_are_no_keys_are_passed_over(tmp_path, text):
    (tmp_path / "key").write_text(text)
    assert load_key_file(tmp_path / "key", None) == ()
    assert load_key_file(tmp_path / "missing", None) == ()


def test_no_agent_or_one_that_talks_nonsense_has_no_keys(tmp_path):
    assert AgentKeys(str(tmp_path / "missing")).keys == ()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "nonsense"))
        listener.listen()
        thread = threading.Thread(target=lambda: _answer(listener, b"\0\0\0\1\5"))
        thread.start()
        keys = AgentKeys(str(tmp_path / "nonsense"))
        assert keys.keys == ()
        keys.close()
        thread.join(timeout=10)


def _answer(listener, data):
    peer, _ = listener.accept()
    with peer:
        peer.recv(100)
        peer.sendall(data)
