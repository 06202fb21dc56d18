"""One search: all ways at once, results growing, every wait with a deadline, and a cancel that is heard within 0.1 s.

The caller's thread owns what is known; ways and questions run as jobs and post what they see. What may hang for as long as
it likes (the system's resolver) has a pool of its own and is not waited for beyond its deadline, so a dead resolver or a
dead machine delays nothing else.

An address in a network that is being swept is examined when the sweep has passed it, with what the sweep learnt: no port
is connected to twice without need.
"""

from __future__ import annotations

import ipaddress
import itertools
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import IPv4Network

from engine.finding.examine import Examination, Examiner, HostKeyOf, Ports
from engine.finding.merging.merge import Evidence, machines_of
from engine.finding.sighting import AddressAnswered, Endpoint, Fact, HostSeen, NameSeen, Sighting, Swept
from engine.finding.ways.local_networks import Interface, far_networks, is_near, near_networks, real_interfaces
from engine.finding.ways.neighbour_table import RunCommand, sight_neighbours
from engine.finding.ways.ssh_names import AddressesOf, ResolveSsh, sight_config_name, sight_known_name
from engine.finding.ways.sweep import SLICE_PERIOD_SECONDS, sweep
from engine.ports import CancelToken, RpcAsker
from engine.remote_ports import Progress
from engine.session.jobs import Jobs
from engine.vocabulary.found import FoundBy, FoundMachine

MOST_NAMES = 1000
WAY_SECONDS = 5.0
"""For reading a file, a table, or listening for announcements."""
RESOLVE_SECONDS = 4.0
EXAMINE_SECONDS = 30.0
"""From when it is queued; every single question has a much shorter deadline."""
_ASKING_THREADS = 64
_RESOLVING_THREADS = 32
_CLOSE_SECONDS = 1.0
_POLL_SECONDS = 0.05
_SWEEP = "sweep"

OnFound = Callable[[tuple[FoundMachine, ...]], None]
BrowseMdns = Callable[[Callable[[Sighting], None], CancelToken, tuple[str, ...]], None]
"""(on_sighting, token, our addresses in the networks to listen in)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """All that a search gets from outside itself."""

    interfaces: Callable[[], tuple[Interface, ...]]
    own_name: str | None
    own_host_keys: Callable[[], frozenset[str]]
    config_names: Callable[[], tuple[str, ...]]
    known_names: Callable[[], tuple[str, ...]]
    resolve_ssh: ResolveSsh
    addresses_of: AddressesOf
    name_of: Callable[[str], str | None]
    browse_mdns: BrowseMdns
    run: RunCommand
    asker: RpcAsker
    host_key_of: HostKeyOf | None
    in_use: Callable[[], frozenset[str]]
    """Endpoints (``host:port``) of rpc-servers that we use ourselves: they are left alone."""
    ports: Ports


@dataclass(frozen=True, slots=True)
class _Names:
    way: FoundBy
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Ended:
    job: int


@dataclass(frozen=True, slots=True)
class _Bug:
    error: Exception


class Search:
    """Runs once."""

    def __init__(self, around: Surroundings, on_found: OnFound, progress: Progress, *, wide: bool) -> None:
        self._around = around
        self._on_found = on_found
        self._progress = progress
        self._inbox: queue.SimpleQueue[Sighting | Fact | Swept | _Names | _Ended | _Bug] = queue.SimpleQueue()
        self._asking = Jobs(self._on_bug, size=_ASKING_THREADS)
        self._resolving = Jobs(self._on_bug, size=_RESOLVING_THREADS)
        self._pending: dict[int, float] = {}
        self._numbers = itertools.count()
        self._interfaces = around.interfaces()
        self._near = near_networks(self._interfaces)
        self._networks = self._near + (far_networks(self._interfaces) if wide else ())
        self._evidence = Evidence(
            own_name=around.own_name,
            own_addresses=frozenset({one.address for one in self._interfaces} | {"127.0.0.1", "::1"}),
            own_host_keys=around.own_host_keys(),
        )
        self._examiner = Examiner(
            ports=around.ports, asker=around.asker, host_key_of=around.host_key_of, is_in_use=self._is_in_use
        )
        self._being_swept: set[IPv4Network] = set()
        self._put_off: dict[Endpoint, None] = {}
        """To be examined when the sweep has passed their network."""
        self._examined: set[Endpoint] = set()
        """Address and ssh port."""
        self._named: set[str] = set()
        self._told: tuple[FoundMachine, ...] = ()
        self._is_news = False
        self._swept_fraction = 0.0
        self._told_fraction = 0.0

    def run(self, token: CancelToken) -> None:
        """Until every way has ended or its deadline has passed. Raises ``Cancelled``, and what a way raises by a bug."""
        try:
            self._start_ways()
            while self._pending:
                token.check()
                self._take_messages()
                self._drop_late_ones()
                self._tell()
            self._progress(1.0, self._in_words())
        finally:
            self._resolving.close(0.0)
            self._asking.close(_CLOSE_SECONDS)

    # -- the ways --------------------------------------------------------------------------------------------------------

    def _start_ways(self) -> None:
        around = self._around
        own = tuple(one.address for one in real_interfaces(self._interfaces) if ":" not in one.address)
        self._start(FoundBy.SSH_CONFIG, lambda _: self._post(_Names(FoundBy.SSH_CONFIG, around.config_names())))
        self._start(FoundBy.KNOWN_HOSTS, lambda _: self._post(_Names(FoundBy.KNOWN_HOSTS, around.known_names())))
        self._start(FoundBy.MDNS, lambda token: around.browse_mdns(self._post_near, token, own))
        self._start(FoundBy.NEIGHBOURS, self._look_at_neighbours)
        self._being_swept = set(self._near)
        seconds = WAY_SECONDS + len(self._networks) * (SLICE_PERIOD_SECONDS + 1.0)
        self._start(_SWEEP, self._sweep, seconds=seconds)

    def _sweep(self, token: CancelToken) -> None:
        try:
            sweep(self._networks, self._around.ports.all, leave_out=self._left_out, on_swept=self._post, token=token)
        finally:
            for network in self._near:  # whatever happened: who waits for it waits no longer
                self._post(Swept(network=network, hosts=(), fraction=1.0))

    def _left_out(self) -> frozenset[Endpoint]:
        """Not swept: what we use ourselves, and addresses that are examined anyway."""
        used = (text.rpartition(":") for text in self._around.in_use())
        ours = {(host.strip("[]"), int(port)) for host, _, port in used if port.isdecimal()}
        examined = {(address, port) for address, _ssh in frozenset(self._examined) for port in self._around.ports.all}
        return frozenset(ours | examined)

    def _look_at_neighbours(self, _token: CancelToken) -> None:
        for sighting in sight_neighbours(self._around.run):
            self._post(sighting)

    def _resolve(self, way: FoundBy, name: str, _token: CancelToken) -> None:
        around = self._around
        if way is FoundBy.SSH_CONFIG:
            sighting = sight_config_name(name, around.resolve_ssh, around.addresses_of)
        else:
            sighting = sight_known_name(name, around.addresses_of)
        if sighting is not None:
            self._post(sighting)

    def _post_near(self, sighting: Sighting) -> None:
        """What others say of themselves never leads us out of our networks."""
        near = tuple(address for address in sighting.addresses if is_near(address, self._interfaces))
        if near:
            self._post(replace(sighting, addresses=near))

    def _find_name(self, address: str, _token: CancelToken) -> None:
        name = self._around.name_of(address)
        if name is not None:
            self._post(NameSeen(address=address, name=name))

    def _is_in_use(self, endpoint: Endpoint) -> bool:
        for text in self._around.in_use():
            host, _, port = text.rpartition(":")
            host = host.strip("[]")
            if port == str(endpoint[1]) and (host == endpoint[0] or endpoint[0] in self._around.addresses_of(host)):
                return True
        return False

    # -- what they say ---------------------------------------------------------------------------------------------------

    def _take_messages(self) -> None:
        try:
            self._take(self._inbox.get(timeout=_POLL_SECONDS))
            while True:
                self._take(self._inbox.get_nowait())
        except queue.Empty:
            return

    def _take(self, message: Sighting | Fact | Swept | _Names | _Ended | _Bug) -> None:
        if isinstance(message, Sighting):
            self._take_sighting(message)
        elif isinstance(message, Swept):
            self._take_swept(message)
        elif isinstance(message, _Names):
            for name in message.names[:MOST_NAMES]:
                resolve = partial(self._resolve, message.way, name)
                self._start(f"{message.way}: {name}", resolve, resolving=True, seconds=RESOLVE_SECONDS)
        elif isinstance(message, _Ended):
            self._pending.pop(message.job, None)
        elif isinstance(message, _Bug):
            raise message.error
        else:
            self._take_fact(message)

    def _take_sighting(self, sighting: Sighting) -> None:
        self._is_news = True
        self._evidence.add_sighting(sighting)
        if sighting.name:
            self._named.update(sighting.addresses)
        for address in sighting.addresses:
            self._want_examined((address, sighting.ssh_port))

    def _take_fact(self, fact: Fact) -> None:
        self._is_news = True
        self._evidence.add(fact)
        if isinstance(fact, AddressAnswered) and fact.address not in self._named:
            self._named.add(fact.address)
            find = partial(self._find_name, fact.address)
            self._start(f"name of {fact.address}", find, resolving=True, seconds=RESOLVE_SECONDS)

    def _take_swept(self, swept: Swept) -> None:
        self._swept_fraction = max(self._swept_fraction, swept.fraction)
        self._is_news = True
        was_near = swept.network in self._being_swept
        self._being_swept.discard(swept.network)
        for host in swept.hosts:
            self._evidence.add_sighting(Sighting(way=FoundBy.SWEEP, addresses=(host.address,), answered=True))
            self._examine((host.address, self._around.ports.ssh), host)
        for endpoint in [one for one in self._put_off if not self._is_being_swept(one[0])]:
            del self._put_off[endpoint]
            self._examine(endpoint, HostSeen(address=endpoint[0]))
        if was_near and not self._being_swept:
            # Who answered for its address but on no port (a firewall) is in the table now.
            self._start("neighbours after the sweep", self._look_at_neighbours)

    def _want_examined(self, endpoint: Endpoint) -> None:
        if self._is_being_swept(endpoint[0]):
            self._put_off[endpoint] = None
        else:
            self._examine(endpoint, HostSeen(address=endpoint[0]))

    def _is_being_swept(self, address: str) -> bool:
        if not self._being_swept:
            return False
        there = ipaddress.ip_address(address.partition("%")[0])
        return any(there in network for network in self._being_swept)

    def _examine(self, endpoint: Endpoint, seen: HostSeen) -> None:
        if endpoint in self._examined:
            return
        address, ssh_port = endpoint
        near = is_near(address, self._interfaces)
        first = not any(known == address for known, _port in self._examined)
        usual = (self._around.ports.ssh,) if near and first else ()
        wanted = Examination(
            address=address, ssh_ports=tuple(dict.fromkeys((ssh_port, *usual))), near=near and first, seen=seen
        )
        self._examined.update((address, port) for port in wanted.ssh_ports)
        work = partial(self._examiner.examine, wanted, self._post)
        self._start(f"examine {address}", work, seconds=EXAMINE_SECONDS)

    # -- jobs, and what is told ------------------------------------------------------------------------------------------

    def _post(self, message: Sighting | Fact | Swept | _Names | _Ended | _Bug) -> None:
        self._inbox.put(message)

    def _on_bug(self, _key: str, error: Exception) -> None:
        self._post(_Bug(error))

    def _start(
        self, key: str, work: Callable[[CancelToken], None], *, seconds: float = WAY_SECONDS, resolving: bool = False
    ) -> None:
        number = next(self._numbers)

        def work_and_end(token: CancelToken) -> None:
            work(token)  # cancelled: nobody listens any more; a bug is posted by the pool
            self._post(_Ended(number))

        self._pending[number] = time.monotonic() + seconds
        (self._resolving if resolving else self._asking).start(key, work_and_end)

    def _drop_late_ones(self) -> None:
        now = time.monotonic()
        for number in [number for number, ends in self._pending.items() if ends < now]:
            del self._pending[number]

    def _tell(self) -> None:
        if self._is_news:
            self._is_news = False
            machines = machines_of(self._evidence)
            if machines != self._told:
                self._told = machines
                self._on_found(machines)
        fraction = round(0.9 * self._swept_fraction, 2)
        if fraction > self._told_fraction:
            self._told_fraction = fraction
            self._progress(fraction, self._in_words())

    def _in_words(self) -> str:
        n_machines = len(self._told)
        return f"{n_machines} machine{'' if n_machines == 1 else 's'} found"
