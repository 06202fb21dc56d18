"""Logs in and puts the machine together. Implements ``remote_ports.MachineConnector``."""

from __future__ import annotations

import time
from pathlib import Path

from engine.ports import CancelToken, ProcessStarter
from engine.remote.ssh_machine import SshMachine
from engine.remote_ports import RemoteShell, Secret
from engine.ssh.logging_in.local_ssh import LocalSsh
from engine.ssh.logging_in.login import SshLogin
from engine.ssh.tunnels.tunnels import Tunnels
from engine.vocabulary.admin_policy import AdminPolicy
from engine.vocabulary.remote import Forward, HostKey, SshTarget
from engine.vocabulary.running.process import ProcessSpec


class _Never:
    """A token that nobody cancels: the login itself has its deadlines."""

    def check(self) -> None:
        """Go on."""

    def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


class SshConnector:
    """Machines by SSH. ``known_hosts``: the file of the keys that were accepted in Crossply; ``starter``: this machine's."""

    def __init__(self, known_hosts: Path, ssh: LocalSsh, starter: ProcessStarter, policy: AdminPolicy | None = None) -> None:
        self._login = SshLogin(known_hosts, ssh=ssh, policy=policy)
        self._tunnels = Tunnels(known_hosts, ssh=ssh, starter=starter)

    def connect(self, target: SshTarget, secrets: tuple[Secret, ...], token: CancelToken) -> SshMachine:
        """Log in; see the port for what is raised."""
        shell = self._login.connect(target, secrets, token)
        self._tunnels.learn(target)

        def make_tunnel(forwards: tuple[Forward, ...]) -> ProcessSpec:
            return self._tunnels.spec(target, forwards, secrets)

        def another() -> RemoteShell:
            return self._login.connect(target, secrets, _Never())

        return SshMachine(shell, make_tunnel, another)

    def accept_host_key(self, key: HostKey) -> None:
        """A person said yes to it."""
        self._login.accept_host_key(key)
