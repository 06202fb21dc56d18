"""The lab's network: a bridge in a namespace of its own, a cable to every machine, and one to this machine.

In a namespace of its own, not here, a firewall of this machine (Docker's forwards nothing) does not see its frames, and it
goes as a whole. ``.254`` is this machine, ``.253`` the switch itself (relays run there), ``.251`` the desk, ``.250`` the
stranger.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
from pathlib import Path

from tests.lab.machines.box import Box, LabFailed, no_ipv6, own_sys, run

HERE, ITSELF, DESK, STRANGER = 254, 253, 251, 250
_FIRST, _LAST = 10, 250
_BURST_SECONDS = 0.004
_LEAST_BURST_BYTES = 65_536


def free_subnet() -> str:
    """``10.200.N.`` such that no address and no route of this machine is in 10.200.N.0/24."""
    words = " ".join(run(["ip", "-4", "-o", kind]) for kind in ("address", "route")).replace("/", " ").split()
    taken = {word.rpartition(".")[0] for word in words if _is_address(word)}
    for number in range(_FIRST, _LAST):
        if f"10.200.{number}" not in taken:
            return f"10.200.{number}."
    raise LabFailed("No 10.200.N.0/24 is free on this machine.")


def _is_address(word: str) -> bool:
    with contextlib.suppress(ValueError):
        return bool(ipaddress.IPv4Address(word))
    return False


class Switch:
    """``box``: its namespaces; the hosts' disks hang in its mounts, and so outlive a power cut."""

    def __init__(self, folder: Path, nonce: str) -> None:
        self.folder = folder
        self.box = Box("the switch", ("net", "mount"))
        self.link = f"xply{nonce}"
        self.prefix = ""

    def start(self) -> None:
        """Bridge up, connected to this machine, in a subnet that nobody here uses."""
        self.box.do([*own_sys(self.folder / "switch-sys"), *no_ipv6()])
        self.box.ip(
            [
                "link set lo up",
                "link add name hub type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
                f"link add name port{HERE} type veth peer name eth0",
                f"link set port{HERE} master hub up",
                "link set hub up",
            ]
        )
        self.prefix = free_subnet()
        self.box.ip([f"address add {self.address(ITSELF)}/24 dev hub", f"link set eth0 name {self.link} netns {os.getpid()}"])
        quiet = Path(f"/proc/sys/net/ipv6/conf/{self.link}/disable_ipv6")
        if quiet.exists():
            quiet.write_text("1", encoding="ascii")
        run(["ip", "address", "add", f"{self.address(HERE)}/24", "dev", self.link])
        run(["ip", "link", "set", self.link, "up"])

    def address(self, number: int) -> str:
        """Address of machine ``number``."""
        return f"{self.prefix}{number}"

    def plug(self, box: Box, port: str, number: int) -> None:
        """Give a machine's namespace its ``eth0`` at :meth:`address`, always with the same hardware address."""
        third = int(self.prefix.split(".")[2])
        mac = f"02:c5:00:{third:02x}:00:{number:02x}"
        self.box.ip(
            [
                f"link add name {port} type veth peer name eth0 address {mac} netns {box.pid}",
                f"link set {port} master hub up",
            ]
        )
        box.ip(
            [
                "link set lo up",
                f"address add {self.address(number)}/24 broadcast {self.address(255)} dev eth0",
                "link set eth0 up",
                "route add 224.0.0.0/4 dev eth0",
            ]
        )

    def unplug(self, port: str) -> None:
        """Take the cable away: at once and for good."""
        self.box.ip([f"link set {port} down", f"link delete {port}"])

    def limit(self, box: Box, port: str, mbit: float | None) -> None:
        """Token buckets at both ends of a machine's cable (None: take them away)."""
        for place, device in ((self.box, port), (box, "eth0")):
            if mbit is None:
                place.run(["sh", "-c", f"tc qdisc del dev {device} root 2>/dev/null || true"], kinds=("net",))
            else:
                burst = max(_LEAST_BURST_BYTES, int(mbit * 1e6 / 8 * _BURST_SECONDS))
                bucket = ["tbf", "rate", f"{int(mbit * 1e6)}bit", "burst", str(burst), "latency", "50ms"]
                place.run(["tc", "qdisc", "replace", "dev", device, "root", *bucket], kinds=("net",))

    def close(self) -> None:
        """Everything off; the link here goes at once (with the namespace it would go a moment later)."""
        with contextlib.suppress(LabFailed):
            run(["ip", "link", "delete", self.link])
        self.box.close()
