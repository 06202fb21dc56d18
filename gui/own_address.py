"""The address with which this machine reaches another one: what a firewall over there has to let in."""

from __future__ import annotations

import socket

_ANY_PORT = 9


def own_address_towards(host: str) -> str | None:
    """Asks the system's routing table: a UDP socket is connected, which sends nothing. ``host`` must be an IPv4 address, so
    that no name is looked up; ``None`` when there is no way there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect((host, _ANY_PORT))
            address: str = asking.getsockname()[0]
        except OSError:
            return None
    return address
