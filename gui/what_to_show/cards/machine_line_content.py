"""What is known of a machine at a glance: by this it is searched, sorted, grouped, and drawn as one line.

Worked out for every machine in every state, so nothing here walks over all workers: what belongs to a machine is looked up.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from engine.session.state import ClusterState
from engine.vocabulary.machine import Machine
from engine.vocabulary.remote import SshTarget
from engine.vocabulary.worker import WorkerOffer
from gui.texts.translation import mark, tr

NO_NETWORK = mark("Addressed by name")
HERE = mark("This machine")


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineLineContent:
    """One machine in one line."""

    machine_id: str
    title: str
    status: str
    status_role: str
    status_shape: str
    safe_bytes: int
    """Of all its workers that are not switched off; 0 = none yet."""
    read_bytes_per_second: float | None
    """Of its fastest worker; ``None`` = not known."""
    network: str
    """For people: ``10.0.0.0/24``, this machine, or that only a name is known."""
    searched: str
    """All words that a search may mean, in lower case."""


def line_of(
    state: ClusterState,
    machine_id: str,
    title: str,
    status: tuple[str, str, str],
    offers: tuple[WorkerOffer, ...],
    machine: Machine | None,
    target: SshTarget | None,
) -> MachineLineContent:
    """``status`` is words, role and shape."""
    speeds = [offer.speed.read_bytes_per_second for offer in offers if offer.speed is not None]
    words, role, shape = status
    left_out = state.choices.left_out
    return MachineLineContent(
        machine_id=machine_id,
        title=title,
        status=words,
        status_role=role,
        status_shape=shape,
        safe_bytes=sum(offer.safe_bytes for offer in offers if offer.id not in left_out),
        read_bytes_per_second=max(speeds, default=None),
        network=_network_of(machine, target),
        searched=" ".join(_searched_parts(title, words, offers, machine, target)).lower(),
    )


def _network_of(machine: Machine | None, target: SshTarget | None) -> str:
    if target is None:
        return tr(HERE)
    return _network_around(machine.address if machine else None, target.host) or tr(NO_NETWORK)


@lru_cache(maxsize=1024)
def _network_around(*addresses: str | None) -> str | None:
    """Of the first that is one. Kept: a line is made anew for many reasons, and this took most of its time."""
    for address in addresses:
        try:
            known = ipaddress.ip_address(address or "")
        except ValueError:
            continue
        return str(ipaddress.ip_network((known, 24 if known.version == 4 else 64), strict=False))
    return None


def _searched_parts(
    title: str, status: str, offers: tuple[WorkerOffer, ...], machine: Machine | None, target: SshTarget | None
) -> list[str]:
    parts = [title, status]
    if target is not None:
        parts.append(target.text)
    if machine is not None:
        parts += [machine.os_name, machine.architecture, machine.address or ""]
        parts += [f"{gpu.friendly_name} {gpu.name}" for gpu in machine.gpus]
    return parts + [f"{offer.device_name} {offer.description}" for offer in offers]
