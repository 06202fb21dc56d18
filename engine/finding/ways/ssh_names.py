"""Machines that the person's own ssh files name: where those names lead.

The files are read elsewhere (``settings.ssh_files``) and ssh's own settings for a name are asked of ``ssh -G`` through a
callable; here names become addresses. Services that speak ssh but give nobody a shell are left out.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import EngineError
from engine.finding.sighting import SSH_PORT, Sighting
from engine.finding.untrusted_names import clean_name
from engine.vocabulary.found import FoundBy
from engine.vocabulary.remote import SshTarget

logger = logging.getLogger(__name__)

_CODE_HOSTS = ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "sr.ht", "ssh.dev.azure.com", "visualstudio.com")
_MOST_ADDRESSES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SshName:
    """Where a name of ``~/.ssh/config`` leads: ``HostName`` and ``Port`` of ``ssh -G``."""

    host: str
    port: int = SSH_PORT
    behind_jump_host: bool = False
    """``ProxyJump`` or ``ProxyCommand`` is set."""


ResolveSsh = Callable[[str], SshName]
"""Raises ``EngineError`` when ssh cannot say."""
AddressesOf = Callable[[str], tuple[str, ...]]


def as_it_is(name: str) -> SshName:
    """For want of ssh: the name itself, port 22."""
    return SshName(host=name)


def system_addresses(name: str) -> tuple[str, ...]:
    """What the system's resolver says; empty when it knows no such name. May take as long as the resolver likes."""
    try:
        entries = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in entries))[:_MOST_ADDRESSES]


def system_name(address: str) -> str | None:
    """The resolver's name of an address, cleaned; ``None`` when it has none. May take as long as the resolver likes."""
    try:
        name = socket.getnameinfo((address, 0), socket.NI_NAMEREQD)[0]
    except (OSError, UnicodeError):
        return None
    return clean_name(name)


def sight_config_name(name: str, resolve_ssh: ResolveSsh, addresses_of: AddressesOf) -> Sighting | None:
    """The machine behind a name of ``~/.ssh/config``, also when it leads nowhere now or ssh refuses its settings; ``None``
    for a code host."""
    try:
        there = resolve_ssh(name)
    except EngineError as error:
        logger.info("%s of ~/.ssh/config: %s", name, error)
        return Sighting(way=FoundBy.SSH_CONFIG, addresses=(), name=clean_name(name))
    if is_code_host(there.host):
        return None
    return Sighting(
        way=FoundBy.SSH_CONFIG,
        addresses=() if there.behind_jump_host else _addresses(there.host, addresses_of),
        name=clean_name(name),
        ssh_port=there.port,
        target=SshTarget(host=name),
        behind_jump_host=there.behind_jump_host,
    )


def sight_known_name(name: str, addresses_of: AddressesOf) -> Sighting | None:
    """The machine behind an entry of a known_hosts file (``host`` or ``[host]:port``); ``None`` when it leads nowhere."""
    host, port = split_known_name(name)
    addresses = () if is_code_host(host) else _addresses(host, addresses_of)
    if not addresses:
        return None
    return Sighting(
        way=FoundBy.KNOWN_HOSTS,
        addresses=addresses,
        name=None if _is_address(host) else clean_name(host),
        ssh_port=port,
        target=SshTarget(host=host, port=None if port == SSH_PORT else port),
    )


def split_known_name(name: str) -> tuple[str, int]:
    """``[host]:port`` or ``host``, as known_hosts files write them."""
    host, closing, port = name.removeprefix("[").rpartition("]:")
    if name.startswith("[") and closing and port.isdecimal() and 0 < int(port[:6]) < 65536:
        return host, int(port)
    return name, SSH_PORT


def is_code_host(host: str) -> bool:
    """Whether it is one of the services that take ssh keys for code only."""
    bare = host.lower().rstrip(".")
    return any(bare == known or bare.endswith(f".{known}") for known in _CODE_HOSTS)


def _addresses(host: str, addresses_of: AddressesOf) -> tuple[str, ...]:
    return (host,) if _is_address(host) else addresses_of(host)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
