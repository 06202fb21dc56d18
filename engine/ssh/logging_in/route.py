"""The way to a machine: itself, the machines to jump through, and the first stretch by TCP or by a ProxyCommand."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass

from engine.errors import BadInput, MachineUnreachable
from engine.ssh.abandonable import Attempt
from engine.ssh.heard_socket import ByteStream
from engine.ssh.logging_in.local_ssh import LocalSsh, ProxyProcess
from engine.ssh.logging_in.ssh_options import SshOptions, parse_jump
from engine.vocabulary.remote import SshTarget

CONNECT_SECONDS = 10.0
_MOST_HOPS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One machine on the way, the last one being the machine itself."""

    target: SshTarget
    options: SshOptions
    name: str
    """For people."""


def route_to(target: SshTarget, ssh: LocalSsh) -> tuple[Stop, ...]:
    """The machines to log in to, in order. As OpenSSH does it: of several jumps only the first follows its own ProxyJump or
    ProxyCommand. Raises ``BadInput`` for a circle."""
    options = ssh.options(target)
    stops = [Stop(target=target, options=options, name=target.host)]
    while stops[0].options.jumps:
        if len(stops) + len(stops[0].options.jumps) > _MOST_HOPS:
            raise BadInput(
                f"The way to {target.host} goes through more than {_MOST_HOPS} machines, or in a circle.",
                advice="Look for ProxyJump in ~/.ssh/config.",
            )
        hops = [parse_jump(text) for text in stops[0].options.jumps]
        stops[0:0] = [
            Stop(target=hop, options=ssh.options(hop), name=f"{hop.host} (on the way to {target.host})") for hop in hops
        ]
    return tuple(stops)


def first_stretch(stop: Stop, attempt: Attempt, ssh: LocalSsh) -> ByteStream:
    """A stream to the first machine. Raises ``MachineUnreachable``."""
    options = stop.options
    if options.proxy_command:
        try:
            return attempt.hold(ProxyProcess(options.proxy_command, ssh.environment))
        except OSError as error:
            raise MachineUnreachable(
                f"The ProxyCommand to {stop.name} cannot be started ({error.strerror}).", advice="Mend it in ~/.ssh/config."
            ) from None
    return connect_tcp(options.hostname, options.port, options.connect_timeout_seconds or CONNECT_SECONDS, stop.name, attempt)


def connect_tcp(host: str, port: int, timeout_seconds: float, name: str, attempt: Attempt) -> socket.socket:
    """Connect to the first address that answers; all together may take ``timeout_seconds``. Raises ``MachineUnreachable``."""
    deadline = time.monotonic() + timeout_seconds
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise MachineUnreachable(f"No address is known for {name}.", advice="Check its name, or write its address.") from None
    problem: OSError = TimeoutError()
    for number, (family, kind, protocol, _, address) in enumerate(found):
        stream = attempt.hold(socket.socket(family, kind, protocol))
        try:
            stream.settimeout(max(0.1, (deadline - time.monotonic()) / (len(found) - number)))
            stream.connect(address)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            problem = error
            stream.close()
        else:
            return stream
    raise _no_connection(name, port, timeout_seconds, problem)


def _no_connection(name: str, port: int, timeout_seconds: float, error: OSError) -> MachineUnreachable:
    if isinstance(error, ConnectionRefusedError):
        return MachineUnreachable(
            f"{name} refused the connection: no ssh server listens on its port {port}.",
            advice="Start one there, or check the port.",
        )
    if isinstance(error, TimeoutError):
        return MachineUnreachable(
            f"{name} did not answer on port {port} within {timeout_seconds:.0f} s.",
            advice="See whether it is on and reachable.",
        )
    reason = os.strerror(error.errno) if error.errno else str(error)
    return MachineUnreachable(f"{name} cannot be reached on port {port}: {reason}.", advice="See whether the network is up.")
