"""The topology: the coordinator's machine, the others around it, and what is known of the links between.

Of every figure of a link it is said where it comes from: measured (and when), assumed by the planner, or not known.
Live bytes are those of the last reading, and only while it is fresh.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from engine.planning.costs.layer_costs import ASSUMED_LINK_BYTES_PER_SECOND, ASSUMED_RTT_SECONDS
from engine.session.reducing.watching import SENT, STALE_SECONDS, TAKEN_IN
from engine.session.remotes import RemoteSeen
from engine.session.state import ClusterState
from engine.vocabulary.machine import THIS_MACHINE, MachineId
from engine.vocabulary.plan import PlannedWorker
from engine.vocabulary.worker import Link, WorkerId
from gui.texts.translation import mark, tr
from gui.what_to_show.cards.all_cards import machines_of
from gui.what_to_show.cards.machine_card_content import MachineCardContent
from gui.what_to_show.cards.placed import shown_plan
from gui.what_to_show.cards.remote_card_content import exposed_at, remotes_of
from gui.what_to_show.formatting import bit_rate_text, count_text, held_text, layers_text, round_trip_text
from gui.what_to_show.watching.charts import bytes_rate_text
from gui.what_to_show.worker_marks import NO_WORKER, WorkerMark, marks_of, worker_name

COLUMNS = (
    mark("Machine"),
    mark("State"),
    mark("Layers"),
    mark("Round trip"),
    mark("To it"),
    mark("From it"),
    mark("Measured"),
    mark("Reached through"),
    mark("Now"),
)
_NOT_KNOWN = mark("not known")


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyWorker:
    """A worker that holds layers."""

    mark: WorkerMark
    short: str
    """Which layers: ``0–9``."""
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkContent:
    """From the coordinator to a machine."""

    round_trip: str
    there: str
    back: str
    measured: str
    """When; empty = it was not."""
    exposure: str
    is_open: bool
    """A port is open on the network: drawn and said as a warning."""
    connected: bool
    now: str
    """``4.0 MB/s to it``; empty when nothing is known."""
    flowing: bool
    flow: str
    """The same on the link itself: ``4.0 MB/s``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Live:
    bytes_per_second: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyMachine:
    """One machine."""

    machine_id: str
    name: str
    status: str
    status_role: str
    status_shape: str
    workers: tuple[TopologyWorker, ...]
    layers: str
    """``30 layers on 2 workers``, ``no layers``."""
    link: LinkContent | None
    """``None`` for the coordinator's."""

    @property
    def link_short(self) -> str:
        """``tunnel · 0.31 ms · 936 Mbit/s``."""
        if self.link is None:
            return tr("llama-server runs here")
        return f"{self.link.exposure} · {self.link.round_trip} · {self.link.there}"

    @property
    def link_lines(self) -> tuple[str, ...]:
        """The same where there is room for more: both ways, and when it was measured."""
        if self.link is None:
            return (tr("llama-server runs here:"), tr("all data goes through it"))
        link = self.link
        both = (
            tr("both ways {there}", there=link.there)
            if link.there == link.back
            else tr("to it {there} · from it {back}", there=link.there, back=link.back)
        )
        return (
            tr("{exposure} · round trip {round_trip}", exposure=link.exposure, round_trip=link.round_trip),
            both,
            link.measured or tr("not measured"),
        )

    @property
    def words(self) -> str:
        """All of it, for the tooltip and for screen readers."""
        lines = [f"{self.name}: {self.status}", *(worker.words for worker in self.workers)]
        if not self.workers:
            lines.append(tr("It holds no layers."))
        if self.link is None:
            return "\n".join([*lines, tr("llama-server runs here: all data goes through this machine.")])
        measured = f" ({self.link.measured})" if self.link.measured else ""
        lines.append(
            tr(
                "Round trip {round_trip}, to it {there}, from it {back}{measured}",
                round_trip=self.link.round_trip,
                there=self.link.there,
                back=self.link.back,
                measured=measured,
            )
        )
        lines.append(tr("Reached through: {exposure}", exposure=self.link.exposure))
        return "\n".join([*lines, *([tr("Now {now}", now=self.link.now)] if self.link.now else [])])

    @property
    def cells(self) -> tuple[str, ...]:
        """Its row in the list."""
        state = f"{self.status_shape} {self.status}"
        if self.link is None:
            return (self.name, state, self.layers, "–", "–", "–", "–", tr("llama-server runs here"), "–")
        link = self.link
        figures = (link.round_trip, link.there, link.back, link.measured or "–")
        return (self.name, state, self.layers, *figures, link.exposure, link.now or "–")


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyContent:
    """The tab: the coordinator's machine first."""

    machines: tuple[TopologyMachine, ...]
    summary: str
    empty: str


def column_titles() -> tuple[str, ...]:
    """``COLUMNS`` in the person's language."""
    return tuple(tr(title) for title in COLUMNS)


def topology_of(state: ClusterState) -> TopologyContent:
    """Everything in the topology tab."""
    remotes = {remote.id: remote for remote in remotes_of(state)}
    plan = shown_plan(state)
    used: dict[str, list[PlannedWorker]] = {}
    for worker in () if plan is None else plan.used_workers:
        used.setdefault(worker.offer.machine_id, []).append(worker)
    marks, offered = marks_of(state), {offer.machine_id for offer in state.offers}
    live = _live_of(state)
    panel = machines_of(state)
    cards = (panel.card(line.machine_id) for line in panel.lines)
    machines = tuple(
        _machine_of(state, card, remotes.get(MachineId(card.machine_id)), used.get(card.machine_id, []), marks, offered, live)
        for card in cards
    )
    ordered = tuple(sorted(machines, key=lambda machine: machine.machine_id != THIS_MACHINE))
    return TopologyContent(
        machines=ordered,
        summary=_summary_of(ordered),
        empty="" if ordered else tr("Looking at this machine…"),
    )


def _machine_of(
    state: ClusterState,
    card: MachineCardContent,
    remote: RemoteSeen | None,
    used: list[PlannedWorker],
    marks: dict[WorkerId, WorkerMark],
    offered: set[MachineId],
    live: dict[str, _Live],
) -> TopologyMachine:
    workers = tuple(
        TopologyWorker(
            mark=marks.get(worker.id, NO_WORKER),
            short=layers_text(worker.first_layer, worker.last_layer, output=worker.holds_output),
            words=_worker_words(worker),
        )
        for worker in used
    )
    here = card.machine_id == THIS_MACHINE
    return TopologyMachine(
        machine_id=card.machine_id,
        name=card.title,
        status=card.status,
        status_role=card.status_role,
        status_shape=card.status_shape,
        workers=workers,
        layers=_layers_of(used),
        link=None if here else _link_of(state, card, remote, card.machine_id in offered, live.get(card.machine_id)),
    )


def _worker_words(worker: PlannedWorker) -> str:
    name = worker_name(worker.offer, many_machines=False)
    return f"{name}: {held_text(worker.n_layers, output=worker.holds_output)}"


def _layers_of(used: list[PlannedWorker]) -> str:
    if not used:
        return tr("no layers")
    n_layers = sum(worker.n_layers for worker in used)
    layers, workers = count_text(n_layers, "layer"), count_text(len(used), "worker")
    if any(worker.holds_output for worker in used):
        return tr("{layers} + head on {workers}", layers=layers, workers=workers)
    return tr("{layers} on {workers}", layers=layers, workers=workers)


def _link_of(
    state: ClusterState, card: MachineCardContent, remote: RemoteSeen | None, planned_with: bool, live: _Live | None
) -> LinkContent:
    link = None if remote is None else remote.link
    address = None if remote is None else exposed_at(state, remote)
    connected = card.status_role != "bad" and (remote is None or remote.look is not None)
    return LinkContent(
        round_trip=_round_trip_of(link, planned_with),
        there=_rate_of(None if link is None else link.bytes_per_second, planned_with),
        back=_back_of(link, planned_with),
        measured=_measured_of(state, remote),
        exposure=tr("tunnel") if address is None else tr("open port at {address}", address=address),
        is_open=address is not None,
        connected=connected,
        now="" if live is None else live.words,
        flowing=live is not None and live.bytes_per_second > 0,
        flow="" if live is None else bytes_rate_text(live.bytes_per_second),
    )


def _round_trip_of(link: Link | None, planned_with: bool) -> str:
    if link is not None and link.rtt_seconds is not None:
        return round_trip_text(link.rtt_seconds)
    return tr("assumed {round_trip}", round_trip=round_trip_text(ASSUMED_RTT_SECONDS)) if planned_with else tr(_NOT_KNOWN)


def _rate_of(bytes_per_second: float | None, planned_with: bool) -> str:
    if bytes_per_second is not None:
        return bit_rate_text(bytes_per_second)
    return tr("assumed {rate}", rate=bit_rate_text(ASSUMED_LINK_BYTES_PER_SECOND)) if planned_with else tr(_NOT_KNOWN)


def _back_of(link: Link | None, planned_with: bool) -> str:
    if link is not None and link.receive_bytes_per_second is None and link.bytes_per_second is not None:
        return tr("assumed the same")
    return _rate_of(None if link is None else link.receive_bytes_per_second, planned_with)


def _measured_of(state: ClusterState, remote: RemoteSeen | None) -> str:
    if remote is None or remote.link is None:
        return ""
    if remote.link_measured_at_seconds is None:
        return tr("measured, not known when")
    at = time.localtime(remote.link_measured_at_seconds + state.zero_is_at_seconds)
    return tr("measured {at}", at=time.strftime("%Y-%m-%d %H:%M", at))


def _live_of(state: ClusterState) -> dict[str, _Live]:
    """Machine -> bytes per second that go to it now. Only a tunnel's bytes are known to be ours."""
    loads = state.watched.loads
    if not loads.recent or state.now_seconds - loads.recent[-1].at_seconds > STALE_SECONDS:
        return {}
    found = {}
    for column, value in zip(loads.columns, loads.recent[-1].values, strict=True):
        if column.kind == SENT and value is not None:
            found[column.id] = _Live(bytes_per_second=value, words=tr("{rate} to it", rate=bytes_rate_text(value)))
        elif column.kind == TAKEN_IN and value is not None:
            words = tr("{rate} into it, all its programs", rate=bytes_rate_text(value))
            found[column.id] = _Live(bytes_per_second=value, words=words)
    return found


def _summary_of(machines: tuple[TopologyMachine, ...]) -> str:
    others = [machine for machine in machines if machine.link is not None]
    if not others:
        return tr("Only this machine: add others to see how they are reached.")
    holding = sum(bool(machine.workers) for machine in machines)
    n_open = sum(machine.link.is_open for machine in others if machine.link is not None)
    exposed = tr("no port open") if not n_open else tr("{machines} with an open port", machines=count_text(n_open, "machine"))
    return tr(
        "{other_machines} · {holding} of {n_machines} hold layers · {exposed}",
        other_machines=count_text(len(others), "other machine"),
        holding=holding,
        n_machines=len(machines),
        exposed=exposed,
    )
