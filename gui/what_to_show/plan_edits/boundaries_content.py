"""The boundaries of the layer map that can be moved: a handle between every two workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.planning.policies.moved_boundary import boundaries_of, reach_of
from engine.session.state import ClusterState
from engine.vocabulary.worker import WorkerId
from gui.texts.translation import tr
from gui.what_to_show.plan_edits.drawn_split import DrawnSplit, can_edit, is_on_the_table


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryContent:
    """One handle. ``layer``: in front of which it stands; it may stand from ``lowest`` to ``highest``."""

    layer: int
    lowest: int
    highest: int
    words: str


def boundaries_content_of(
    state: ClusterState, drawn: DrawnSplit, name_of: Callable[[WorkerId], str]
) -> tuple[BoundaryContent, ...]:
    """Empty while the plan cannot be edited, and when one worker holds everything."""
    if not can_edit(state) or not is_on_the_table(state):
        return ()
    places = boundaries_of(drawn.seats)
    return tuple(
        BoundaryContent(layer=layer, lowest=lowest, highest=highest, words=_words(drawn, place, layer, name_of, len(places)))
        for place, layer in enumerate(places)
        for lowest, highest in (reach_of(drawn.seats, place),)
    )


def _words(drawn: DrawnSplit, place: int, layer: int, name_of: Callable[[WorkerId], str], n_boundaries: int) -> str:
    before, after = name_of(drawn.seats[place][0]), name_of(drawn.seats[place + 1][0])
    begins = tr("the output head") if layer == drawn.n_layers else tr("layer {layer}", layer=layer)
    return tr(
        "Boundary {place} of {n_boundaries}: {before} ends and {after} begins with {begins}.\n"
        "Drag it, or press Left and Right; Up and Down go to the next one, Escape lets go.",
        place=place + 1,
        n_boundaries=n_boundaries,
        before=before,
        after=after,
        begins=begins,
    )
