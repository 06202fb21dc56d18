"""Asks ports of a remote machine from that machine, through its SSH connection. Implements ``ports.RpcAsker``.

The host is ``127.0.0.1`` or one of the machine's own addresses, so a connect that stays without an answer means a full queue
(busy), unless the SSH connection itself is gone.
"""

from __future__ import annotations

from engine.errors import RpcServerUnusable
from engine.machines.asking.late_connects import LateConnects
from engine.machines.asking.rpc_asker import ask_port
from engine.machines.remote_probe.free_ports import which_are_free
from engine.ports import RpcState
from engine.remote_ports import RemoteShell


class ShellRpcAsker:
    """Of one machine, from any thread."""

    def __init__(self, shell: RemoteShell) -> None:
        self._shell = shell
        self._connects = LateConnects(shell.connect_port)

    def ask(self, host: str, port: int, *, timeout_seconds: float = 2.0) -> RpcState:
        """What is on the port. Raises ``RpcServerUnusable`` when that cannot be said."""
        state = ask_port(self._connects.connect, host, port, timeout_seconds=timeout_seconds, is_own_address=True)
        if state.state != "idle" and not self._shell.is_alive():
            raise RpcServerUnusable(
                f"{host}:{port} on {self._shell.target.text} cannot be reached: the connection to that machine was lost.",
                advice="Connect to it again.",
            )
        return state

    def is_free(self, host: str, port: int) -> bool:
        """Whether a server of ours could listen there. One round trip; for many ports ask ``free_ports``.

        Raises ``MachineUnreachable``, ``ProbeFailed``.
        """
        return 0 < port < 65536 and which_are_free(self._shell, host, (port,), 1) == (port,)
