"""The search of the network, given the real things: ssh's files of this user, ``ssh -G``, the rpc-server asker."""

from __future__ import annotations

from pathlib import Path

from engine.finding.network_finder import NetworkFinder
from engine.finding.ways.ssh_names import SshName
from engine.machines.asking.rpc_asker import SocketRpcAsker
from engine.processes.run_command import run_command
from engine.settings.ssh_files import host_names, known_host_names
from engine.ssh.host_keys.shown_key import shown_fingerprint
from engine.ssh.logging_in.local_ssh import LocalSsh
from engine.vocabulary.remote import SshTarget

SYSTEM_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")


def real_finder(home: Path, ssh: LocalSsh, known_hosts: Path) -> NetworkFinder:
    """``known_hosts``: the file of the keys that were accepted in Crossply; read beside the user's own."""
    files = (home / ".ssh/known_hosts", SYSTEM_KNOWN_HOSTS, known_hosts)

    def where(name: str) -> SshName:
        options = ssh.options(SshTarget(host=name))
        behind = bool(options.jumps or options.proxy_command)
        return SshName(host=options.hostname, port=options.port, behind_jump_host=behind)

    return NetworkFinder(
        asker=SocketRpcAsker(),
        run=lambda argv, seconds: run_command(argv, timeout_seconds=seconds).stdout,
        config_names=lambda: host_names(home / ".ssh/config"),
        known_names=lambda: known_host_names(files),
        resolve_ssh=where,
        host_key_of=shown_fingerprint,
    )
