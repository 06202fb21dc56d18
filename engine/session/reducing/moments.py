"""Which moments an event was, seen from the states before and after it. Pure.

In one place and not in each handler: a moment is what *changed* for a person, whichever event brought it about.
"""

from __future__ import annotations

from dataclasses import replace

from engine.cluster.phases import ENDED
from engine.session.recovering.told import duration
from engine.session.state import ClusterState, ProcessSeen, RunPhase
from engine.session.watched import MOST_MOMENTS, Moment, MomentKind
from engine.vocabulary.remote import RemotePhase
from engine.vocabulary.running.process import ProcessPhase

LONGEST_SUBJECT = 60

_OF_PHASE = {RunPhase.READY: MomentKind.READY, RunPhase.FAILED: MomentKind.FAILED, RunPhase.STOPPED: MomentKind.STOPPED}


def with_moments(before: ClusterState, after: ClusterState) -> ClusterState:
    """``after``, with what happened between the two noted at its ``now_seconds``."""
    if before is after:
        return after
    new = (*_of_run(before, after), *_of_processes(before, after), *_of_machines(before, after), *_of_answer(before, after))
    if not new:
        return after
    kept = (*after.watched.moments, *new)[-MOST_MOMENTS:]
    return replace(after, watched=replace(after.watched, moments=kept))


def _of_run(before: ClusterState, after: ClusterState) -> list[Moment]:
    found = []
    recovered = after.recovery.n_recovered - before.recovery.n_recovered
    if recovered > 0:  # instead of "ready"
        found.append(_moment(after, MomentKind.RECOVERED, duration(after.recovery.history[-1].seconds)))
    elif after.n_launches > before.n_launches and before.run_phase is RunPhase.RECOVERING:
        pass  # it is the same service to whoever looks at it
    elif after.n_launches > before.n_launches:
        found.append(_moment(after, MomentKind.LAUNCHED))
    elif after.run_phase is not before.run_phase and after.run_phase in _OF_PHASE:
        found.append(_moment(after, _OF_PHASE[after.run_phase]))
    measured_before = before.run is not None and before.run.benchmark is not None
    serves = after.run_phase is RunPhase.READY
    if serves and after.run is not None and after.run.benchmark is not None and not measured_before:
        found.append(_moment(after, MomentKind.MEASURED))
    return found


def _of_processes(before: ClusterState, after: ClusterState) -> list[Moment]:
    """Those that nobody asked to end."""
    if before.processes is after.processes:
        return []
    phases = {process.id: process.phase for process in before.processes}
    return [
        _moment(after, MomentKind.ENDED, _title_of(process), process.machine_name)
        for process in after.processes
        if process.phase is ProcessPhase.FAILED and phases.get(process.id) not in ENDED
    ]


def _title_of(process: ProcessSeen) -> str:
    return process.title[:LONGEST_SUBJECT]


def _of_machines(before: ClusterState, after: ClusterState) -> list[Moment]:
    """Links of machines in the run that broke, or are there again. One that is tried in vain every 30 s broke once."""
    if before.remotes is after.remotes or after.run is None:
        return []
    taking_part = {server.machine_id for server in after.run.servers}
    found = []
    for remote in after.remotes:
        lost = _lost_last(after, remote.name)
        if remote.id not in taking_part and not lost:
            continue
        if remote.phase is RemotePhase.UNREACHABLE and not lost:
            found.append(_moment(after, MomentKind.LOST, remote.name[:LONGEST_SUBJECT], remote.name))
        if remote.phase is RemotePhase.READY and lost:
            found.append(_moment(after, MomentKind.BACK, remote.name[:LONGEST_SUBJECT], remote.name))
    return found


def _lost_last(state: ClusterState, name: str) -> bool:
    """Between lost and ready a machine goes through other phases, so the last moment of it is asked."""
    kinds = (MomentKind.LOST, MomentKind.BACK)
    last = next((m for m in reversed(state.watched.moments) if m.kind in kinds and m.machine_name == name), None)
    return last is not None and last.kind is MomentKind.LOST


def _of_answer(before: ClusterState, after: ClusterState) -> list[Moment]:
    answer = after.answer
    if answer is None or answer is before.answer or answer.text or answer.finished:
        return []
    return [_moment(after, MomentKind.ASKED, " ".join(answer.prompt.split())[:LONGEST_SUBJECT])]


def _moment(state: ClusterState, kind: MomentKind, subject: str = "", machine_name: str = "") -> Moment:
    return Moment(at_seconds=state.now_seconds, kind=kind, subject=subject, machine_name=machine_name)
