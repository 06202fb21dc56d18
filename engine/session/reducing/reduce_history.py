"""Events of the comparison and of the history of runs."""

from __future__ import annotations

from dataclasses import replace

from engine.session import events
from engine.session.reducing.planned.replan import is_same_comparison, replanned
from engine.session.state import ClusterState

SHOWN_RUNS = 500


def compared(state: ClusterState, event: events.Compared) -> ClusterState:
    """Taken only for the plans that are shown; a split made by hand meanwhile is none of those that were compared."""
    same = is_same_comparison(state.variants, event.variants)
    return replace(state, comparison=event.comparison) if same else state


def history_read(state: ClusterState, event: events.HistoryRead) -> ClusterState:
    """What ran before: measured figures for plans, and finer speeds. A late answer about another model is dropped."""
    if event.path != state.choices.model_path:
        return state
    return replanned(replace(state, history=event.runs, model_hash=event.model_hash))


def run_recorded(state: ClusterState, event: events.RunRecorded) -> ClusterState:
    """A run of now; the plan stays as it is: it must not change under the eyes of whoever looks at what runs."""
    others = tuple(record for record in state.history if record.id != event.record.id)
    state = replace(state, history=(event.record, *others)[:SHOWN_RUNS])
    if state.run is None or event.launch != state.n_launches:
        return state
    return replace(state, run=replace(state.run, record_id=event.record.id))
