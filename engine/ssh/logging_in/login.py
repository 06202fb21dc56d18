"""Logs in to a machine: the way to it, its host key, who we are. Questions leave as errors; the caller asks and comes again.

Nothing is kept open between a question and its answer: a person takes longer than a server waits.
"""

from __future__ import annotations

import getpass
import time
from pathlib import Path

from engine.errors import MachineUnreachable
from engine.ports import CancelToken
from engine.remote_ports import RemoteShell, Secret
from engine.ssh.abandonable import Attempt, run_abandonable
from engine.ssh.connection import Connection
from engine.ssh.heard_socket import ByteStream
from engine.ssh.host_keys.accepted_keys import keep_host_key
from engine.ssh.host_keys.known_hosts import check_host_key, host_key_of, known_keys
from engine.ssh.logging_in.allowed_hosts import check_allowed
from engine.ssh.logging_in.authenticate import Answers, Authenticator, Strikes
from engine.ssh.logging_in.local_ssh import LocalSsh
from engine.ssh.logging_in.route import CONNECT_SECONDS, Stop, first_stretch, route_to
from engine.ssh.logging_in.secrets_store import SecretsStore
from engine.ssh.shell import ParamikoShell
from engine.vocabulary.admin_policy import AdminPolicy
from engine.vocabulary.remote import HostKey, SshTarget

GREETING_SECONDS = 15.0
"""From the first packet to the end of the key exchange; a host that says nothing is given up after that."""
_ALL_SECONDS = 180.0
"""For all machines on the way, with an agent that asks a person."""


class SshLogin:
    """Makes connections. ``known_hosts`` is the file of the keys that were accepted in Crossply. From any thread."""

    def __init__(
        self,
        known_hosts: Path,
        *,
        ssh: LocalSsh | None = None,
        secrets_store: SecretsStore | None = None,
        greeting_seconds: float = GREETING_SECONDS,
        policy: AdminPolicy | None = None,
    ) -> None:
        self._known_hosts = known_hosts
        self._ssh = ssh or LocalSsh(home=Path.home(), local_user=getpass.getuser())
        self._store = secrets_store or SecretsStore()
        self._greeting_seconds = greeting_seconds
        self._strikes = Strikes()
        self._policy = policy or AdminPolicy()

    def accept_host_key(self, key: HostKey) -> None:
        """A person said yes to it. Raises ``BadInput`` when our file cannot be written."""
        keep_host_key(self._known_hosts, key)

    def connect(self, target: SshTarget, secrets: tuple[Secret, ...], token: CancelToken) -> RemoteShell:
        """Log in. Raises ``BadInput``, ``HostKeyUnknown``, ``HostKeyChanged``, ``SecretNeeded``, ``LoginRefused``,
        ``MachineUnreachable``, and ``Cancelled`` within 0.2 s."""
        token.check()
        return run_abandonable(
            lambda attempt: self._connect(target, secrets, attempt),
            token=token,
            deadline_seconds=_ALL_SECONDS,
            name=target.host,
        )

    def _connect(self, target: SshTarget, secrets: tuple[Secret, ...], attempt: Attempt) -> ParamikoShell:
        stops = route_to(target, self._ssh)
        check_allowed(self._policy, stops[-1])
        connections: list[Connection] = []
        keys: list[HostKey] = []
        for stop in stops:
            answers = Answers(given=secrets, store=self._store, is_last_stop=stop is stops[-1])
            started = time.monotonic()
            stream = self._onward(connections[-1], stop) if connections else first_stretch(stop, attempt, self._ssh)
            connection = attempt.hold(Connection(stream, stop.name))
            keys.append(self._meet(connection, stop, started))
            Authenticator(connection, stop.options, answers, self._ssh.environment, self._strikes).log_in()
            connection.watch()
            connections.append(connection)
        return ParamikoShell(connections[-1], target=target, host_key=keys[-1], hops=tuple(connections[:-1]))

    @staticmethod
    def _onward(through: Connection, stop: Stop) -> ByteStream:
        """From one machine to the next."""
        timeout = stop.options.connect_timeout_seconds or CONNECT_SECONDS
        try:
            return through.open_port(stop.options.hostname, stop.options.port, timeout)
        except OSError as error:
            raise MachineUnreachable(
                f"{stop.name} cannot be reached through {through.name}: {error.strerror}.",
                advice="See whether it is on, and whether the machine on the way may connect to it.",
            ) from None

    def _meet(self, connection: Connection, stop: Stop, started: float) -> HostKey:
        files = (*stop.options.known_hosts, self._known_hosts)
        name = stop.options.name_in_known_hosts
        known_types = tuple(dict.fromkeys(key.key_type for key in known_keys(name, files) if not key.revoked))
        left = max(self._greeting_seconds / 3, self._greeting_seconds - (time.monotonic() - started))
        shown = host_key_of(name, *connection.shake_hands(known_types, left))
        check_host_key(shown, files, machine=stop.name)
        return shown
