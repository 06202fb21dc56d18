"""Both programs, run for real on this machine."""

from __future__ import annotations

import json
import socket

import pytest

from engine.machines.remote_probe import ports_program
from engine.machines.remote_probe.launch_script import between, launch_script
from tests.engine.machines.remote_probe.here_shell import HereShell

HOST = "127.0.0.1"


@pytest.mark.parametrize("with_python", [True, False])
@pytest.mark.parametrize("listens_on", [HOST, "0.0.0.0"])
def test_taken_ports_are_passed_over(with_python, listens_on):
    with socket.create_server((listens_on, 0)) as listener:
        port = listener.getsockname()[1]
        script = launch_script("ports", ("N", HOST, "2", f"{port}-{port}", f"{port - 1}-{port + 20}"), with_python=with_python)
        answer = between(HereShell().run("exec sh", stdin=script, timeout_seconds=30).stdout, "N")
    assert answer is not None
    free = json.loads(answer)["free"]
    assert port not in free
    assert len(free) == 2


@pytest.mark.parametrize("with_python", [True, False])
def test_nothing_is_free_on_an_address_of_another_machine(with_python):
    script = launch_script("ports", ("N", "192.0.2.77", "2", "50052-50060"), with_python=with_python)
    answer = between(HereShell().run("exec sh", stdin=script, timeout_seconds=30).stdout, "N")
    assert answer is not None
    assert json.loads(answer) == {"format": 1, "free": []}


def test_a_port_that_was_just_used_is_free():
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
        assert not ports_program.is_free(HOST, port)
        with socket.create_connection((HOST, port)), listener.accept()[0]:
            pass
    assert ports_program.is_free(HOST, port)
    assert ports_program.free_ports(HOST, 1, [f"{port}-{port + 5}"]) == [port]
    assert not ports_program.is_free(HOST, 70000)
