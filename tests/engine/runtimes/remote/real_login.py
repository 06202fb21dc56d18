"""A real login to the private sshd of a test, without the user's own ssh configuration, agent and keyring."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.remote_ports import RemoteShell
from engine.ssh.logging_in.local_ssh import LocalSsh
from engine.ssh.logging_in.login import SshLogin
from engine.ssh.logging_in.secrets_store import SecretsStore
from engine.vocabulary.remote import SshTarget
from tests.fakes.cancel_tokens import NeverCancelled
from tests.fakes.ssh.private_sshd import PrivateSshd


@contextmanager
def logged_in(sshd: PrivateSshd, folder: Path) -> Iterator[RemoteShell]:
    """A connection for as long as the block lasts."""
    known_hosts, config = folder / "known_hosts", folder / "ssh_config"
    known_hosts.write_text(sshd.known_hosts_line + "\n")
    config.write_text(f"Host *\n  IdentityFile {sshd.client_key}\n  UserKnownHostsFile {known_hosts}\n  IdentityAgent none\n")
    environment = {name: value for name, value in os.environ.items() if name != "SSH_AUTH_SOCK"}
    ssh = LocalSsh(home=folder, local_user=sshd.user, config_file=config, environment=environment)
    login = SshLogin(folder / "accepted", ssh=ssh, secrets_store=SecretsStore(use_keyring=False))
    shell = login.connect(SshTarget(host=sshd.address, user=sshd.user, port=sshd.port), (), NeverCancelled())
    try:
        yield shell
    finally:
        shell.close()
