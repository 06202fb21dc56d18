"""The networks that this machine is in, and which of them may be swept.

``ifaddr`` comes with zeroconf and is enough: addresses and prefixes on all systems. Networks of containers and virtual
machines are left out unless there are no others: what is in them runs on this machine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import ifaddr

_VIRTUAL = ("docker", "virbr", "veth", "br-", "cni", "flannel", "podman", "lxcbr", "lxdbr")
_SLICE_PREFIX = 24
_WIDEST_PREFIX = 16
_PRIVATE = tuple(
    ipaddress.IPv4Network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")  # RFC 1918, RFC 3927
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """One address of one network interface of this machine."""

    name: str
    address: str
    prefix: int

    @property
    def network(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        """The network that the address is in."""
        return ipaddress.ip_network(f"{self.address}/{self.prefix}", strict=False)


def local_interfaces() -> tuple[Interface, ...]:
    """Every address of this machine, as the system lists them."""
    return tuple(
        Interface(name=ip.nice_name, address=ip.ip if isinstance(ip.ip, str) else ip.ip[0], prefix=ip.network_prefix)
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    )


def real_interfaces(interfaces: Iterable[Interface]) -> tuple[Interface, ...]:
    """Without loopback, and without bridges of containers and virtual machines unless there is nothing else."""
    outside = [one for one in interfaces if not ipaddress.ip_address(one.address).is_loopback]
    real = [one for one in outside if not one.name.lower().startswith(_VIRTUAL)]
    has_ipv4 = any(":" not in one.address for one in real)
    return tuple(real if has_ipv4 else outside)


def own_addresses() -> tuple[str, ...]:
    """Addresses of this machine at which others could reach it: no loopback, no bridges of containers, nothing link-local."""
    found = (ipaddress.ip_address(one.address.partition("%")[0]) for one in real_interfaces(local_interfaces()))
    return tuple(dict.fromkeys(str(address) for address in found if not address.is_link_local))


def near_networks(interfaces: Iterable[Interface]) -> tuple[ipaddress.IPv4Network, ...]:
    """What is always swept: of each private network, the at most 254 hosts around our own address."""
    return _without_repeats(_around(one, _SLICE_PREFIX) for one in _sweepable(interfaces))


def far_networks(interfaces: Iterable[Interface]) -> tuple[ipaddress.IPv4Network, ...]:
    """What is swept only when asked: the rest of the larger networks, in slices of 256, of each at most a /16 around us."""
    interfaces = tuple(interfaces)
    near = set(near_networks(interfaces))
    wide = (_around(one, _WIDEST_PREFIX) for one in _sweepable(interfaces))
    slices = (
        part for network in wide if network.prefixlen < _SLICE_PREFIX for part in network.subnets(new_prefix=_SLICE_PREFIX)
    )
    return _without_repeats(part for part in slices if part not in near)


def is_near(address: str, interfaces: Iterable[Interface]) -> bool:
    """Whether a machine at this address may be asked what it offers: it is in a network of ours or has a private address.
    Nobody else's machine out there is asked anything."""
    there = ipaddress.ip_address(address.partition("%")[0])
    return there.is_private or any(there in one.network for one in interfaces if one.prefix > 0)


def _sweepable(interfaces: Iterable[Interface]) -> Iterator[Interface]:
    for one in real_interfaces(interfaces):
        network = one.network
        if isinstance(network, ipaddress.IPv4Network) and _may_be_swept(network):
            yield one


def _may_be_swept(network: ipaddress.IPv4Network) -> bool:
    return network.num_addresses > 1 and any(network.subnet_of(private) for private in _PRIVATE)


def _around(interface: Interface, widest_prefix: int) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(f"{interface.address}/{max(interface.prefix, widest_prefix)}", strict=False)


def _without_repeats(networks: Iterable[ipaddress.IPv4Network]) -> tuple[ipaddress.IPv4Network, ...]:
    return tuple(dict.fromkeys(networks))
