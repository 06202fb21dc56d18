"""Addresses and listening ports that a remote machine sent. Pure.

Addresses come as ``ip -4 -o addr show`` prints them, or, where there is no ``ip``, from ``ifconfig`` in its three forms (old
and new net-tools, BSD and macOS). Listening ports come from /proc/net/tcp (proc(5)) or from ``netstat -an`` (macOS).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.machines.file_trees import FileTree
from engine.machines.remote_probe.sent.sent_text import shown
from engine.vocabulary.remote import NetworkAddress

_MOST_ADDRESSES = 64
_MOST_PORTS = 4096
_OF_IP = re.compile(r"\d+: +([^\s:@]{1,32})\S* +inet ([0-9.]{7,15})")
_INTERFACE = re.compile(r"([^\s:]{1,32})(?::?\s)")
_OF_IFCONFIG = re.compile(r"\s+inet (?:addr:)?([0-9.]{7,15})")
_OF_NETSTAT = re.compile(r"tcp\S*\s+\d+\s+\d+\s+\S*[.:](\d{1,5})\s.*\bLISTEN")


def sent_addresses(said: Mapping[str, str], files: FileTree) -> tuple[NetworkAddress, ...]:
    """IPv4 addresses without the loopback's, in the machine's order."""
    pairs = _pairs_of_ip(said["ip_addr"]) if said.get("ip_addr") else _pairs_of_ifconfig(said.get("ifconfig", ""))
    found = [
        NetworkAddress(interface=shown(name), address=address, mbit_per_second=_speed(name, files))
        for name, address in pairs
        if _is_useful(address)
    ]
    return tuple(dict.fromkeys(found))[:_MOST_ADDRESSES]


def sent_ports(said: Mapping[str, str]) -> tuple[int, ...]:
    """Ports on which somebody listens, on whatever address, sorted."""
    words = (line.rpartition(":")[2].strip() for line in said.get("tcp_listening", "").splitlines())
    found = {int(word, 16) for word in words if re.fullmatch(r"[0-9A-Fa-f]{4}", word)}
    found |= {int(match[1]) for line in said.get("netstat", "").splitlines() if (match := _OF_NETSTAT.match(line))}
    return tuple(sorted(port for port in found if 0 < port < 65536))[:_MOST_PORTS]


def _pairs_of_ip(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if match := _OF_IP.match(line):
            yield match[1], match[2]


def _pairs_of_ifconfig(text: str) -> Iterator[tuple[str, str]]:
    interface = ""
    for line in text.splitlines():
        if match := _OF_IFCONFIG.match(line):
            yield interface, match[1]
        elif match := _INTERFACE.match(line):
            interface = match[1]


def _is_useful(address: str) -> bool:
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError:
        return False
    return not (parsed.is_loopback or parsed.is_unspecified or parsed.is_multicast)


def _speed(interface: str, files: FileTree) -> int | None:
    """Mbit/s; -1 or nothing when the interface does not know (virtual ones, wireless, no cable)."""
    text = files.read(Path("/sys/class/net") / interface / "speed").strip()
    return int(text) if re.fullmatch(r"[0-9]{1,8}", text) and int(text) > 0 else None
