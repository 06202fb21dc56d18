"""The local programs that a login needs: ``ssh -G``, which says what the configuration means, and a ``ProxyCommand``.

A ProxyCommand gets one end of a socket pair as its standard input and output, so that its other end is a plain socket for us.
``paramiko.ProxyCommand`` was rejected: it spins when the command has ended, leaves a zombie behind, and splits the line by
itself where OpenSSH hands it to the user's shell.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess  # noqa: TID251 - the one file of this wing that starts programs
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from engine.errors import BadInput, MachineUnreachable
from engine.ssh.logging_in.ssh_options import SshOptions, checked_target, default_options, parse_ssh_g
from engine.vocabulary.remote import SshTarget

_ASK_SECONDS = 10.0
"""``ssh -G`` takes milliseconds, unless a ``Match exec`` of the configuration runs something slow."""
_MOST_BYTES = 256 * 1024


class LocalSsh:
    """Asks the system's ssh how a machine is reached."""

    def __init__(
        self,
        *,
        home: Path,
        local_user: str,
        config_file: Path | None = None,
        program: str | None = "ssh",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        self.environment = os.environ if environment is None else environment
        self._local_user = local_user
        self._config_file = config_file
        self._program = shutil.which(program) if program else None

    def options(self, target: SshTarget) -> SshOptions:
        """What the configuration says about it. Raises ``BadInput``: not a name, or ssh refuses its configuration."""
        checked_target(target)
        if self._program is None:
            return default_options(target, home=self.home, local_user=self._local_user)
        text = self._ask([self._program, *self._arguments(target)], target)
        return parse_ssh_g(text, typed_host=target.host, home=self.home, local_user=self._local_user)

    def _arguments(self, target: SshTarget) -> list[str]:
        file = ["-F", str(self._config_file)] if self._config_file else []
        port = ["-p", str(target.port)] if target.port else []
        user = ["-l", target.user] if target.user else []
        return ["-T", "-G", *file, *port, *user, "--", target.host]

    def _ask(self, argv: list[str], target: SshTarget) -> str:
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=dict(self.environment),
                start_new_session=True,
            )
            try:
                exit_code = process.wait(_ASK_SECONDS)
            except subprocess.TimeoutExpired:
                end_group(process)
                raise BadInput(
                    f"ssh's configuration for {target.host} was not read within {_ASK_SECONDS:.0f} s.",
                    advice="Look for a slow `Match exec` in ~/.ssh/config.",
                ) from None
            if exit_code != 0:
                raise _refused(target, _text(stderr))
            return _text(stdout)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(_MOST_BYTES).decode("utf-8", errors="replace")


def _refused(target: SshTarget, stderr: str) -> BadInput:
    """``/home/ada/.ssh/config: line 3: Bad configuration option: prot`` becomes part of the sentence."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    reason = next((line for line in lines if re.search(r"\bline \d+", line)), lines[-1] if lines else "no reason given")
    return BadInput(
        f"ssh refuses its configuration for {target.host}: {reason.rstrip('.')}.",
        advice="Mend that line, then try again.",
        details=stderr,
    )


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that was started in its own session, with all that it started, and collect it."""
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class ProxyProcess:
    """A ProxyCommand that runs: a stream to its standard input and output."""

    def __init__(self, command: str, environment: Mapping[str, str]) -> None:
        if sys.platform == "win32":  # its sockets cannot be a program's standard input
            raise MachineUnreachable("A ProxyCommand cannot be used on Windows.", advice="Use ProxyJump instead.")
        self._socket, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    ["/bin/sh", "-c", f"exec {command}"],
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=subprocess.DEVNULL,
                    env=dict(environment),
                    start_new_session=True,
                )
            except OSError:
                self._socket.close()
                raise

    def recv(self, most_bytes: int) -> bytes:
        """What it printed."""
        return self._socket.recv(most_bytes)

    def send(self, data: bytes) -> int:
        """Write to its standard input."""
        return self._socket.send(data)

    def settimeout(self, seconds: float) -> None:
        """For both."""
        self._socket.settimeout(seconds)

    def close(self) -> None:
        """End it. Idempotent."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        end_group(self._process)
