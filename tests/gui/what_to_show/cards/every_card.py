"""All cards of a state: the window makes only those that are in view."""

from __future__ import annotations

from engine.session.state import ClusterState
from gui.what_to_show.cards.all_cards import machines_of
from gui.what_to_show.cards.machine_card_content import MachineCardContent


def machine_cards_of(state: ClusterState) -> tuple[MachineCardContent, ...]:
    """In the order in which the machines were added."""
    content = machines_of(state)
    return tuple(content.card(line.machine_id) for line in content.lines)
