"""How a machine's workers can be reached, and the firewall lines for those that are open on the network.

The lines let in the coordinator's address and nobody else. They are shown to be copied and never run by us: they need root.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from engine.session.state import ClusterState
from engine.vocabulary.remote import NetworkAddress
from engine.vocabulary.worker import FIRST_RPC_PORT
from gui.texts.translation import tr
from gui.what_to_show.cards.remote_card_content import exposed_at, remotes_of
from gui.what_to_show.formatting import bit_rate_text

_PORTS_WHEN_NOT_KNOWN = 16
UNKNOWN_COORDINATOR = "COORDINATOR_ADDRESS"
FIREWALLS = ("ufw", "nftables", "firewalld")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressContent:
    """One address that could be bound."""

    address: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FirewallLine:
    """A command for one kind of firewall."""

    tool: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureContent:
    """The whole dialog."""

    machine_id: str
    machine: str
    account: str
    addresses: tuple[AddressContent, ...]
    chosen: str | None
    """``None`` = through a tunnel."""
    ports: tuple[int, int]
    """First and last."""
    running: bool
    """A run keeps what it was launched with."""

    @property
    def warning(self) -> str:
        """What has to be understood before an address is chosen."""
        return tr(
            "I understand that anyone who reaches this port owns the account {account} on {machine}",
            account=self.account,
            machine=self.machine,
        )


def exposure_of(state: ClusterState, machine_id: str) -> ExposureContent | None:
    """``None`` when the machine is gone or was never looked at."""
    remote = next((remote for remote in remotes_of(state) if remote.id == machine_id), None)
    if remote is None or remote.look is None:
        return None
    facts = remote.look.facts
    return ExposureContent(
        machine_id=machine_id,
        machine=remote.name,
        account=facts.user,
        addresses=tuple(_address_of(address) for address in facts.addresses if why_not_bound(address.address) is None),
        chosen=exposed_at(state, remote),
        ports=_ports_of(state, machine_id),
        running=state.run is not None and state.run_wanted,
    )


def why_not_bound(address: str) -> str | None:
    """Why workers may not be bound to it, as a sentence; ``None`` when they may."""
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError:
        return tr("{address} is no IPv4 address.", address=repr(address))
    if parsed.is_unspecified:
        return tr("0.0.0.0 means every network that the machine is in: name one address.")
    if parsed.is_loopback or parsed.is_multicast or int(parsed) == 0xFFFFFFFF:
        return tr("{address} is no address on which other machines can reach it.", address=address)
    return None


def _address_of(address: NetworkAddress) -> AddressContent:
    speed = address.mbit_per_second
    rate = "" if speed is None else f" · {bit_rate_text(speed * 10**6 / 8)}"
    return AddressContent(address=address.address, label=f"{address.address} · {address.interface}{rate}")


def _ports_of(state: ClusterState, machine_id: str) -> tuple[int, int]:
    """Those of its workers; a few from the first one up when they are not known yet."""
    offers = (offer for offer in state.offers if offer.machine_id == machine_id)
    ports = [int((offer.listens_on or offer.endpoint).rpartition(":")[2]) for offer in offers]
    if not ports:
        return FIRST_RPC_PORT, FIRST_RPC_PORT + _PORTS_WHEN_NOT_KNOWN - 1
    return min(ports), max(ports)


def firewall_lines(address: str, ports: tuple[int, int], coordinator: str | None) -> tuple[FirewallLine, ...]:
    """ufw, nftables and firewalld: only ``coordinator`` may reach ``address`` on ``ports``.

    Rules of ufw are tried in order, so the one that allows stands before the one that denies.
    """
    first, last = ports
    who = coordinator or UNKNOWN_COORDINATOR
    colon, dash = (str(first), str(first)) if first == last else (f"{first}:{last}", f"{first}-{last}")
    return (
        FirewallLine(
            tool="ufw",
            command=f"sudo ufw allow proto tcp from {who} to {address} port {colon} "
            f"&& sudo ufw deny proto tcp from any to {address} port {colon}",
        ),
        FirewallLine(
            tool="nftables",
            command=f"sudo nft insert rule inet filter input ip daddr {address} tcp dport {dash} ip saddr != {who} drop",
        ),
        FirewallLine(
            tool="firewalld",
            command="sudo firewall-cmd --add-rich-rule="
            f'\'rule family="ipv4" source address="{who}" destination address="{address}" '
            f'port port="{dash}" protocol="tcp" accept\'',
        ),
    )
