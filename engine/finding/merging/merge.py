"""Everything that was found so far -> machines: pure. A machine that was found in five ways is one machine.

Not everything is listed: a line in known_hosts or an old entry of the neighbour table whose machine does not react is
silence, while a name that the person wrote into ``~/.ssh/config`` is listed even so (without a target: nothing to add now).
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.finding.merging.same_machine import MOST_ADDRESSES_PER_MAC, SameMachine
from engine.finding.sighting import (
    SSH_PORT,
    AddressAnswered,
    Endpoint,
    Fact,
    NameSeen,
    OllamaSeen,
    RpcSeen,
    Sighting,
    SshSeen,
)
from engine.vocabulary.found import FoundBy, FoundMachine, FoundRpcServer
from engine.vocabulary.remote import SshTarget

_NAMES_BY_TRUST = (FoundBy.SSH_CONFIG, FoundBy.MDNS, FoundBy.KNOWN_HOSTS)
_NOWHERE = ("", 0)


@dataclass(kw_only=True)
class Evidence:
    """What one search has learnt so far. Only ever grows; owned by one thread."""

    own_name: str | None = None
    own_addresses: frozenset[str] = frozenset()
    own_host_keys: frozenset[str] = frozenset()
    sightings: dict[Sighting, None] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    ssh: dict[Endpoint, str | None] = field(default_factory=dict)
    """Where an ssh server answers, and its fingerprint if it was asked for it."""
    rpc: dict[Endpoint, FoundRpcServer] = field(default_factory=dict)
    ollama: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def add_sighting(self, sighting: Sighting) -> None:
        """One way saw a machine."""
        self.sightings[sighting] = None
        if sighting.answered:
            self.answered.update(sighting.addresses)

    def add(self, fact: Fact) -> None:
        """An address said something."""
        if isinstance(fact, AddressAnswered):
            self.answered.add(fact.address)
        elif isinstance(fact, SshSeen):
            self.ssh[fact.endpoint] = fact.fingerprint
        elif isinstance(fact, RpcSeen):
            self.rpc[fact.server.address, fact.server.port] = fact.server
        elif isinstance(fact, OllamaSeen):
            self.ollama[fact.address] = fact.url
        elif isinstance(fact, NameSeen):
            self.names[fact.address] = fact.name


def machines_of(evidence: Evidence) -> tuple[FoundMachine, ...]:
    """The machines, sorted by name and address."""
    placeless = [_placeless(sighting) for sighting in evidence.sightings if not sighting.addresses]
    groups = _groups(evidence)
    seen = _by_group(evidence, groups)
    placed = [_machine(evidence, group, list(seen[group])) for group in groups]
    listed = [machine for machine in (*placed, *placeless) if machine is not None]
    return tuple(sorted(listed, key=_order))


def address_order(address: str) -> tuple[int, int]:
    """A sort key: IPv4 before IPv6, then by number."""
    there = ipaddress.ip_address(address.partition("%")[0])
    return (there.version, int(there))


def _order(machine: FoundMachine) -> tuple[str, list[tuple[int, int]], str]:
    return (machine.name.lower(), [address_order(address) for address in machine.addresses], str(machine.target))


def _groups(evidence: Evidence) -> tuple[tuple[Endpoint, ...], ...]:
    endpoints = {endpoint for sighting in evidence.sightings for endpoint in _endpoints(sighting)} | set(evidence.ssh)
    same = SameMachine(endpoints, {endpoint: key for endpoint, key in evidence.ssh.items() if key is not None})
    same.join_equal({endpoint: endpoint[0] for endpoint in endpoints})
    for sighting in evidence.sightings:
        same.join(_endpoints(sighting))
    same.join([(address, port) for address, port in endpoints if address in evidence.own_addresses and port == SSH_PORT])
    same.join_equal({endpoint: evidence.names[endpoint[0]] for endpoint in endpoints if endpoint[0] in evidence.names})
    macs = _macs(evidence.sightings)
    same.join_equal({endpoint: macs[endpoint[0]] for endpoint in endpoints if endpoint[0] in macs})
    return same.groups()


def _macs(sightings: Iterable[Sighting]) -> dict[str, str]:
    """By address, without those of routers that answer for others."""
    macs = {address: sighting.mac for sighting in sightings if sighting.mac for address in sighting.addresses}
    shared = Counter(macs.values())
    return {address: mac for address, mac in macs.items() if shared[mac] <= MOST_ADDRESSES_PER_MAC}


def _endpoints(sighting: Sighting) -> list[Endpoint]:
    return [(address, sighting.ssh_port) for address in sighting.addresses]


def _by_group(evidence: Evidence, groups: Iterable[tuple[Endpoint, ...]]) -> dict[tuple[Endpoint, ...], dict[Sighting, None]]:
    """The sightings of each machine."""
    seen: dict[tuple[Endpoint, ...], dict[Sighting, None]] = {group: {} for group in groups}
    group_of = {endpoint: group for group in seen for endpoint in group}
    for sighting in evidence.sightings:
        for endpoint in _endpoints(sighting):
            seen[group_of[endpoint]][sighting] = None
    return seen


def _machine(evidence: Evidence, group: tuple[Endpoint, ...], seen: list[Sighting]) -> FoundMachine | None:
    addresses = _addresses(group)
    in_config = any(sighting.way is FoundBy.SSH_CONFIG for sighting in seen)
    if not in_config and evidence.answered.isdisjoint(addresses):
        return None
    keys = sorted({key for endpoint in group if (key := evidence.ssh.get(endpoint)) is not None})
    this_machine = _is_this_machine(evidence, group, keys)
    return FoundMachine(
        name=_name(evidence, seen, addresses) or (evidence.own_name if this_machine else None) or addresses[0],
        addresses=addresses,
        ways=tuple(way for way in FoundBy if any(sighting.way is way for sighting in seen)),
        target=_target(evidence, seen, group),
        host_key_fingerprint=keys[0] if keys else None,
        rpc_servers=_rpc_servers(evidence, group),
        ollama_url=next((evidence.ollama[address] for address in addresses if address in evidence.ollama), None),
        this_machine=this_machine,
    )


def _placeless(sighting: Sighting) -> FoundMachine:
    """A name of ``~/.ssh/config`` that leads to no address from here."""
    return FoundMachine(
        name=sighting.name or "?",
        addresses=(),
        ways=(sighting.way,),
        target=sighting.target if sighting.behind_jump_host else None,
    )


def _addresses(group: tuple[Endpoint, ...]) -> tuple[str, ...]:
    """Loopback only where there is no other: it leads nowhere from elsewhere."""
    addresses = sorted({address for address, _port in group}, key=address_order)
    outside = [address for address in addresses if not ipaddress.ip_address(address.partition("%")[0]).is_loopback]
    return tuple(outside or addresses)


def _name(evidence: Evidence, seen: list[Sighting], addresses: tuple[str, ...]) -> str | None:
    for way in _NAMES_BY_TRUST:
        names = sorted(sighting.name for sighting in seen if sighting.way is way and sighting.name)
        if names:
            return names[0]
    names = sorted(evidence.names[address] for address in addresses if address in evidence.names)
    return names[0] if names else None


def _target(evidence: Evidence, seen: list[Sighting], group: tuple[Endpoint, ...]) -> SshTarget | None:
    """As the person's own files call it, for then their settings and known keys hold; else by address."""
    for way in (FoundBy.SSH_CONFIG, FoundBy.KNOWN_HOSTS):
        named = [
            sighting.target
            for sighting in seen
            if sighting.way is way and sighting.target and any(endpoint in evidence.ssh for endpoint in _endpoints(sighting))
        ]
        if named:
            return min(named, key=lambda target: target.text)
    answering = sorted((e for e in group if e in evidence.ssh), key=lambda e: (e[1] != SSH_PORT, address_order(e[0]), e[1]))
    address, port = answering[0] if answering else _NOWHERE
    return SshTarget(host=address, port=None if port == SSH_PORT else port) if address else None


def _rpc_servers(evidence: Evidence, group: tuple[Endpoint, ...]) -> tuple[FoundRpcServer, ...]:
    """One line per server: one that listens on all addresses of its machine answers on each."""
    addresses = {address for address, port in group if port == SSH_PORT or (address, SSH_PORT) not in evidence.ssh}
    servers: dict[object, FoundRpcServer] = {}
    found = (server for (address, _port), server in evidence.rpc.items() if address in addresses)
    for server in sorted(found, key=lambda one: (one.port, address_order(one.address))):
        totals = tuple(total for _free, total in server.device_memory)
        servers.setdefault((server.port, server.state, server.protocol, totals), server)
    return tuple(servers.values())


def _is_this_machine(evidence: Evidence, group: tuple[Endpoint, ...], keys: list[str]) -> bool:
    """By host key, or by address where that leads to us: another port of our address may be forwarded to a virtual machine."""
    if evidence.own_host_keys.intersection(keys):
        return True
    own = [(address, port) for address, port in group if address in evidence.own_addresses]
    return any(port == SSH_PORT or (address, port) not in evidence.ssh for address, port in own)
