"""All cards, this machine's first, and the line above them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.session.state import ClusterState
from engine.vocabulary.remote import RemotePhase
from gui.what_to_show.cards.launch_content import launch_progress_of
from gui.what_to_show.cards.machine_card_content import MachineCardContent, machine_card_of
from gui.what_to_show.cards.remote_card_content import remote_card_of, remotes_of
from gui.what_to_show.cards.worker_row_content import placed_of
from gui.what_to_show.formatting import bytes_text, count_text


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinesContent:
    """The panel of machines."""

    cards: tuple[MachineCardContent, ...]
    summary: str
    question: str
    """``3 machines have a question``, or empty."""


def machines_of(state: ClusterState) -> MachinesContent:
    """The panel: how many, how much, who asks."""
    return MachinesContent(cards=machine_cards_of(state), summary=_summary_of(state), question=_question_of(state))


def machine_cards_of(state: ClusterState) -> tuple[MachineCardContent, ...]:
    """A card per machine: those of the state that nobody added (this one), then every one that was added."""
    loads = dict(state.loads)
    placed = placed_of(state)
    remotes = remotes_of(state)
    added = {remote.id for remote in remotes}
    own = tuple(
        machine_card_of(state, placed, machine, loads.get(machine.id)) for machine in state.machines if machine.id not in added
    )
    others = tuple(remote_card_of(state, placed, remote, loads.get(remote.id)) for remote in remotes)
    return tuple(_with_launch(state, card) for card in (*own, *others))


def _with_launch(state: ClusterState, card: MachineCardContent) -> MachineCardContent:
    progress = launch_progress_of(state, card.machine_id)
    return card if progress is None else replace(card, progress=progress)


def _summary_of(state: ClusterState) -> str:
    if not state.machines:
        return ""
    n_all = len(ids_of_all(state))
    ready = len(state.machines)
    machines = f"{ready} ready" if ready == n_all else f"{ready} of {n_all} ready"
    safe = sum(offer.safe_bytes for offer in state.offers if offer.id not in state.choices.left_out)
    if not state.offers:
        return machines
    return f"{machines} · {count_text(len(state.offers), 'worker')} · {bytes_text(safe)} safe"


def ids_of_all(state: ClusterState) -> frozenset[str]:
    """Ids of all machines that have a card."""
    return frozenset(machine.id for machine in state.machines) | {remote.id for remote in remotes_of(state)}


def _question_of(state: ClusterState) -> str:
    n = sum(remote.phase is RemotePhase.ASKING and remote.question is not None for remote in state.remotes)
    return "" if not n else ("1 machine has a question" if n == 1 else f"{n} machines have a question")
