"""A machine that is reached over the network: how it is addressed, how it is told from others, how its workers are exposed.

A password is nowhere in here: secrets are handed from the question straight to the connection and are in no state, no event,
no log and no file of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.vocabulary.machine import Machine, MachineId
from engine.vocabulary.running.process import ProcessId
from engine.vocabulary.runtime import Runtime, RuntimeDevices


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SshTarget:
    """Where to connect and as whom. What is ``None`` is left to ``~/.ssh/config`` and ssh's defaults."""

    host: str
    """A name of ``~/.ssh/config``, a host name, or an address, as the person wrote it."""
    user: str | None = None
    port: int | None = None

    @property
    def text(self) -> str:
        """``user@host:port``, without what is not said."""
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host and self.port else self.host
        return f"{user}{host}:{self.port}" if self.port else f"{user}{host}"

    @property
    def machine_id(self) -> MachineId:
        """The id of the machine behind it: what its workers' ids begin with. ``/`` separates, so there is none in it."""
        return MachineId(self.text.replace("/", "_"))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    """The key with which an ssh server proves who it is."""

    host: str
    """The name under which it is kept in a known_hosts file: ``host`` or ``[host]:port``."""
    key_type: str
    """``ssh-ed25519`` ..."""
    key_base64: str
    fingerprint: str
    """``SHA256:...``, as ``ssh-keygen -l`` prints it."""


class SecretKind(StrEnum):
    """What a server or a key file wants to know."""

    PASSWORD = "password"  # noqa: S105 - a kind, not a password
    PASSPHRASE = "passphrase"  # noqa: S105 - of a key file
    ONE_TIME_CODE = "one-time code"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKeyQuestion:
    """Never seen before: is it the right machine? Only a person can say."""

    key: HostKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretQuestion:
    """A secret is needed to go on."""

    kind: SecretKind
    prompt: str
    """For people: ``Password of ada on 10.0.0.7``."""
    wrong_before: bool = False
    """True when one was given and was not accepted."""


Question = HostKeyQuestion | SecretQuestion


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineIdentity:
    """What tells whether two addresses are one machine. Both halves must agree: cloned disks share a machine id."""

    host_key_fingerprint: str
    system_id: str | None
    """``/etc/machine-id`` or what the system has in its place; ``None`` = it has none."""


class RemotePhase(StrEnum):
    """Where a remote machine is."""

    CONNECTING = "connecting"
    ASKING = "waiting for your answer"
    LOOKING = "being looked at"
    NO_RUNTIME = "has no matching llama.cpp"
    COPYING = "is given our llama.cpp"
    READY = "ready"
    UNREACHABLE = "not reachable"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkAddress:
    """An IPv4 address of a machine that could be bound for LAN exposure."""

    interface: str
    address: str
    mbit_per_second: int | None = None
    """What the interface says of itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFacts:
    """What a look at a remote machine found, beside the machine itself."""

    identity: MachineIdentity
    user: str
    home: str
    """Absolute."""
    data_folder: str
    """Where our files are on it: below the user's home, nothing of ours is elsewhere."""
    disk_free_bytes: int | None
    """In the file system of ``data_folder``."""
    has_python: bool
    addresses: tuple[NetworkAddress, ...] = ()
    listening_ports: tuple[int, ...] = ()
    logged_in: tuple[str, ...] = ()
    """Users with a session on it."""
    gpu_toolchains: tuple[str, ...] = ()
    """``CUDA``, ``ROCm``: compilers that are there to build a backend."""
    can_keep: bool = False
    """Whether programs can be left running there: Linux with python3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRuntime:
    """One llama.cpp build on a remote machine, with what was learnt by running its programs there."""

    runtime: Runtime
    devices: RuntimeDevices
    help_text: str
    """What its ``rpc-server --help`` prints."""
    why_not_with_coordinator: str | None = None
    """One sentence when it may not work with the coordinator's build; ``None`` = it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptProcess:
    """A program of ours that was left running there, and still runs: its pid and the time at which that process started agree
    with what was written down."""

    name: str
    """Of its record; 16 hexadecimal digits."""
    process_id: ProcessId
    """The id that it was started under."""
    pid: int
    argv: tuple[str, ...]
    started_by: str
    """``ada@laptop``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteLook:
    """All that one look found."""

    machine: Machine
    """Its GPUs have the names of ``usable``'s devices, if there is a usable runtime."""
    facts: RemoteFacts
    runtimes: tuple[RemoteRuntime, ...]
    usable: RemoteRuntime | None
    """The first that may work with the coordinator's build."""
    kept: tuple[KeptProcess, ...] = ()
    """Workers of ours that were left running there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """One port of the coordinator's loopback that leads to a port of a machine's loopback."""

    local_port: int
    remote_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelSpec:
    """One tunnel process: all ports of one machine through one SSH connection."""

    machine_id: MachineId
    machine_name: str
    forwards: tuple[Forward, ...]
