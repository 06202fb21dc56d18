"""Machines that announce themselves by mDNS/DNS-SD (``zeroconf``): an ssh server, SFTP, or just a workstation.

Many lab networks block multicast, so this is one way among others, and one that finds nothing ends in silence. What is
announced is anybody's word: names are cleaned, addresses and ports are parsed, the number of services is bounded.
"""

from __future__ import annotations

import ipaddress
import queue
import time
from collections.abc import Callable, Sequence

from zeroconf import (  # noqa: TID251 - here only
    InterfaceChoice,
    ServiceBrowser,
    ServiceInfo,
    ServiceStateChange,
    Zeroconf,
)

from engine.finding.sighting import SSH_PORT, Sighting
from engine.finding.untrusted_names import clean_name
from engine.ports import CancelToken
from engine.vocabulary.found import FoundBy

SERVICE_TYPES = ("_ssh._tcp.local.", "_sftp-ssh._tcp.local.", "_workstation._tcp.local.")
LISTEN_SECONDS = 2.5
MOST_SERVICES = 500
_RESOLVE_MILLISECONDS = 400
_POLL_SECONDS = 0.05

OnSighting = Callable[[Sighting], None]


def browse(
    on_sighting: OnSighting,
    token: CancelToken,
    *,
    interface_addresses: Sequence[str] | None = None,
    listen_seconds: float = LISTEN_SECONDS,
) -> None:
    """Listen for ``listen_seconds`` (and the answer that is then waited for). ``interface_addresses``: our addresses in the
    networks to listen in; ``None`` = all. Raises ``Cancelled``; closes everything of the library in any case."""
    interfaces = InterfaceChoice.All if interface_addresses is None else list(interface_addresses)
    try:
        zeroconf = Zeroconf(interfaces=interfaces)
    except OSError:  # no network at all, or one without multicast
        return
    try:
        _listen(zeroconf, on_sighting, token, time.monotonic() + listen_seconds)
    finally:
        zeroconf.close()


def _listen(zeroconf: Zeroconf, on_sighting: OnSighting, token: CancelToken, ends: float) -> None:
    announced: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()

    def on_change(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:  # noqa: ARG001
        if state_change is ServiceStateChange.Added:
            announced.put((service_type, name))

    browser = ServiceBrowser(zeroconf, list(SERVICE_TYPES), handlers=[on_change])
    try:
        for _ in range(MOST_SERVICES):
            service = _next(announced, token, ends)
            if service is None:
                return
            info = zeroconf.get_service_info(*service, timeout=_RESOLVE_MILLISECONDS)
            sighting = sighting_of(info) if info is not None else None
            if sighting is not None:
                on_sighting(sighting)
    finally:
        browser.cancel()


def _next(announced: queue.SimpleQueue[tuple[str, str]], token: CancelToken, ends: float) -> tuple[str, str] | None:
    while time.monotonic() < ends:
        token.check()
        try:
            return announced.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
    return None


def sighting_of(info: ServiceInfo) -> Sighting | None:
    """What an announcement says; ``None`` when it names no usable address."""
    addresses = tuple(dict.fromkeys(text for text in info.parsed_addresses() if _is_usable(text)))[:8]
    if not addresses:
        return None
    has_ssh_port = "ssh" in info.type and info.port is not None and 0 < info.port < 65536
    return Sighting(
        way=FoundBy.MDNS,
        addresses=addresses,
        name=clean_name(info.server or ""),
        ssh_port=info.port if has_ssh_port and info.port else SSH_PORT,
        answered=True,
    )


def _is_usable(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    link_local_6 = address.version == 6 and address.is_link_local  # means nothing without its interface
    return not (address.is_loopback or address.is_multicast or address.is_unspecified or link_local_6)
