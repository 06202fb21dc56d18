"""What a search of the network found, before anybody logged in anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.vocabulary.remote import SshTarget
from engine.vocabulary.runtime import RpcProtocolVersion


class FoundBy(StrEnum):
    """In which way a machine was found. One machine is often found in several."""

    SSH_CONFIG = "~/.ssh/config"
    KNOWN_HOSTS = "known_hosts"
    MDNS = "mDNS"
    NEIGHBOURS = "neighbour table"
    SWEEP = "subnet sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRpcServer:
    """What answers on a port that rpc-servers use."""

    address: str
    port: int
    state: str
    """``idle``, ``busy``, ``other``, ``gone`` (see ``ports.RpcState``)."""
    protocol: RpcProtocolVersion | None = None
    device_memory: tuple[tuple[int, int], ...] = ()
    """Per device (free, total) in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMachine:
    """One machine, found in one or several ways."""

    name: str
    """The best name there is: of ssh's configuration, of mDNS, of DNS, else the address."""
    addresses: tuple[str, ...]
    ways: tuple[FoundBy, ...]
    target: SshTarget | None
    """How to log in; ``None`` = no ssh answers there, so it cannot be added."""
    host_key_fingerprint: str | None = None
    """What its ssh server showed, if it was asked."""
    rpc_servers: tuple[FoundRpcServer, ...] = ()
    ollama_url: str | None = None
    """An Ollama listens: it cannot be a worker (no RPC), but its model files can be used on that machine."""
    this_machine: bool = False
