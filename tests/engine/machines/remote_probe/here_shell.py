"""A ``RemoteShell`` that is this very machine: every command is run by a local shell, ports are reached by plain sockets."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from engine.remote_ports import CommandOutput
from engine.vocabulary.remote import HostKey, SshTarget

TOOLS_WITHOUT_PYTHON = ("sh", "awk", "cat", "sed", "sort", "wc", "df", "who", "id", "uname", "ip", "sleep", "grep")


class HereShell:
    """``path`` is the PATH that commands see, ``login_shell`` what runs them."""

    def __init__(
        self, *, path: str | None = None, login_shell: Sequence[str] = ("sh",), environment: dict[str, str] | None = None
    ):
        self.target = SshTarget(host="10.0.0.7", user="ada")
        self.host_key = HostKey(host="10.0.0.7", key_type="ssh-ed25519", key_base64="AAAA", fingerprint="SHA256:here")
        self.alive = True
        self.calls = 0
        self.sent_bytes = 0
        self.received_bytes = 0
        self._argv = [*login_shell, "-c"]
        self._environment = {**os.environ, **(environment or {}), **({"PATH": path} if path is not None else {})}

    def run(self, command, *, stdin=b"", timeout_seconds, max_output_bytes=4 * 1024 * 1024, token=None):
        self.calls += 1
        self.sent_bytes += len(stdin)
        try:
            done = subprocess.run(
                [*self._argv, command], input=stdin, capture_output=True, timeout=timeout_seconds, env=self._environment
            )
        except subprocess.TimeoutExpired:
            return CommandOutput(exit_code=None, stdout=b"", stderr=b"", timed_out=True)
        self.received_bytes += len(done.stdout)
        return CommandOutput(exit_code=done.returncode, stdout=done.stdout[:max_output_bytes], stderr=done.stderr)

    def open(self, command):
        return HereStream([*self._argv, command], self._environment)

    def connect_port(self, host, port, timeout_seconds):
        return socket.create_connection((host, port), min(timeout_seconds, 2.0))  # a socket can be given up, sshd's cannot

    def files(self):
        raise NotImplementedError

    def round_trip_seconds(self):
        return 0.0

    def is_alive(self):
        return self.alive

    def close(self):
        self.alive = False


class HereStream:
    """A local process with its pipes."""

    def __init__(self, argv: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
        )

    def send(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def close_input(self):
        if not self.process.stdin.closed:
            self.process.stdin.close()

    def read(self, most_bytes):
        try:
            return os.read(self.process.stdout.fileno(), most_bytes)
        except (OSError, ValueError):
            return b""  # closed

    def exit_code(self, timeout_seconds):
        return self.process.wait(timeout_seconds)

    def close(self):
        """As when the channel is closed: its stdin ends, and it ends of that."""
        self.close_input()
        self.process.wait(10)
        self.process.stdout.close()


def tools_without_python(folder: Path) -> str:
    """A PATH with what a small system has, and no Python."""
    folder.mkdir(exist_ok=True)
    for name in TOOLS_WITHOUT_PYTHON:
        found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        assert found, f"{name} is not on this machine"
        (folder / name).symlink_to(found)
    return str(folder)
