"""Events that change what is planned with: machines, runtimes, models, choices, measured speeds. Each ends in a new plan."""

from __future__ import annotations

from dataclasses import replace

from engine.session import events
from engine.session.reducing.planned.replan import replanned, replanned_column
from engine.session.reducing.reduce_remote import with_machines
from engine.session.reducing.watching import with_readings
from engine.session.state import ClusterState, RuntimePhase
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.runtime import Runtime


def machine_looked(state: ClusterState, event: events.MachineLooked) -> ClusterState:
    """A machine was looked at: it is new, or replaces what was known of it."""
    others = tuple(machine for machine in state.machines if machine.id != event.machine.id)
    return replanned(replace(state, machines=(event.machine, *others)))


def load_sampled(state: ClusterState, event: events.LoadSampled) -> ClusterState:
    """What a machine is doing now. Does not re-plan: a plan must not change under a person's eyes every second."""
    here = event.load.machine_id == THIS_MACHINE
    if not here and not any(remote.id == event.load.machine_id for remote in state.remotes):
        return state  # a late word of a machine that was removed
    loads = tuple(pair for pair in state.loads if pair[0] != event.load.machine_id)
    state = replace(
        state,
        loads=(*loads, (event.load.machine_id, event.load)),
        now_seconds=event.load.taken_at_seconds if here else state.now_seconds,
    )
    return with_readings(state) if here else state


def runtimes_found(state: ClusterState, event: events.RuntimesFound) -> ClusterState:
    """The search for llama.cpp programs ended. Remote machines were compared with the build that was in use until now."""
    phase = RuntimePhase.MISSING if event.runtime is None else RuntimePhase.READY
    if not _is_same_build(state.runtime, event.runtime):
        state = replace(state, variants=())  # with what they measured: that was the other build
    state = replace(
        state,
        runtimes=event.runtimes,
        runtime=event.runtime,
        dialect=event.dialect,
        server_options=event.server_options,
        runtime_phase=phase,
    )
    return replanned(with_machines(state))


def _is_same_build(before: Runtime | None, now: Runtime | None) -> bool:
    if before is None or now is None:
        return before is now
    return (before.id, before.build_number, before.commit) == (now.id, now.build_number, now.commit)


def models_listed(state: ClusterState, event: events.ModelsListed) -> ClusterState:
    """More models were found, or all were. A new search does not take away what the last one found until it has ended."""
    models = event.models if event.finished or len(event.models) >= len(state.models_found) else state.models_found
    return replace(state, models_found=models, models_searched=event.finished or state.models_searched)


def recent_files_listed(state: ClusterState, event: events.RecentFilesListed) -> ClusterState:
    """The files that were used last. The first time this is said, the last session's file is open again."""
    return replace(state, recent_models=event.models, recent_clusters=event.clusters, files_restored=True)


def document_changed(state: ClusterState, event: events.DocumentChanged) -> ClusterState:
    """A cluster file was opened or saved."""
    return replace(state, document=replace(event.document, n_failed_saves=state.document.n_failed_saves))


def save_failed(state: ClusterState, _event: events.SaveFailed) -> ClusterState:
    """A cluster file was not saved."""
    return replace(state, document=replace(state.document, n_failed_saves=state.document.n_failed_saves + 1))


def model_read(state: ClusterState, event: events.ModelRead) -> ClusterState:
    """A model's header was read; a slow answer about a model that is no longer chosen is dropped."""
    if event.path != state.choices.model_path:
        return state
    if event.model != state.model:  # another file under the same name: what was measured was the last one
        state = replace(state, variants=(), model_hash="")
    return replanned(replace(state, model=event.model, model_problem=None))


def model_refused(state: ClusterState, event: events.ModelRefused) -> ClusterState:
    """The chosen file is no usable model."""
    if event.path != state.choices.model_path:
        return state
    return replanned(replace(state, model=None, model_problem=event.problem))


def choices_changed(state: ClusterState, event: events.ChoicesChanged) -> ClusterState:
    """The person chose something."""
    if event.choices.model_path != state.choices.model_path:
        # Without its hash too: until the history is read for the next file, no run of the last one is a run of it.
        state = replace(state, model=None, model_problem=None, model_hash="")
    if event.choices.lan_addresses != state.choices.lan_addresses:
        state = replace(state, document=replace(state.document, exposure_answered=True))
    before, now = state.choices, event.choices
    only_split = replace(now, given=before.given) == before
    only_column = replace(now, policy=before.policy, layout=before.layout, given=before.given) == before
    state = replace(state, choices=now)
    if only_split or (only_column and not state.n_launches):  # a run leaves speeds behind, which another column then counts
        return replanned_column(state, other_layout=now.layout is not before.layout)
    return replanned(state)


def speeds_measured(state: ClusterState, event: events.SpeedsMeasured) -> ClusterState:
    """A calibration ended: its speeds replace older ones of the same workers."""
    speeds = dict(state.speeds) | dict(event.speeds)
    known = {worker: speed for worker, speed in speeds.items() if speed is not None}
    return replanned(replace(state, speeds=tuple(sorted(known.items(), key=lambda pair: pair[0]))))
