"""The world behind an SSH connection, as the rest of the engine may see it. Implemented by ``engine.ssh`` (the shell, the
channel) and ``engine.remote`` (the machine, the connector); imitated by ``tests/fakes``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from engine.ports import CancelToken, ProcessStarter, RpcAsker
from engine.vocabulary.found import FoundMachine
from engine.vocabulary.machine import Machine, MachineLoad
from engine.vocabulary.remote import (
    Forward,
    HostKey,
    MachineIdentity,
    RemoteLook,
    SecretKind,
    SshTarget,
)
from engine.vocabulary.running.process import ConnectionLoss, ProcessSpec
from engine.vocabulary.runtime import Runtime
from engine.vocabulary.worker import CacheBeforeLoad, Link

Progress = Callable[[float | None, str], None]
"""(fraction 0..1 or ``None`` = not known, detail for people)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOutput:
    """How a remote command ended and what it said."""

    exit_code: int | None
    """``None`` = ended by us at the deadline, or the server did not say."""
    stdout: bytes
    stderr: bytes
    timed_out: bool = False


class RemoteStream(Protocol):
    """A remote command that runs, with its pipes: stdin, and stdout with stderr merged into it."""

    def send(self, data: bytes) -> None:
        """Write to its stdin. Blocks while the other side does not take it. Raises ``MachineUnreachable`` when it is gone."""

    def close_input(self) -> None:
        """End of its stdin. Idempotent."""

    def read(self, most_bytes: int) -> bytes:
        """What it printed next; ``b""`` at the end (also when the connection is lost). Blocks."""

    def exit_code(self, timeout_seconds: float) -> int | None:
        """Its exit status, ``None`` when it is not known in time or the connection was lost."""

    def loss(self) -> ConnectionLoss | None:
        """How the connection was lost; ``None`` while it is there."""

    def close(self) -> None:
        """Close the channel: its stdin ends, which is what lets go of a leash. Idempotent."""


class PortConnection(Protocol):
    """A TCP connection that the remote machine made for us (``direct-tcpip``); the part of a socket that we use."""

    def sendall(self, data: bytes) -> None:
        """As ``socket.sendall``."""

    def recv(self, most_bytes: int) -> bytes:
        """As ``socket.recv``; raises ``TimeoutError``."""

    def settimeout(self, seconds: float | None) -> None:
        """As ``socket.settimeout``."""

    def shutdown(self, how: int) -> None:
        """As ``socket.shutdown``."""

    def close(self) -> None:
        """As ``socket.close``."""


class RemoteFiles(Protocol):
    """Files on the remote machine (SFTP). Paths are absolute, with forward slashes. All raise ``RemoteFileProblem``."""

    def size_bytes(self, path: str) -> int | None:
        """``None`` = there is no such file."""

    def make_folder(self, path: str, *, mode: int = 0o700) -> None:
        """With its parents; fine when it exists."""

    def write(self, path: str, source: str, *, mode: int, resume: bool, on_bytes: Callable[[int], None]) -> None:
        """Copy the local file ``source`` there. With ``resume`` what is there already (not longer than the source) is kept and
        only the rest is sent. ``on_bytes`` is told how many more bytes went; it may raise to cancel."""

    def write_bytes(self, path: str, data: bytes, *, mode: int = 0o600) -> None:
        """A small file, whole."""

    def rename(self, path: str, to: str) -> None:
        """Atomic; ``to`` must not exist."""

    def remove_tree(self, path: str) -> None:
        """The folder and all in it, following no links; fine when it does not exist."""


class RemoteShell(Protocol):
    """One authenticated SSH connection to one machine. From any thread; every call has a deadline."""

    @property
    def target(self) -> SshTarget:
        """Where it leads."""

    @property
    def host_key(self) -> HostKey:
        """With which the server proved itself."""

    def run(
        self,
        command: str,
        *,
        stdin: bytes = b"",
        timeout_seconds: float,
        max_output_bytes: int = 4 * 1024 * 1024,
        token: CancelToken | None = None,
    ) -> CommandOutput:
        """Run one shell command line (already quoted) to its end. Raises ``MachineUnreachable``, ``Cancelled``."""

    def open(self, command: str) -> RemoteStream:
        """Start one shell command line, no terminal. Raises ``MachineUnreachable``."""

    def connect_port(self, host: str, port: int, timeout_seconds: float) -> PortConnection:
        """Have the machine connect to ``host:port`` as seen from it. Raises ``ConnectionRefusedError``, ``TimeoutError``,
        ``OSError``."""

    def files(self) -> RemoteFiles:
        """Its files. Raises ``MachineUnreachable`` when there is no SFTP."""

    def round_trip_seconds(self) -> float:
        """Of the connection, the best of a few. Raises ``MachineUnreachable``."""

    def is_alive(self) -> bool:
        """Whether it is still connected, as far as is known without asking."""

    def silent_seconds(self) -> float:
        """For how long nothing was heard from it, although it was asked every few seconds."""

    def must_be_heard(self, within_seconds: float) -> None:
        """Count it as lost if nothing is heard from it for so long now: this machine has slept, say."""

    def close(self) -> None:
        """Disconnect. Idempotent, never blocks for long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret that a person typed. ``repr`` does not show it."""

    kind: SecretKind
    value: str
    remember: bool = False
    """Keep it in the system's keyring, if it turns out to be right."""
    prompt: str = ""
    """The question it answers (``SecretQuestion.prompt``), so that a jump host never sees the password of the machine behind
    it. Empty: a question of the machine itself."""

    def __repr__(self) -> str:
        return f"Secret({self.kind})"


class RemoteMachine(Protocol):
    """A machine that we are logged in to."""

    @property
    def target(self) -> SshTarget:
        """Where."""

    @property
    def identity(self) -> MachineIdentity | None:
        """``None`` before the first look."""

    @property
    def starter(self) -> ProcessStarter:
        """Starts programs there, on a leash that ends when our end of the connection does."""

    @property
    def asker(self) -> RpcAsker:
        """Asks ports of that machine, from that machine: the host is ``127.0.0.1`` or one of its own addresses."""

    @property
    def worker_cache_folder(self) -> str:
        """``LLAMA_CACHE`` for rpc-servers there; absolute. After the first look."""

    def look(self, coordinator_runtime: Runtime | None, token: CancelToken) -> RemoteLook:
        """Everything about it. Raises ``MachineUnreachable``, ``ProbeFailed``, ``Cancelled``."""

    def watch_load(self, machine: Machine, on_load: Callable[[MachineLoad], None], token: CancelToken) -> None:
        """A sample every 2 s until cancelled. Raises ``MachineUnreachable`` when the connection is lost."""

    def measure_link(self, token: CancelToken) -> Link:
        """Round trip and bytes per second to it, over the connection; takes under 2 s."""

    def copy_runtime(self, runtime: Runtime, progress: Progress, token: CancelToken) -> None:
        """Copy this machine's build there: resumable, hashes checked, appears at once or not at all.

        Raises ``RuntimeUnavailable`` (another system or architecture, disk full), ``MachineUnreachable``, ``Cancelled``.
        """

    def build_runtime(self, runtime: Runtime, progress: Progress, token: CancelToken) -> None:
        """Build from source there what serves ``runtime``, with the GPU toolchain that it has; takes minutes. Cancelled
        or cut off, nothing runs there any more, and the next try goes on.

        Raises ``RuntimeUnavailable`` (no compiler, a compiler error, disk full), ``MachineUnreachable``, ``Cancelled``.
        """

    def prune_worker_cache(self) -> CacheBeforeLoad:
        """Bring the cache folder there within its size, without what an unfinished load wrote; before a launch."""

    def worker_cache_is_whole(self) -> None:
        """A load came to its end: what it wrote there may be used."""

    def stop_kept(self) -> None:
        """Stop the programs of ours that were left running there. Raises ``ProcessFailed``, ``MachineUnreachable``."""

    def remove_ours(self) -> None:
        """Stop what was left running and delete everything that we put there."""

    def tunnel(self, forwards: tuple[Forward, ...]) -> ProcessSpec:
        """The local process that carries ``127.0.0.1:local`` to ``127.0.0.1:remote`` there; ends when it is stopped."""

    def is_alive(self) -> bool:
        """Whether we are still connected, as far as is known."""

    def silent_seconds(self) -> float:
        """For how long nothing was heard from it, although it was asked every few seconds."""

    def must_be_heard(self, within_seconds: float) -> None:
        """Count it as lost if nothing is heard from it for so long now: this machine has slept, say."""

    def close(self) -> None:
        """Let go: what was started there ends."""


class MachineConnector(Protocol):
    """Logs in to machines."""

    def connect(self, target: SshTarget, secrets: tuple[Secret, ...], token: CancelToken) -> RemoteMachine:
        """Log in. Raises ``HostKeyUnknown``, ``HostKeyChanged``, ``SecretNeeded``, ``LoginRefused``,
        ``MachineUnreachable``, ``Cancelled``. Every wait has a deadline."""

    def accept_host_key(self, key: HostKey) -> None:
        """A person looked at the fingerprint and said yes: kept in a known_hosts file of ours, the user's own is not
        touched."""


class MachineFinder(Protocol):
    """Searches the network."""

    def find(
        self,
        on_found: Callable[[tuple[FoundMachine, ...]], None],
        *,
        wide: bool,
        progress: Progress,
        token: CancelToken,
        in_use: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        """Search in all ways at once. ``on_found`` gets all that is known so far, each time there is more. ``wide`` also
        sweeps networks larger than a /24. ``in_use``: endpoints (``host:port``) of rpc-servers that we use ourselves, now;
        asked from any thread, each time before one would be touched: they never are. Raises ``Cancelled``."""
