"""A ``RemoteShell`` whose machine is this one: what it runs, it runs through a local ``sh``, in a session as sshd makes.

No network, no login; ports and files are not there.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass, field

from engine.errors import MachineUnreachable
from engine.ports import CancelToken
from engine.remote_ports import CommandOutput, PortConnection, RemoteFiles
from engine.vocabulary.remote import HostKey, SshTarget
from engine.vocabulary.running.process import ConnectionLoss


class LocalStream:
    """A command that runs. Implements ``RemoteStream``."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(data)
        except (OSError, ValueError) as error:
            raise MachineUnreachable("The stream is closed.") from error

    def close_input(self) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def read(self, most_bytes: int) -> bytes:
        assert self.process.stdout is not None
        try:
            return os.read(self.process.stdout.fileno(), most_bytes)
        except (OSError, ValueError):
            return b""

    def exit_code(self, timeout_seconds: float) -> int | None:
        try:
            return self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return None

    def loss(self) -> ConnectionLoss | None:
        return None

    def close(self) -> None:
        """A reader that waits sees the end when the command ends, as it does when its input has."""
        self.close_input()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        if self.process.stdout is not None:
            self.process.stdout.close()


@dataclass
class LocalShell:
    """Implements ``RemoteShell``."""

    program: str = "/bin/sh"
    """The login shell: gets ``-c COMMAND``."""
    streams: list[LocalStream] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    @property
    def target(self) -> SshTarget:
        return SshTarget(host="test-machine")

    @property
    def host_key(self) -> HostKey:
        return HostKey(host="test-machine", key_type="ssh-ed25519", key_base64="", fingerprint="SHA256:none")

    def run(
        self,
        command: str,
        *,
        stdin: bytes = b"",
        timeout_seconds: float,
        max_output_bytes: int = 4 * 1024 * 1024,
        token: CancelToken | None = None,
    ) -> CommandOutput:
        self.commands.append(command)
        done = subprocess.run(
            [self.program, "-c", command], input=stdin, capture_output=True, timeout=timeout_seconds, check=False
        )
        return CommandOutput(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)

    def open(self, command: str) -> LocalStream:
        self.commands.append(command)
        process = subprocess.Popen(
            [self.program, "-c", command],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.streams.append(LocalStream(process))
        return self.streams[-1]

    def connect_port(self, host: str, port: int, timeout_seconds: float) -> PortConnection:
        raise NotImplementedError

    def files(self) -> RemoteFiles:
        raise NotImplementedError

    def round_trip_seconds(self) -> float:
        return 0.0

    def is_alive(self) -> bool:
        return True

    def silent_seconds(self) -> float:
        return 0.0

    def must_be_heard(self, within_seconds: float) -> None: ...

    def close(self) -> None:
        for stream in self.streams:
            stream.close()
