"""Which process carries ports to a machine: OpenSSH where it gets in without asking, else a program of ours.

OpenSSH in batch mode gets in with a key that is open or in an agent. A password, or a key whose passphrase was typed, only our
own login has: then ``tunnel_program`` carries the ports, with paramiko, and is told the secrets on its standard input.
``SSH_ASKPASS`` was rejected as the way to give them to OpenSSH: it takes a program of ours in its environment, needs OpenSSH
8.4, and a secret that is wrong is asked for again and again.
"""

from __future__ import annotations

import getpass
import json
import shutil
import sys
from pathlib import Path
from threading import Event, Lock

import engine
from engine.errors import EngineError
from engine.ports import ProcessStarter
from engine.remote_ports import Secret
from engine.ssh.logging_in.local_ssh import LocalSsh
from engine.ssh.logging_in.route import route_to
from engine.ssh.tunnels.tunnel_command import check_command, tunnel_command
from engine.vocabulary.remote import Forward, SshTarget
from engine.vocabulary.running.process import ProcessId, ProcessOutcome, ProcessSpec

_CHECK_SECONDS = 20.0


class Tunnels:
    """Makes the specs of tunnel processes. ``known_hosts`` is the file of the keys that were accepted in Crossply."""

    def __init__(
        self,
        known_hosts: Path,
        *,
        ssh: LocalSsh | None = None,
        starter: ProcessStarter | None = None,
        program: str = "ssh",
        config_file: Path | None = None,
    ) -> None:
        """``starter`` is this machine's; without it nothing is tried, and OpenSSH is taken where no secrets are needed.
        ``config_file``: instead of the user's own."""
        self._known_hosts = known_hosts
        self._ssh = ssh or LocalSsh(home=Path.home(), local_user=getpass.getuser(), config_file=config_file)
        self._starter = starter
        self._program = shutil.which(program)
        self._config_file = config_file
        self._lock = Lock()
        self._let_in: dict[SshTarget, bool] = {}

    def learn(self, target: SshTarget) -> bool:
        """Try whether OpenSSH gets in without asking; remembered for ``spec``. To be called after a login: takes as long as
        one, at most 20 s."""
        if self._program is None or self._starter is None:
            return False
        let_in = self._try(target, self._program, self._starter)
        with self._lock:
            self._let_in[target] = let_in
        return let_in

    def spec(self, target: SshTarget, forwards: tuple[Forward, ...], secrets: tuple[Secret, ...]) -> ProcessSpec:
        """The local process that carries the ports. Raises ``BadInput`` when ssh refuses its configuration."""
        with self._lock:
            let_in = self._let_in.get(target, not secrets)
        name = ProcessId(f"tunnel {target.text}")
        if self._program is not None and let_in:
            stops = route_to(target, self._ssh)
            return ProcessSpec(id=name, argv=tunnel_command(stops, forwards, self._known_hosts, program=self._program))
        return ProcessSpec(
            id=name,
            argv=(sys.executable, "-m", "engine.ssh.tunnels.tunnel_program"),
            environment=(("PYTHONPATH", str(Path(engine.__file__).parents[1])),),
            first_line=self._order(target, forwards, secrets),
        )

    def _order(self, target: SshTarget, forwards: tuple[Forward, ...], secrets: tuple[Secret, ...]) -> str:
        return json.dumps(
            {
                "host": target.host,
                "user": target.user,
                "port": target.port,
                "forwards": [[forward.local_port, forward.remote_port] for forward in forwards],
                "secrets": [[secret.kind, secret.value, secret.prompt] for secret in secrets],
                "known_hosts": str(self._known_hosts),
                "config_file": str(self._config_file) if self._config_file else None,
                "home": str(self._ssh.home),
            }
        )

    def _try(self, target: SshTarget, program: str, starter: ProcessStarter) -> bool:
        outcomes: list[ProcessOutcome] = []
        ended = Event()

        def on_exit(outcome: ProcessOutcome) -> None:
            outcomes.append(outcome)
            ended.set()

        try:
            argv = check_command(route_to(target, self._ssh), self._known_hosts, program=program)
            process = starter.start(ProcessSpec(id=ProcessId("ssh check"), argv=argv), lambda _: None, on_exit)
        except EngineError:
            return False
        if not ended.wait(_CHECK_SECONDS):
            process.stop(grace_seconds=0.5)
            return False
        return outcomes[0].exit_code not in (None, 255)
