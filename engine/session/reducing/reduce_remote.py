"""Events of remote machines. One takes part in plans while it is ``READY`` for the coordinator's build, and only then."""

from __future__ import annotations

from dataclasses import replace

from engine.session import remote_events
from engine.session.recovering.leave_out import is_back
from engine.session.reducing.planned.replan import replanned
from engine.session.remotes import RemoteSeen
from engine.session.state import ClusterState
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.remote import RemotePhase, SshTarget
from engine.vocabulary.running.problem import Problem, ProblemKind


def machine_turned(state: ClusterState, event: remote_events.MachineTurned) -> ClusterState:
    """It is in another phase now. A word about a machine that is no longer wanted is dropped."""
    if event.target not in state.choices.targets:
        return state
    seen = find_remote(state, event.target) or RemoteSeen(target=event.target)
    before = seen.takes_part(state.runtime)
    problem = seen.problem if event.phase is RemotePhase.CONNECTING else event.problem  # why it is tried again
    seen = replace(seen, phase=event.phase, question=event.question, problem=problem)
    state = _with_remote(state, seen)
    return state if before == seen.takes_part(state.runtime) else replanned(with_machines(state))


def remote_looked(state: ClusterState, event: remote_events.RemoteLooked) -> ClusterState:
    """It was looked at: ready, or without a llama.cpp that may work with ours. One that is already there by another name is
    refused: its memory must not be planned twice."""
    if event.target not in state.choices.targets:
        return state
    phase = RemotePhase.NO_RUNTIME if event.look.usable is None else RemotePhase.READY
    seen = find_remote(state, event.target) or RemoteSeen(target=event.target)
    twin = _same_machine(state, seen, event)
    problem = None if twin is None else _is_the_same(event.target, twin)
    seen = replace(
        seen,
        phase=phase if problem is None else RemotePhase.REFUSED,
        question=None,
        problem=problem,
        look=event.look,
        dialect=event.dialect,
        looked_for_runtime=event.looked_for_runtime,
    )
    state = replace(state, recovery=is_back(state.recovery, event.target.machine_id))
    return replanned(with_machines(_with_remote(state, seen)))


def link_measured(state: ClusterState, event: remote_events.LinkMeasured) -> ClusterState:
    """How fast it is reached is known now."""
    seen = find_remote(state, event.target)
    if seen is None:
        return state
    return replanned(_with_remote(state, replace(seen, link=event.link, link_measured_at_seconds=state.now_seconds)))


def machine_forgotten(state: ClusterState, event: remote_events.MachineForgotten) -> ClusterState:
    """It is off the list."""
    if event.target in state.choices.targets:
        return state  # added again meanwhile
    remotes = tuple(remote for remote in state.remotes if remote.target != event.target)
    loads = tuple(pair for pair in state.loads if pair[0] != event.target.machine_id)
    return replanned(with_machines(replace(state, remotes=remotes, loads=loads)))


def finding_progressed(state: ClusterState, event: remote_events.FindingProgressed) -> ClusterState:
    """The search got further."""
    found = state.finding.found if event.found is None else event.found
    finding = replace(state.finding, running=event.running, fraction=event.fraction, detail=event.detail, found=found)
    return replace(state, finding=finding)


def tunnel_carried(state: ClusterState, event: remote_events.TunnelCarried) -> ClusterState:
    """More went to a machine."""
    if state.run is None:
        return state
    sent = dict(state.run.sent) | {event.machine_id: event.sent_bytes}
    return replace(state, run=replace(state.run, sent=tuple(sorted(sent.items()))))


def find_remote(state: ClusterState, target: SshTarget) -> RemoteSeen | None:
    """A remote machine by how it is addressed."""
    return next((remote for remote in state.remotes if remote.target == target), None)


def _with_remote(state: ClusterState, seen: RemoteSeen) -> ClusterState:
    if find_remote(state, seen.target) is None:
        return replace(state, remotes=(*state.remotes, seen))
    return replace(state, remotes=tuple(seen if old.target == seen.target else old for old in state.remotes))


def with_machines(state: ClusterState) -> ClusterState:
    """This machine first, then those remote machines that take part and are not lost to the run, in the order in which they
    were added."""
    own = tuple(machine for machine in state.machines if machine.id == THIS_MACHINE)
    ready = tuple(
        remote.look.machine
        for remote in state.remotes
        if remote.look and remote.takes_part(state.runtime) and remote.id not in state.recovery.lost
    )
    return replace(state, machines=(*own, *ready))


def _same_machine(state: ClusterState, seen: RemoteSeen, event: remote_events.RemoteLooked) -> str | None:
    """The name under which the machine is already there."""
    identity = event.look.facts.identity
    own = next((machine for machine in state.machines if machine.id == THIS_MACHINE), None)
    if own is not None and own.system_id is not None and own.system_id == identity.system_id:
        return _name_if_same_host(own.name, event.look.machine.name)
    for other in state.remotes:
        counts = other.target != seen.target and other.phase is not RemotePhase.REFUSED
        if counts and other.look and other.look.facts.identity == identity:
            return other.name
    return None


def _name_if_same_host(own_name: str, name: str) -> str | None:
    """Cloned disks share the machine id; this machine's host key is not known, so its name has to agree too."""
    return "this machine" if own_name == name else None


def _is_the_same(target: SshTarget, twin: str) -> Problem:
    return Problem(
        kind=ProblemKind.MACHINE,
        where=target.text,
        happened=f"{target.text} is a machine that is already here: {twin}.",
        advice="Remove one of the two: its memory can be used only once.",
    )
