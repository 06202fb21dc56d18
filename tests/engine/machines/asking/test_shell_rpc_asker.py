"""What differs from asking by plain sockets; the rest is in the contract suite."""

from __future__ import annotations

import pytest

from engine.errors import RpcServerUnusable
from engine.machines.asking.shell_rpc_asker import ShellRpcAsker
from tests.engine.machines.remote_probe.here_shell import HereShell

OWN_ADDRESS = "192.0.2.7"


class Connects(HereShell):
    """Every connect ends like this."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def connect_port(self, host, port, timeout_seconds):
        raise self.error


@pytest.mark.parametrize(
    ("error", "state"),
    [(ConnectionRefusedError(), "gone"), (TimeoutError(), "busy")],
)
def test_on_an_own_address_silence_means_a_full_queue(error: OSError, state: str) -> None:
    assert ShellRpcAsker(Connects(error)).ask(OWN_ADDRESS, 50052).state == state


@pytest.mark.parametrize("error", [ConnectionRefusedError(), TimeoutError()])
def test_a_lost_connection_is_no_state_of_the_server(error: OSError) -> None:
    shell = Connects(error)
    shell.close()
    with pytest.raises(
        RpcServerUnusable, match=r"on ada@10\.0\.0\.7 cannot be reached: the connection to that machine was lost"
    ):
        ShellRpcAsker(shell).ask("127.0.0.1", 50052)


def test_a_server_that_forbids_forwarding_is_not_called_gone() -> None:
    shell = Connects(PermissionError(1, "gpu-node does not forward connections (AllowTcpForwarding)"))
    with pytest.raises(RpcServerUnusable, match="AllowTcpForwarding"):
        ShellRpcAsker(shell).ask("127.0.0.1", 50052)


def test_no_such_port_costs_no_round_trip() -> None:
    shell = HereShell()
    assert not ShellRpcAsker(shell).is_free("127.0.0.1", 0)
    assert not ShellRpcAsker(shell).is_free("127.0.0.1", 65536)
    assert shell.calls == 0
