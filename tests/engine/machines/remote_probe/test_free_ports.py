from __future__ import annotations

import socket

import pytest

from engine.errors import ProbeFailed
from engine.machines.remote_probe.free_ports import free_ports, which_are_free
from engine.remote_ports import CommandOutput
from tests.engine.machines.remote_probe.here_shell import HereShell


class Says(HereShell):
    """Answers with these ports."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def run(self, command, *, stdin, **options):
        nonce = next(line for line in stdin.decode().splitlines() if line.startswith("set -- ")).split()[2]
        self.calls += 1
        return CommandOutput(exit_code=0, stdout=f"\n{nonce}\n{self.answer}\n{nonce}\n".encode(), stderr=b"")


def test_many_ports_in_one_round_trip():
    shell = HereShell()
    found = free_ports(shell, 42000, 100, {42001, 42003})
    assert len(set(found)) == 100
    assert shell.calls == 1
    assert not {42001, 42003} & set(found)
    assert all(42000 <= port < 44500 for port in found)


def test_a_port_where_somebody_listens_is_not_free():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert which_are_free(HereShell(), "127.0.0.1", (port,), 1) == ()


def test_no_ports_asked_needs_no_round_trip():
    shell = HereShell()
    assert which_are_free(shell, "127.0.0.1", (), 1) == ()
    assert shell.calls == 0


def test_too_few_is_said():
    with pytest.raises(
        ProbeFailed, match=r"^ada@10\.0\.0\.7 has only 1 free ports from 50052 on at 127\.0\.0\.1, and 3 are needed"
    ):
        free_ports(Says('{"format":1,"free":[50053]}'), 50052, 3)


@pytest.mark.parametrize(
    "answer", ["", "[]", '{"format":1,"free":[22]}', '{"format":1,"free":[50052,50053,50054]}', '{"free":"x"}']
)
def test_nonsense_is_refused(answer):
    with pytest.raises(ProbeFailed, match="told nonsense about its free ports"):
        free_ports(Says(answer), 50052, 2)
