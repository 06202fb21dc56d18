"""Looking up the processes of a state. Pure."""

from __future__ import annotations

from dataclasses import replace

from engine.cluster.phases import ENDED
from engine.session.state import ClusterState, ProcessSeen
from engine.vocabulary.running.process import ProcessId, ProcessPhase


def find(state: ClusterState, id_: ProcessId) -> ProcessSeen | None:
    """A process by its id."""
    return next((process for process in state.processes if process.id == id_), None)


def alive(state: ClusterState) -> tuple[ProcessSeen, ...]:
    """Processes that have not ended."""
    return tuple(process for process in state.processes if process.phase not in ENDED)


def is_left_running(process: ProcessSeen, state: ClusterState) -> bool:
    """Whether closing leaves it as it is."""
    return state.closing and process.keeps_running and process.phase is ProcessPhase.READY


def with_process(state: ClusterState, changed: ProcessSeen) -> ClusterState:
    """The state with a process as it is now."""
    processes = tuple(changed if process.id == changed.id else process for process in state.processes)
    return replace(state, processes=processes)
