"""Asks one address what is there, without logging in: an ssh server, rpc-servers, an Ollama.

No port is connected to more often than needed: a busy rpc-server keeps two or three connections waiting and drops what comes
after, so each is asked once per search, and endpoints that we use ourselves not at all. A port that is silent although
another one of the same machine refuses is asked too: no firewall, so its queue of waiting connections may be full.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import EngineError, RpcServerUnusable
from engine.finding.greetings import ollama_url, speaks_ssh
from engine.finding.sighting import AddressAnswered, Endpoint, Fact, HostSeen, OllamaSeen, RpcSeen, SshSeen
from engine.finding.ways.connect_all import PortState, connect_all
from engine.ports import CancelToken, RpcAsker
from engine.vocabulary.found import FoundRpcServer

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 1.2
"""One retransmission of a lost packet (after 1 s) fits in."""
RPC_SECONDS = 2.0

HostKeyOf = Callable[[str, int], str | None]
"""(address, port) -> fingerprint of the host key, without logging in; has its own deadline. May raise ``EngineError``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where we look."""

    ssh: int = 22
    rpc: tuple[int, ...] = (50052, 50053)
    ollama: int = 11434

    @property
    def all(self) -> tuple[int, ...]:
        """In the order in which they are tried."""
        return (self.ssh, *self.rpc, self.ollama)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What is to be asked of one address."""

    address: str
    ssh_ports: tuple[int, ...]
    near: bool
    """It may be asked what it offers; else only for its ssh server."""
    seen: HostSeen
    """What the sweep learnt already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examiner:
    """Asks addresses, one per call, from any thread."""

    ports: Ports
    asker: RpcAsker
    host_key_of: HostKeyOf | None
    is_in_use: Callable[[Endpoint], bool]
    """Whether we use this rpc-server ourselves now."""

    def examine(self, wanted: Examination, post: Callable[[Fact], None], token: CancelToken) -> None:
        """Post what is there, piece by piece. Raises ``Cancelled``."""
        states = self._states(wanted, token)
        if any(state is not PortState.SILENT for state in states.values()):
            post(AddressAnswered(address=wanted.address))
        for port in wanted.ssh_ports:
            if states.get(port) is PortState.OPEN:
                self._ask_ssh((wanted.address, port), post)
        if not wanted.near:
            return
        if states.get(self.ports.ollama) is PortState.OPEN:
            url = ollama_url((wanted.address, self.ports.ollama))
            if url is not None:
                post(OllamaSeen(address=wanted.address, url=url))
        for port in self.ports.rpc:
            token.check()
            self._ask_rpc((wanted.address, port), states, post)

    def _states(self, wanted: Examination, token: CancelToken) -> dict[int, PortState]:
        """By port. Only what the sweep did not learn is connected to."""
        states = dict.fromkeys(wanted.seen.open_ports, PortState.OPEN)
        states |= dict.fromkeys(wanted.seen.refused_ports, PortState.REFUSED)
        offered = (*self.ports.rpc, self.ports.ollama) if wanted.near else ()
        missing = [(wanted.address, port) for port in dict.fromkeys((*wanted.ssh_ports, *offered)) if port not in states]
        untouched = [endpoint for endpoint in missing if endpoint[1] not in self.ports.rpc or not self.is_in_use(endpoint)]
        tried = connect_all(untouched, patience_seconds=PATIENCE_SECONDS, token=token)
        return states | {port: state for (_address, port), state in tried.items()}

    def _ask_ssh(self, endpoint: Endpoint, post: Callable[[Fact], None]) -> None:
        # One connection if that will do: sshd (since 9.8) puts off who comes and goes without logging in.
        fingerprint = self._fingerprint(endpoint)
        if fingerprint is not None or speaks_ssh(endpoint):
            post(SshSeen(endpoint=endpoint, fingerprint=fingerprint))

    def _fingerprint(self, endpoint: Endpoint) -> str | None:
        try:
            return self.host_key_of(*endpoint) if self.host_key_of is not None else None
        except EngineError as error:  # it is no ssh server, or one that does not talk to us
            logger.info("no host key of %s:%s: %s", *endpoint, error)
            return None

    def _ask_rpc(self, endpoint: Endpoint, states: dict[int, PortState], post: Callable[[Fact], None]) -> None:
        address, port = endpoint
        if self.is_in_use(endpoint):
            post(RpcSeen(server=FoundRpcServer(address=address, port=port, state="busy")))
            return
        state = states.get(port, PortState.SILENT)
        queue_may_be_full = state is PortState.SILENT and PortState.REFUSED in states.values()
        if state is not PortState.OPEN and not queue_may_be_full:
            return
        server = self._answer(endpoint)
        if server is not None:
            post(RpcSeen(server=server))

    def _answer(self, endpoint: Endpoint) -> FoundRpcServer | None:
        address, port = endpoint
        try:
            said = self.asker.ask(address, port, timeout_seconds=RPC_SECONDS)
        except RpcServerUnusable:
            # It neither took nor refused a connection, while this machine does refuse others.
            return FoundRpcServer(address=address, port=port, state="busy")
        if said.state == "gone":
            return None
        if said.answer is None:
            return FoundRpcServer(address=address, port=port, state=said.state)
        return FoundRpcServer(
            address=address,
            port=port,
            state=said.state,
            protocol=said.answer.protocol,
            device_memory=said.answer.device_memory,
        )
