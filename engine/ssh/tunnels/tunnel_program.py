"""``python -m engine.ssh.tunnels.tunnel_program``: carries ports to a machine where OpenSSH cannot (see ``tunnels``).

A process of its own, because the encryption is done in Python's one running thread: in the window's process it would make the
window stutter. What to do is one JSON line on the standard input. It listens only after it has logged in, so whoever started
it may take an open port for "ready"; it ends when the connection does. stdout: one line per port, or the sentence that says
why not.
"""

from __future__ import annotations

import getpass
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from engine.errors import EngineError
from engine.ports import CancelToken
from engine.remote_ports import RemoteShell, Secret
from engine.ssh.logging_in.local_ssh import LocalSsh
from engine.ssh.logging_in.login import SshLogin
from engine.ssh.tunnels.carry_ports import carry, listen
from engine.vocabulary.remote import Forward, SecretKind, SshTarget

_LONGEST_ORDER_BYTES = 64 * 1024
_LOOK_SECONDS = 0.5
EXIT_REFUSED = 1
EXIT_LOST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the line says. ``repr`` does not show the secrets."""

    host: str
    user: str | None
    port: int | None
    forwards: tuple[tuple[int, int], ...]
    known_hosts: str
    home: str
    config_file: str | None = None
    secrets: tuple[tuple[SecretKind, str, str], ...] = field(default=(), repr=False)
    """Kind, value, the question that it answers (``Secret.prompt``)."""


class _Never:
    """Nobody cancels: the process is ended."""

    def check(self) -> None:
        """Never raises."""

    def wait(self, seconds: float) -> None:
        """Sleeps."""
        time.sleep(seconds)


def main() -> int:
    """Read the order and carry it out until the connection is lost. The exit status."""
    try:
        order = msgspec.json.decode(sys.stdin.buffer.readline(_LONGEST_ORDER_BYTES), type=Order)
    except msgspec.DecodeError:  # its words may quote a secret
        _say("The order on the standard input is not one of ours.")
        return EXIT_REFUSED
    try:
        with ExitStack() as stack:
            shell = _log_in(order, _Never())
            stack.callback(shell.close)
            _carry_all(order, shell, stack)
            while shell.is_alive():
                time.sleep(_LOOK_SECONDS)
    except EngineError as error:
        _say(str(error))
        return EXIT_REFUSED
    _say(f"The connection to {order.host} was lost.")
    return EXIT_LOST


def _log_in(order: Order, token: CancelToken) -> RemoteShell:
    config = Path(order.config_file) if order.config_file else None
    ssh = LocalSsh(home=Path(order.home), local_user=getpass.getuser(), config_file=config)
    secrets = tuple(Secret(kind=kind, value=value, prompt=prompt) for kind, value, prompt in order.secrets)
    target = SshTarget(host=order.host, user=order.user, port=order.port)
    return SshLogin(Path(order.known_hosts), ssh=ssh).connect(target, secrets, token)


def _carry_all(order: Order, shell: RemoteShell, stack: ExitStack) -> None:
    forwards = [Forward(local_port=local, remote_port=remote) for local, remote in order.forwards]
    listeners = [stack.enter_context(listen(forward)) for forward in forwards]
    for listener, forward in zip(listeners, forwards, strict=True):
        carry(listener, forward, shell)
        _say(f"127.0.0.1:{forward.local_port} leads to port {forward.remote_port} of {order.host}.")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
