"""``RemoteShell`` over one connection: commands to their end, commands with pipes, ports, files."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

from engine.errors import Cancelled, MachineUnreachable
from engine.ports import CancelToken
from engine.remote_ports import CommandOutput, PortConnection, RemoteFiles, RemoteStream
from engine.ssh.connection import Connection
from engine.ssh.files import ParamikoFiles
from engine.vocabulary.remote import HostKey, SshTarget
from engine.vocabulary.running.process import ConnectionLoss

_LOOK_SECONDS = 0.1
"""How often the deadline and the cancel token are looked at."""
_CHUNK_BYTES = 64 * 1024
_END_SECONDS = 0.3
_EXIT_STATUS_SECONDS = 2.0
"""It follows the end of the output; a server may leave it out."""


class Channel(Protocol):
    """The part of paramiko's channel that is used here."""

    def settimeout(self, timeout: float | None) -> None:
        """For all calls below."""

    def recv(self, most_bytes: int, /) -> bytes:
        """Raises ``TimeoutError``."""

    def recv_stderr(self, most_bytes: int, /) -> bytes:
        """Raises ``TimeoutError``."""

    def recv_stderr_ready(self) -> bool:
        """Whether there is something."""

    def send(self, s: bytes) -> int:
        """0 when it is closed."""

    def send_ready(self) -> bool:
        """Whether ``send`` takes something now."""

    def shutdown(self, how: int) -> None:
        """As a socket's."""

    def shutdown_write(self) -> None:
        """End of the other side's input."""

    def exit_status_ready(self) -> bool:
        """Also true when the channel is closed."""

    def recv_exit_status(self) -> int:
        """-1 = the server did not say."""

    def close(self) -> None:
        """Idempotent."""


@dataclass(slots=True)
class _Exchange:
    """One command's input on its way, and its output so far."""

    stdin: memoryview
    limit: int
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    input_ended: bool = False

    def take(self, kept: bytearray, data: bytes) -> bytes:
        """Keep the first bytes, drop the rest: the command must never stall."""
        kept += data[: self.limit - len(kept)]
        return data

    def output(self, exit_code: int | None, *, timed_out: bool = False) -> CommandOutput:
        """All that was kept."""
        return CommandOutput(exit_code=exit_code, stdout=bytes(self.stdout), stderr=bytes(self.stderr), timed_out=timed_out)


class ParamikoShell:
    """One machine that we are logged in to. ``hops`` are the connections that this one goes through, the first one first."""

    def __init__(
        self, connection: Connection, *, target: SshTarget, host_key: HostKey, hops: tuple[Connection, ...] = ()
    ) -> None:
        self._connection = connection
        self._target = target
        self._host_key = host_key
        self._hops = hops
        self._lock = Lock()
        self._files: ParamikoFiles | None = None

    @property
    def target(self) -> SshTarget:
        """Where it leads."""
        return self._target

    @property
    def host_key(self) -> HostKey:
        """With which the server proved itself."""
        return self._host_key

    def run(
        self,
        command: str,
        *,
        stdin: bytes = b"",
        timeout_seconds: float,
        max_output_bytes: int = 4 * 1024 * 1024,
        token: CancelToken | None = None,
    ) -> CommandOutput:
        """Run one command line to its end; of stdout and of stderr the first ``max_output_bytes`` are kept. At the deadline,
        or when cancelled, it is sent SIGTERM (as far as its server does that) and left. Raises ``MachineUnreachable``,
        ``Cancelled``."""
        deadline = time.monotonic() + timeout_seconds
        channel = self._connection.start_command(command, merge_stderr=False)
        exchange = _Exchange(stdin=memoryview(stdin), limit=max_output_bytes)
        try:
            while self._step(channel, exchange):
                if token is not None:
                    token.check()
                if time.monotonic() > deadline:
                    self._connection.send_signal(channel, "TERM")
                    return exchange.output(None, timed_out=True)
            return exchange.output(self._exit_code(channel))
        except Cancelled:
            self._connection.send_signal(channel, "TERM")
            raise
        except OSError as error:
            raise self._connection.lost(str(error)) from None
        finally:
            channel.close()

    def _step(self, channel: Channel, exchange: _Exchange) -> bool:
        """Send what it takes, read what there is. False at the end of the output."""
        self._feed(channel, exchange)
        channel.settimeout(_LOOK_SECONDS if exchange.input_ended else _LOOK_SECONDS / 10)
        ended = False
        with suppress(TimeoutError):
            ended = not exchange.take(exchange.stdout, channel.recv(_CHUNK_BYTES))
        while channel.recv_stderr_ready():
            exchange.take(exchange.stderr, channel.recv_stderr(_CHUNK_BYTES))
        return not ended

    @staticmethod
    def _feed(channel: Channel, exchange: _Exchange) -> None:
        while not exchange.input_ended and channel.send_ready():
            if not exchange.stdin:
                channel.shutdown_write()
                exchange.input_ended = True
                return
            try:
                sent = channel.send(bytes(exchange.stdin[:_CHUNK_BYTES]))
            except OSError:  # closed: it has ended, and its output and status may still be there
                sent = 0
            exchange.input_ended = sent == 0
            exchange.stdin = exchange.stdin[sent:]

    def _exit_code(self, channel: Channel) -> int | None:
        code = exit_code_of(channel, _EXIT_STATUS_SECONDS)
        if code is None and not self._connection.is_alive():
            raise self._connection.lost()
        return code

    def open(self, command: str) -> RemoteStream:
        """Start one command line, no terminal. Raises ``MachineUnreachable``."""
        return ChannelStream(self._connection.start_command(command, merge_stderr=True), self._connection)

    def connect_port(self, host: str, port: int, timeout_seconds: float) -> PortConnection:
        """Have the machine connect to ``host:port``. Raises ``ConnectionRefusedError``, ``TimeoutError``, ``OSError``."""
        channel = self._connection.open_port(host, port, timeout_seconds)
        channel.settimeout(timeout_seconds)
        return ChannelPort(channel)

    def files(self) -> RemoteFiles:
        """Its files, over one channel that is kept. Raises ``MachineUnreachable``."""
        with self._lock:
            if self._files is None or not self._files.is_open():
                self._files = ParamikoFiles(self._connection.start_sftp(), self._connection.name)
            return self._files

    def round_trip_seconds(self) -> float:
        """The best of three. Raises ``MachineUnreachable``."""
        return self._connection.round_trip_seconds()

    def is_alive(self) -> bool:
        """As far as is known: a silent loss is noticed within 10 s."""
        return self._connection.is_alive()

    def must_be_heard(self, within_seconds: float) -> None:
        """Lost, if nothing is heard for so long now."""
        self._connection.heard.must_be_heard(within_seconds)

    def silent_seconds(self) -> float:
        """For how long nothing was heard; 0 once the other side has closed the connection: that was heard."""
        heard = self._connection.heard
        closed = not self._connection.is_alive() and heard.loss is ConnectionLoss.CLOSED
        return 0.0 if closed else heard.silent_seconds

    def close(self) -> None:
        """Disconnect from the machine, then from those on the way. Idempotent."""
        for connection in (self._connection, *reversed(self._hops)):
            connection.close()


def exit_code_of(channel: Channel, timeout_seconds: float) -> int | None:
    """``None`` when it is not known in time. The status arrives as a message of its own, so there is nothing to block on with
    a deadline: it is looked for every 10 ms."""
    deadline = time.monotonic() + timeout_seconds
    while not channel.exit_status_ready():
        if time.monotonic() > deadline:
            return None
        time.sleep(0.01)
    code = channel.recv_exit_status()
    return None if code < 0 else code


class ChannelStream:
    """``RemoteStream`` on a channel."""

    def __init__(self, channel: Channel, connection: Connection) -> None:
        self._channel = channel
        self._connection = connection

    def send(self, data: bytes) -> None:
        """Write to its stdin. Raises ``MachineUnreachable`` when it or the connection is gone."""
        rest = memoryview(data)
        while rest:
            sent = self._send_some(rest)
            if sent == 0:
                raise self._gone()
            rest = rest[sent:]

    def _send_some(self, rest: memoryview) -> int:
        try:
            return self._channel.send(bytes(rest[:_CHUNK_BYTES]))
        except (OSError, EOFError):
            return 0

    def _gone(self) -> MachineUnreachable:
        if not self._connection.is_alive():
            return self._connection.lost()
        return MachineUnreachable(f"What we talked to on {self._connection.name} has ended.", advice="Start it again.")

    def close_input(self) -> None:
        """End of its stdin. Idempotent."""
        with suppress(OSError, EOFError):
            self._channel.shutdown_write()

    def read(self, most_bytes: int) -> bytes:
        """What it printed next; ``b""`` at the end."""
        try:
            return self._channel.recv(most_bytes)
        except (OSError, EOFError):
            return b""

    def exit_code(self, timeout_seconds: float) -> int | None:
        """``None`` when it is not known in time."""
        return exit_code_of(self._channel, timeout_seconds)

    def loss(self) -> ConnectionLoss | None:
        """How the connection was lost; ``None`` while it is there. Paramiko ends the channels first, the connection a moment
        later, so it is looked at for that moment."""
        deadline = time.monotonic() + _END_SECONDS
        while self._connection.is_alive():
            if time.monotonic() > deadline:
                return None
            time.sleep(0.01)
        return self._connection.heard.loss

    def close(self) -> None:
        """Its stdin ends. Idempotent."""
        with suppress(OSError, EOFError):
            self._channel.close()


class ChannelPort:
    """``PortConnection`` on a channel. ``shutdown(SHUT_WR)`` ends the other side's input and leaves ours open."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def sendall(self, data: bytes) -> None:
        """Raises ``BrokenPipeError`` when the other side has closed."""
        rest = memoryview(data)
        while rest:
            sent = self._channel.send(bytes(rest[:_CHUNK_BYTES]))
            if sent == 0:  # paramiko's own sendall would try for ever
                raise BrokenPipeError(32, "the other side has closed the connection")
            rest = rest[sent:]

    def recv(self, most_bytes: int) -> bytes:
        """Raises ``TimeoutError``."""
        return self._channel.recv(most_bytes)

    def settimeout(self, seconds: float | None) -> None:
        """For sending and receiving."""
        self._channel.settimeout(seconds)

    def shutdown(self, how: int) -> None:
        """As ``socket.shutdown``."""
        self._channel.shutdown(how)

    def close(self) -> None:
        """Idempotent."""
        self._channel.close()
