"""Hand-made states in which workers on other machines run, some of them started to stay."""

from __future__ import annotations

from dataclasses import replace

from engine.session.state import ClusterState
from engine.vocabulary.running.process import ProcessId, ProcessPhase
from engine.vocabulary.worker import WorkerId
from tests.fakes.states import cluster_states as states


def with_remote_workers(
    *, keeps: bool, phase: ProcessPhase = ProcessPhase.READY, names: tuple[str, ...] = ("lab-02",)
) -> ClusterState:
    """One more worker on each of these machines."""
    state = states.ready()
    worker = next(process for process in state.processes if process.worker_ids)
    there = tuple(
        replace(
            worker,
            id=ProcessId(f"rpc-server {name}"),
            worker_ids=(WorkerId(f"{name}/cpu"),),
            machine_name=name,
            keeps_running=keeps,
            phase=phase,
        )
        for name in names
    )
    return replace(state, processes=(*state.processes, *there))
