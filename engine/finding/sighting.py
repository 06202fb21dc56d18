"""What the ways of searching report while they search: small facts, posted as they come, merged elsewhere (``merging``)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from engine.vocabulary.found import FoundBy, FoundRpcServer
from engine.vocabulary.remote import SshTarget

SSH_PORT = 22
Endpoint = tuple[str, int]
"""Address (never a name) and port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One way saw one machine, at one or several addresses."""

    way: FoundBy
    addresses: tuple[str, ...]
    """Empty = its name leads to no address from here (it is off, or behind a jump host)."""
    name: str | None = None
    ssh_port: int = SSH_PORT
    mac: str | None = None
    target: SshTarget | None = None
    """How the person's own files call it; ``None`` = only addresses are known."""
    answered: bool = False
    """It was heard from just now. Otherwise it may be long gone: a line in a file, a stale entry of a table."""
    behind_jump_host: bool = False
    """ssh reaches it through another machine, so that it cannot be asked anything from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSeen:
    """How the ports of one address reacted. A port in neither set was silent."""

    address: str
    open_ports: frozenset[int] = frozenset()
    refused_ports: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One slice of a network was swept."""

    network: IPv4Network
    hosts: tuple[HostSeen, ...]
    fraction: float
    """Of the whole sweep, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressAnswered:
    """Something at this address reacts to us."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSeen:
    """An ssh server answers there."""

    endpoint: Endpoint
    fingerprint: str | None
    """Of its host key, ``SHA256:...``; ``None`` = it was not asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcSeen:
    """Something listens on a port that rpc-servers use."""

    server: FoundRpcServer


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaSeen:
    """An Ollama listens there."""

    address: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NameSeen:
    """The resolver's name of an address."""

    address: str
    name: str


Fact = AddressAnswered | SshSeen | RpcSeen | OllamaSeen | NameSeen
