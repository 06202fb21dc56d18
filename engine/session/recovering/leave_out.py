"""What the next start does without, and what is there again. Pure.

A machine that does not answer is left out until it was looked at anew. A worker that was merely killed on a machine that is
well is simply started again; one that crashes by itself or does not answer twice in a row is left out of this run.
"""

from __future__ import annotations

from dataclasses import replace

from engine.vocabulary.machine import THIS_MACHINE, MachineId
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.recovery import Recovery
from engine.vocabulary.worker import WorkerId

STRIKES = 2

_AT_ONCE = FaultCause.DEVICE_LOST
_OF_WORKER = (FaultCause.NEVER_ANSWERED, FaultCause.WORKER_OUT_OF_MEMORY, FaultCause.HANG)


def with_strikes(recovery: Recovery, fault: Fault, *, crashed: bool) -> Recovery:
    """The recovery after one more fault: counted against its worker or machine, which may now be left out."""
    if fault.machine_id not in (None, THIS_MACHINE) and fault.cause is FaultCause.HOST_SILENT:
        return _without_machine(recovery, fault.machine_id)
    if fault.cause is _AT_ONCE:
        return _without_workers(recovery, fault.worker_ids)
    no_tunnel = fault.cause is FaultCause.NEVER_ANSWERED and not fault.worker_ids
    if fault.machine_id is not None and (no_tunnel or fault.cause is FaultCause.CONNECTION_LOST):
        return _struck_machine(recovery, fault.machine_id)
    if not fault.worker_ids or not (crashed or fault.cause in _OF_WORKER):
        return recovery
    recovery, n_times = _struck(recovery, " ".join(fault.worker_ids))
    return _without_workers(recovery, fault.worker_ids) if n_times >= STRIKES else recovery


def is_back(recovery: Recovery, machine_id: MachineId) -> Recovery:
    """The recovery after a machine was looked at: it answers."""
    if machine_id not in recovery.lost:
        return recovery
    return replace(recovery, lost=tuple(other for other in recovery.lost if other != machine_id))


def _struck_machine(recovery: Recovery, machine_id: MachineId) -> Recovery:
    """A machine that answers our looks and yet carries no tunnel would be back at once, every time: then its workers go."""
    recovery, n_times = _struck(recovery, f"machine {machine_id}")
    if n_times < STRIKES:
        return recovery
    plan = recovery.before.plan if recovery.before else None
    if n_times == STRIKES or plan is None:
        return _without_machine(recovery, machine_id)
    workers = tuple(worker.id for worker in plan.workers if worker.offer.machine_id == machine_id)
    return _without_workers(recovery, workers)


def _struck(recovery: Recovery, subject: str) -> tuple[Recovery, int]:
    strikes = dict(recovery.strikes)
    strikes[subject] = strikes.get(subject, 0) + 1
    return replace(recovery, strikes=tuple(sorted(strikes.items()))), strikes[subject]


def _without_machine(recovery: Recovery, machine_id: MachineId | None) -> Recovery:
    if machine_id is None or machine_id in recovery.lost:
        return recovery
    return replace(recovery, lost=(*recovery.lost, machine_id))


def _without_workers(recovery: Recovery, workers: tuple[WorkerId, ...]) -> Recovery:
    new = tuple(worker for worker in workers if worker not in recovery.left_out)
    return replace(recovery, left_out=(*recovery.left_out, *new))
