"""What a search of the network found, as rows to be checked; and what checking them adds.

A row is known by all its names (``keys``): while the search runs, a machine gets more of them, and its check mark must stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.errors import BadInput
from engine.session.state import ClusterState
from engine.settings.ssh_target import checked_target, parse_target
from engine.vocabulary.found import FoundMachine, FoundRpcServer
from engine.vocabulary.remote import SshTarget
from gui.texts.engine_words import engine_word
from gui.texts.translation import mark, tr
from gui.what_to_show.formatting import bytes_text, count_text

_SSH_PORT = 22
_OLLAMA = (mark("Ollama: cannot be a worker (no RPC),"), mark("but its model files can be used"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRowContent:
    """One machine that was found."""

    keys: frozenset[str]
    name: str
    addresses: str
    ways: str
    things: tuple[str, ...]
    """What is on it, a line each."""
    why_not: str
    """Why it cannot be checked, or empty."""
    target: SshTarget | None

    @property
    def can_be_added(self) -> bool:
        """Whether it has a check mark."""
        return not self.why_not


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMachinesContent:
    """The whole dialog."""

    running: bool
    fraction: float | None
    detail: str
    rows: tuple[FoundRowContent, ...]
    nothing: str
    """Said in place of an empty list."""


def add_machines_of(state: ClusterState) -> AddMachinesContent:
    """What was found so far, those that can be added first."""
    finding = state.finding
    rows = sorted((_row_of(state, found) for found in finding.found), key=lambda row: (not row.can_be_added, row.name.lower()))
    return AddMachinesContent(
        running=finding.running,
        fraction=finding.fraction,
        detail=finding.detail if finding.running else _ended(len(rows)),
        rows=tuple(rows),
        nothing="" if rows else (tr("Searching…") if finding.running else tr("No machine was found. Type an address above.")),
    )


def _ended(n: int) -> str:
    return tr("{machines} found", machines=count_text(n, "machine")) if n else ""


def _row_of(state: ClusterState, found: FoundMachine) -> FoundRowContent:
    return FoundRowContent(
        keys=_keys_of(found),
        name=found.name,
        addresses="\n".join(found.addresses),
        ways="\n".join(map(engine_word, found.ways)),
        things=(
            *(line for server in found.rpc_servers for line in _server_lines(server)),
            *(map(tr, _OLLAMA) if found.ollama_url else ()),
        ),
        why_not=_why_not_added(state, found),
        target=found.target,
    )


def _keys_of(found: FoundMachine) -> frozenset[str]:
    names = {found.name, *found.addresses}
    if found.target is not None:
        names.add(found.target.text)
    if found.host_key_fingerprint is not None:
        names.add(found.host_key_fingerprint)
    return frozenset(names)


def _why_not_added(state: ClusterState, found: FoundMachine) -> str:
    if found.this_machine:
        return tr("this machine")
    if _is_added(state, found):
        return tr("already added")
    return "" if found.target is not None else tr("no SSH answers there")


def _is_added(state: ClusterState, found: FoundMachine) -> bool:
    looks = [remote.look for remote in state.remotes if remote.look is not None]
    if found.host_key_fingerprint in {look.facts.identity.host_key_fingerprint for look in looks}:
        return True
    hosts = {found.name, *found.addresses} | ({found.target.host} if found.target else set())
    port = (found.target.port if found.target else None) or _SSH_PORT
    return any(target.host in hosts and (target.port or _SSH_PORT) == port for target in state.choices.targets)


def _server_lines(server: FoundRpcServer) -> tuple[str, ...]:
    """Short lines: rows of the list do not wrap."""
    where = tr("port {port}", port=server.port)
    if server.state == "busy":
        return (tr("rpc-server on {where}: busy, a coordinator is using it", where=where),)
    if server.state == "gone":
        return (tr("rpc-server on {where}: gone", where=where),)
    if server.state != "idle":
        return (tr("{where}: something else, not an rpc-server", where=where),)
    version = "" if server.protocol is None else f", RPC {server.protocol}"
    devices = f", {count_text(len(server.device_memory), 'device')}" if server.device_memory else ""
    memory = tuple(
        tr("   {free} of {total} free", free=bytes_text(free), total=bytes_text(total)) for free, total in server.device_memory
    )
    return (tr("rpc-server on {where}: idle{version}{devices}", where=where, version=version, devices=devices), *memory)


def user_to_offer(rows: Iterable[FoundRowContent]) -> str:
    """What the user name field begins with: what the targets say when all say the same. Else empty: ssh's files decide for
    each machine, and a name shown here would not be the one that logs in."""
    users = {row.target.user or "" for row in rows if row.target is not None}
    return users.pop() if len(users) == 1 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Additions:
    """What pressing Add would add, or why it cannot."""

    targets: tuple[SshTarget, ...] = ()
    problem: str = ""
    """One sentence about what was typed."""

    @property
    def button(self) -> str:
        """Text of the Add button."""
        return tr("Add {n} machines", n=len(self.targets)) if len(self.targets) > 1 else tr("Add machine")


def additions_of(typed: str, checked: Iterable[FoundRowContent], user: str | None) -> Additions:
    """The typed address and the checked rows. ``user`` ``None`` = was not changed: every target as it was found."""
    try:
        first = (parse_target(typed),) if typed.strip() else ()
        others = tuple(_as_user(row.target, user) for row in checked if row.target is not None)
    except BadInput as error:
        return Additions(problem=str(error))
    return Additions(targets=tuple(dict.fromkeys((*first, *others))))


def _as_user(target: SshTarget, user: str | None) -> SshTarget:
    return target if user is None else checked_target(replace(target, user=user.strip() or None))
