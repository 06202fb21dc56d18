"""The sweep of a network: who reacts on one of a few ports. A /24 on 4 ports takes about 0.6 s.

Larger networks are swept in slices of 256 addresses. Between the slices there is a pause: every address that is tried takes
a place in the system's neighbour table for the 3 s in which nobody answers for it, and Linux has 1024 places for all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Network

from engine.finding.sighting import Endpoint, HostSeen, Swept
from engine.finding.ways.connect_all import PortState, connect_all
from engine.ports import CancelToken

PATIENCE_SECONDS = 0.5
SLICE_PERIOD_SECONDS = 1.1
"""254 addresses per period, each unanswered one for 3 s: about 700 of 1024 places."""


def sweep(
    networks: Sequence[IPv4Network],
    ports: tuple[int, ...],
    *,
    leave_out: Callable[[], frozenset[Endpoint]],
    on_swept: Callable[[Swept], None],
    token: CancelToken,
    period_seconds: float = SLICE_PERIOD_SECONDS,
) -> None:
    """Sweep one network after the other. ``leave_out``: endpoints that must not be touched, asked
    before each. Raises ``Cancelled``."""
    for index, network in enumerate(networks):
        began = time.monotonic()
        hosts = sweep_slice(network, ports, leave_out(), token)
        on_swept(Swept(network=network, hosts=hosts, fraction=(index + 1) / len(networks)))
        if index + 1 < len(networks):
            token.wait(max(0.0, began + period_seconds - time.monotonic()))


def sweep_slice(
    network: IPv4Network, ports: tuple[int, ...], leave_out: frozenset[Endpoint], token: CancelToken
) -> tuple[HostSeen, ...]:
    """Who reacts in one network of at most a few hundred addresses, in their order. Raises ``Cancelled``."""
    addresses = [str(address) for address in network.hosts()]
    # One port of every host first: the first packet is what finds out the hardware address, the others wait for it.
    endpoints = [(address, port) for port in ports for address in addresses if (address, port) not in leave_out]
    return hosts_of(connect_all(endpoints, patience_seconds=PATIENCE_SECONDS, token=token).items())


def hosts_of(states: Iterable[tuple[Endpoint, PortState]]) -> tuple[HostSeen, ...]:
    """Per address the ports that reacted; addresses where none did are left out."""
    reacting: dict[str, dict[PortState, set[int]]] = {}
    for (address, port), state in states:
        if state is not PortState.SILENT:
            reacting.setdefault(address, {}).setdefault(state, set()).add(port)
    return tuple(
        HostSeen(
            address=address,
            open_ports=frozenset(ports.get(PortState.OPEN, ())),
            refused_ports=frozenset(ports.get(PortState.REFUSED, ())),
        )
        for address, ports in reacting.items()
    )
