"""What the administrator of a lab decided for everybody on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminPolicy:
    """Settings that nobody but the administrator can change. The defaults lock nothing."""

    path: str = ""
    """The file that says so, for the sentences; empty = there is none."""
    exposure_forbidden: bool = False
    """No port is opened beyond loopback: neither of a worker nor of the API."""
    reserve_fraction: float | None = None
    """Share of every device's memory that is left alone; ``None`` = as the person sets it."""
    allowed_hosts: tuple[str, ...] | None = None
    """Names (``*.lab.example``), addresses and networks (``10.0.0.0/16``) that may be in a cluster; ``None`` = all."""
    model_folders: tuple[str, ...] | None = None
    """Where models are looked for, besides the known places; ``None`` = as the person sets it."""

    def allows(self, host: str, addresses: Sequence[str] = ()) -> bool:
        """Whether a machine may be logged in to. ``addresses``: what its name leads to; all of them must be allowed where only
        a network of the list would allow it."""
        if self.allowed_hosts is None:
            return True
        name = host.rstrip(".").lower()
        if any(fnmatchcase(name, entry.lower()) for entry in self.allowed_hosts):
            return True
        found = [host] if _is_address(host) else list(addresses)
        networks = [ip_network(entry, strict=False) for entry in self.allowed_hosts if _is_network(entry)]
        return bool(found) and all(any(ip_address(_bare(one)) in network for network in networks) for one in found)


def _bare(address: str) -> str:
    """Without the zone of a link-local address."""
    return address.partition("%")[0]


def _is_address(text: str) -> bool:
    try:
        ip_address(_bare(text))
    except ValueError:
        return False
    return True


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
