"""Searches the network for machines: the door of this wing."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from engine.finding.examine import HostKeyOf, Ports
from engine.finding.own_host_keys import own_host_keys, system_ssh_folder
from engine.finding.search import BrowseMdns, OnFound, Search, Surroundings
from engine.finding.sighting import Sighting
from engine.finding.untrusted_names import clean_name
from engine.finding.ways import mdns
from engine.finding.ways.local_networks import Interface, local_interfaces
from engine.finding.ways.neighbour_table import RunCommand
from engine.finding.ways.ssh_names import AddressesOf, ResolveSsh, as_it_is, system_addresses, system_name
from engine.ports import CancelToken, RpcAsker
from engine.remote_ports import Progress


class NetworkFinder:
    """Implements ``remote_ports.MachineFinder``. Nothing is remembered between searches."""

    def __init__(
        self,
        *,
        asker: RpcAsker,
        run: RunCommand,
        config_names: Callable[[], tuple[str, ...]],
        known_names: Callable[[], tuple[str, ...]],
        resolve_ssh: ResolveSsh = as_it_is,
        host_key_of: HostKeyOf | None = None,
        interfaces: Callable[[], tuple[Interface, ...]] = local_interfaces,
        addresses_of: AddressesOf = system_addresses,
        name_of: Callable[[str], str | None] = system_name,
        browse_mdns: BrowseMdns | None = None,
        host_keys: Callable[[], frozenset[str]] | None = None,
        own_name: str | None = None,
        ports: Ports | None = None,
    ) -> None:
        """``run``: short local commands. ``config_names``, ``known_names``: the names in the person's ssh files. The
        rest has the real thing for its default."""
        self._around = Surroundings(
            interfaces=interfaces,
            own_name=own_name or clean_name(socket.gethostname()),
            own_host_keys=host_keys or partial(own_host_keys, system_ssh_folder()),
            config_names=config_names,
            known_names=known_names,
            resolve_ssh=resolve_ssh,
            addresses_of=addresses_of,
            name_of=name_of,
            browse_mdns=browse_mdns or _browse,
            run=run,
            asker=asker,
            host_key_of=host_key_of,
            in_use=frozenset,
            ports=ports or Ports(),
        )

    def find(
        self,
        on_found: OnFound,
        *,
        wide: bool,
        progress: Progress,
        token: CancelToken,
        in_use: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        """Search in all ways at once. ``on_found`` gets all that is known so far, each time there is more, in the calling
        thread. ``wide`` also sweeps networks larger than a /24 (at most a /16 of each). ``in_use``: endpoints (``host:port``)
        of rpc-servers that we use ourselves; never touched. Raises ``Cancelled``."""
        Search(replace(self._around, in_use=in_use), on_found, progress, wide=wide).run(token)


def _browse(on_sighting: Callable[[Sighting], None], token: CancelToken, own_addresses: tuple[str, ...]) -> None:
    if own_addresses:
        mdns.browse(on_sighting, token, interface_addresses=own_addresses)
