"""All machines, this one first, and the line above them. A line for every machine; a card only for those that are looked at.

Rejected: making every card in every state (15 ms with 200 machines, of which a window shows a dozen).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from engine.session.remotes import RemoteSeen
from engine.session.state import ClusterState
from engine.vocabulary.machine import Machine
from engine.vocabulary.remote import RemotePhase
from gui.texts.translation import tr, tr_n
from gui.what_to_show.cards.launch_content import launch_progress_of
from gui.what_to_show.cards.machine_card_content import MachineCardContent, machine_card_of, machine_status_of
from gui.what_to_show.cards.machine_line_content import MachineLineContent, line_of
from gui.what_to_show.cards.placed import Placed, placed_of
from gui.what_to_show.cards.remote_card_content import remote_card_of, remote_status_of, remotes_of
from gui.what_to_show.formatting import bytes_text, count_text
from gui.what_to_show.kept import KeptByKey, kept

_lines: KeptByKey[MachineLineContent] = KeptByKey()


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinesContent:
    """The panel of machines."""

    lines: tuple[MachineLineContent, ...]
    """One per machine, in the order in which they were added."""
    summary: str
    question: str
    """``3 machines have a question``, or empty."""
    card: Callable[[str], MachineCardContent] = field(compare=False)
    """All of one machine, made when it is asked for."""


def machines_of(state: ClusterState) -> MachinesContent:
    """The panel: how many, how much, who asks."""
    placed = placed_of(state)
    sources = _sources_of(state.machines, remotes_of(state))
    lines = _lines.answers(_line_wanted(state, placed, machine_id, source) for machine_id, source in sources.items())
    return MachinesContent(
        lines=lines,
        summary=_summary_of(state, lines),
        question=_question_of(state),
        card=lambda machine_id: _card_of(state, placed, machine_id, sources[machine_id]),
    )


@kept
def _sources_of(machines: tuple[Machine, ...], remotes: tuple[RemoteSeen, ...]) -> Mapping[str, Machine | RemoteSeen]:
    """Those of the state that nobody added (this one), then every one that was added."""
    added: dict[str, Machine | RemoteSeen] = {remote.id: remote for remote in remotes}
    found: dict[str, Machine | RemoteSeen] = {machine.id: machine for machine in machines if machine.id not in added}
    return found | added


def _line_wanted(
    state: ClusterState, placed: Placed, machine_id: str, source: Machine | RemoteSeen
) -> tuple[str, tuple[object, ...], Callable[[], MachineLineContent]]:
    if isinstance(source, RemoteSeen):
        machine = None if source.look is None else source.look.machine
        status, title, target = remote_status_of(state, placed, source), source.name, source.target
    else:
        machine, title, target = source, source.name, None
        status = machine_status_of(state, placed, machine_id)
    offers = placed.offers.get(machine_id, ())
    inputs = (machine, title, target, *status, state.choices.left_out, *offers)
    return machine_id, inputs, partial(line_of, state, machine_id, title, status, offers, machine, target)


def _card_of(state: ClusterState, placed: Placed, machine_id: str, source: Machine | RemoteSeen) -> MachineCardContent:
    load = next((load for known, load in state.loads if known == machine_id), None)
    if isinstance(source, RemoteSeen):
        return _with_launch(state, remote_card_of(state, placed, source, load))
    return _with_launch(state, machine_card_of(state, placed, source, load))


def _with_launch(state: ClusterState, card: MachineCardContent) -> MachineCardContent:
    progress = launch_progress_of(state, card.machine_id)
    return card if progress is None else replace(card, progress=progress)


def _summary_of(state: ClusterState, lines: tuple[MachineLineContent, ...]) -> str:
    """A machine that is starting, failed or without llama.cpp is not ready, whatever else is known of it."""
    if not state.machines:
        return ""
    ready = sum(line.status_role == "good" for line in lines)
    machines = (
        tr("{ready} ready", ready=ready) if ready == len(lines) else tr("{ready} of {all} ready", ready=ready, all=len(lines))
    )
    if not state.offers:
        return machines
    safe = bytes_text(sum(line.safe_bytes for line in lines))
    return tr(
        "{machines} · {workers} · {safe} safe", machines=machines, workers=count_text(len(state.offers), "worker"), safe=safe
    )


def _question_of(state: ClusterState) -> str:
    n = sum(remote.phase is RemotePhase.ASKING and remote.question is not None for remote in state.remotes)
    return "" if not n else tr_n("{n} machine has a question", "{n} machines have a question", n)
