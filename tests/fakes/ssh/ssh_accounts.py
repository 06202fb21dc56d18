"""A person with an ssh configuration in a temporary folder, and logins made from it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from engine.errors import HostKeyUnknown
from engine.remote_ports import RemoteShell, Secret
from engine.ssh.logging_in.local_ssh import LocalSsh
from engine.ssh.logging_in.login import SshLogin
from engine.ssh.logging_in.secrets_store import SecretsStore
from engine.vocabulary.remote import SshTarget
from tests.fakes.cancel_tokens import NeverCancelled
from tests.fakes.ssh.private_sshd import PrivateSshd


@dataclass(frozen=True, slots=True, kw_only=True)
class SshAccount:
    """Nothing of the user that runs the tests is read."""

    home: Path
    login: SshLogin
    store: SecretsStore
    ssh: LocalSsh

    @property
    def config(self) -> Path:
        """ssh's configuration."""
        return self.home / ".ssh/config"

    @property
    def known_hosts(self) -> Path:
        """The user's own."""
        return self.home / ".ssh/known_hosts"

    @property
    def our_known_hosts(self) -> Path:
        """Of Crossply."""
        return self.home / "crossply/known_hosts"

    def add_host(self, name: str, sshd: PrivateSshd, *lines: str, key: Path | None = None) -> SshTarget:
        """An entry of the configuration for a private sshd."""
        self.add_lines(
            f"Host {name}",
            f"HostName {sshd.address}",
            f"Port {sshd.port}",
            f"User {sshd.user}",
            f"IdentityFile {key or sshd.client_key}",
            *lines,
        )
        return SshTarget(host=name)

    def add_lines(self, *lines: str) -> None:
        """More of the configuration. The files with known hosts are always the account's."""
        files = (f'UserKnownHostsFile "{self.known_hosts}"', "GlobalKnownHostsFile none")
        with self.config.open("a", encoding="utf-8") as file:
            file.write("\n".join((*lines, *files)) + "\n")

    def know(self, sshd: PrivateSshd) -> None:
        """Put its host key into the user's known_hosts."""
        with self.known_hosts.open("a", encoding="ascii") as file:
            file.write(f"{sshd.known_hosts_line}\n")

    def connect(self, target: SshTarget, *secrets: Secret) -> RemoteShell:
        """Log in."""
        return self.login.connect(target, secrets, NeverCancelled())

    def connect_anyway(self, target: SshTarget, *secrets: Secret) -> RemoteShell:
        """Log in, and accept every host key on the way."""
        while True:
            try:
                return self.connect(target, *secrets)
            except HostKeyUnknown as error:
                self.login.accept_host_key(error.key)


def an_account(home: Path, *, greeting_seconds: float = 15.0, environment: dict[str, str] | None = None) -> SshAccount:
    """Its home is ``home``; it has no agent unless the environment names one."""
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    (home / ".ssh/config").touch()
    store = SecretsStore(use_keyring=False)
    ssh = LocalSsh(
        home=home,
        local_user="ada",
        config_file=home / ".ssh/config",
        environment={"PATH": os.environ["PATH"], "HOME": str(home), **(environment or {})},
    )
    login = SshLogin(home / "crossply/known_hosts", ssh=ssh, secrets_store=store, greeting_seconds=greeting_seconds)
    return SshAccount(home=home, login=login, store=store, ssh=ssh)
