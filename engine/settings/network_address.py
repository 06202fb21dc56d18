"""Checks an address on which the API may be opened to others."""

from __future__ import annotations

import ipaddress

from engine.errors import BadInput

_ADVICE = "Name one address of this machine, as `ip addr` shows it."


def checked_network_address(given: str) -> str:
    """The address as it is written. Raises ``BadInput`` for what is not one address of a network.

    The wildcard is refused: it opens the API on networks that nobody thought of, and on those that come later.
    """
    try:
        found = ipaddress.ip_address(given.strip().strip("[]"))
    except ValueError:
        raise BadInput(f"“{given}” is no IP address.", advice=_ADVICE) from None
    if found.is_unspecified or found.is_multicast:
        raise BadInput(f"{found} is not one address: the API would be open on every network.", advice=_ADVICE)
    if found.is_loopback:
        raise BadInput(f"{found} is this machine alone, where the API is anyway.", advice=_ADVICE)
    return str(found)
