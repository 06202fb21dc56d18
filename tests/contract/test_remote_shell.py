"""What every ``RemoteShell`` promises about commands: the one on this machine that other tests use, and a real sshd."""

from __future__ import annotations

import threading
import time

import pytest

from tests.fakes.ssh.local_shell import LocalShell
from tests.fakes.ssh.private_sshd import private_sshd
from tests.fakes.ssh.ssh_accounts import an_account

SECONDS = 20.0


@pytest.fixture(params=["this machine", "ssh"])
def shell(request, tmp_path):
    if request.param == "this machine":
        local = LocalShell()
        yield local
        local.close()
        return
    with private_sshd(tmp_path / "sshd") as sshd:
        account = an_account(tmp_path / "person")
        account.know(sshd)
        connected = account.connect(account.add_host("lab", sshd))
        yield connected
        connected.close()


def test_a_command_ends_with_its_status_and_both_outputs(shell):
    output = shell.run("cat; echo problem >&2; exit 7", stdin=b"in\0put", timeout_seconds=SECONDS)
    assert (output.exit_code, output.stdout, output.stderr, output.timed_out) == (7, b"in\0put", b"problem\n", False)


def test_much_input_and_output_do_not_block_each_other(shell):
    data = bytes(range(256)) * 16384  # 4 MiB: more than any window or pipe holds
    output = shell.run("cat", stdin=data, timeout_seconds=SECONDS, max_output_bytes=8 << 20)
    assert output.stdout == data


def test_a_command_that_reads_nothing_ends_all_the_same(shell):
    assert shell.run("exit 3", stdin=b"x" * (4 << 20), timeout_seconds=SECONDS).exit_code == 3


def test_a_shell_line_is_given_as_it_is(shell):
    assert shell.run("""printf '%s|' 'a  b' "c'd" ü""", timeout_seconds=SECONDS).stdout.decode() == "a  b|c'd|ü|"


def test_a_stream_takes_input_and_gives_output_with_errors_merged(shell):
    stream = shell.open("read line; echo got $line; echo problem >&2; cat; exit 5")
    stream.send(b"one\nrest\n")  # a whole line: over ssh the two streams may come in any order
    stream.close_input()
    stream.close_input()
    said = b""
    while piece := stream.read(1000):
        said += piece
    assert sorted(said.splitlines()) == [b"got one", b"problem", b"rest"]
    assert stream.exit_code(SECONDS) == 5
    stream.close()
    stream.close()


def test_closing_a_stream_ends_the_input_of_its_command(shell, tmp_path):
    stream = shell.open(f"cat >/dev/null; echo end > {tmp_path}/ended")
    assert stream.exit_code(0.05) is None
    stream.close()
    deadline = time.monotonic() + SECONDS
    while not (tmp_path / "ended").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_reader_gets_what_comes_while_another_thread_writes(shell):
    stream = shell.open("cat")
    pieces: list[bytes] = []
    reader = threading.Thread(target=lambda: pieces.extend(iter(lambda: stream.read(4096), b"")))
    reader.start()
    for _ in range(200):
        stream.send(b"x" * 10_000)
    stream.close_input()
    reader.join(timeout=SECONDS)
    assert sum(map(len, pieces)) == 2_000_000
    stream.close()


def test_it_is_alive_until_it_is_closed_and_has_a_target(shell):
    assert shell.is_alive()
    assert shell.target.host
    assert shell.host_key.fingerprint.startswith("SHA256:")
    assert 0 <= shell.round_trip_seconds() < 1
