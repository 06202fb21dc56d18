"""The system's neighbour table: who was heard on the local links lately, with hardware addresses.

On Linux ``ip -j neigh``, elsewhere ``arp -an`` (``arp -a`` on Windows). Parsers are pure; what they cannot read they skip.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import EngineError
from engine.finding.sighting import Sighting
from engine.vocabulary.found import FoundBy

logger = logging.getLogger(__name__)

MOST_NEIGHBOURS = 4096
COMMAND_SECONDS = 2.0
_MAC = re.compile(r"[0-9a-fA-F]{1,2}(?:[:-][0-9a-fA-F]{1,2}){5}")
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_DEAD = {"FAILED", "INCOMPLETE", "NONE", "NOARP"}
_NOBODY = ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff")

RunCommand = Callable[[tuple[str, ...], float], str]
"""(argv, deadline in seconds) -> what it printed. Raises ``EngineError`` when there is no such program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """One entry."""

    address: str
    mac: str
    reachable: bool
    """It was heard from within the last minute; else the entry may be old."""


def sight_neighbours(run: RunCommand, *, platform: str = sys.platform) -> tuple[Sighting, ...]:
    """Everybody in the table, one sighting each."""
    try:
        if platform == "linux":
            neighbours = parse_ip_neigh(run(("ip", "-j", "neigh"), COMMAND_SECONDS))
        else:
            neighbours = parse_arp(run(("arp", "-a" if platform == "win32" else "-an"), COMMAND_SECONDS))
    except EngineError as error:
        logger.info("no neighbour table: %s", error)
        return ()
    return tuple(
        Sighting(way=FoundBy.NEIGHBOURS, addresses=(one.address,), mac=one.mac, answered=one.reachable) for one in neighbours
    )


def parse_ip_neigh(text: str) -> tuple[Neighbour, ...]:
    """``ip -j neigh``."""
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    found = (_of_entry(entry) for entry in (entries[:MOST_NEIGHBOURS] if isinstance(entries, list) else ()))
    return tuple(one for one in found if one is not None)


def parse_arp(text: str) -> tuple[Neighbour, ...]:
    """``arp -an`` of Linux, macOS and the BSDs, ``arp -a`` of Windows. None of them says how old an entry is."""
    found = []
    for line in text.splitlines()[:MOST_NEIGHBOURS]:
        address, mac = _ADDRESS.search(line), _MAC.search(line)
        if address and mac:
            one = _neighbour(address[0], mac[0], reachable=False)
            if one is not None:
                found.append(one)
    return tuple(found)


def _of_entry(entry: object) -> Neighbour | None:
    if not isinstance(entry, dict):
        return None
    states = entry.get("state", [])
    address, mac = entry.get("dst"), entry.get("lladdr")
    if not isinstance(address, str) or not isinstance(mac, str) or not isinstance(states, list):
        return None
    return None if _DEAD & set(map(str, states)) else _neighbour(address, mac, reachable="REACHABLE" in states)


def _neighbour(address: str, mac: str, *, reachable: bool) -> Neighbour | None:
    try:
        there = ipaddress.ip_address(address)
    except ValueError:
        return None
    whole_mac = ":".join(f"{int(part, 16):02x}" for part in re.split("[:-]", mac)) if _MAC.fullmatch(mac) else ""
    # A link-local IPv6 address means nothing without its interface, and its machine has others.
    useless = there.is_multicast or there.is_unspecified or there.is_loopback or (there.version == 6 and there.is_link_local)
    if useless or not whole_mac or whole_mac in _NOBODY or int(whole_mac[:2], 16) & 1:
        return None
    return Neighbour(address=str(there), mac=whole_mac, reachable=reachable)
