"""What all cards look up: whose mark, whose share of the plan, whose workers and processes. Worked out once per plan, offers
and processes, and not once per machine: with 200 machines that was a walk of 100,000 steps, ten times a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.planning.costs.cost_model import decode_seconds, share_seconds
from engine.session.state import ClusterState, ProcessSeen, RunPhase
from engine.vocabulary.plan import Plan, PlannedWorker, PlanRefused
from engine.vocabulary.remote import SshTarget
from engine.vocabulary.running.process import ProcessPhase
from engine.vocabulary.worker import WorkerId, WorkerOffer
from gui.what_to_show.kept import kept
from gui.what_to_show.worker_marks import WorkerMark, marks_of


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeShare:
    """What a worker takes of the time that one generated token takes, by the cost model."""

    seconds: float
    fraction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Looked up by worker or by machine."""

    marks: Mapping[WorkerId, WorkerMark]
    planned: Mapping[WorkerId, PlannedWorker]
    plan: Plan | None
    is_run: bool
    """It is a run's, which other choices change no more."""
    time_shares: Mapping[WorkerId, TimeShare]
    """Of used workers; empty when the speed of any of them is not known."""
    offers: Mapping[str, tuple[WorkerOffer, ...]]
    """By machine."""
    phases: Mapping[str, frozenset[ProcessPhase]]
    """Of the rpc-servers of a machine; a machine without any is not in here."""
    targets: frozenset[SshTarget]
    """Machines over the network that are wanted: one that is not is being let go of."""

    def runs_on(self, worker_id: WorkerId) -> bool:
        """Whether the run that is drawn has layers on it: also when it was switched off meanwhile."""
        worker = self.planned.get(worker_id)
        return self.is_run and worker is not None and worker.used

    def is_wanted(self, target: SshTarget) -> bool:
        """Whether the person still wants that machine."""
        return target in self.targets


def shown_plan(state: ClusterState) -> Plan | None:
    """The plan whose placement is drawn: the run's while there is one to speak of, else the one on the table."""
    if state.run is not None and state.run_phase not in (RunPhase.STOPPED, RunPhase.FAILED, RunPhase.RECOVERING):
        return state.run.plan
    return state.plan if isinstance(state.plan, Plan) else None


def plan_of_figures(state: ClusterState) -> Plan | None:
    """Whose prediction and model stand beside what was measured: that run's own, whatever plan is on the table by now."""
    run = state.run
    if run is not None and (run.benchmark is not None or state.throughput):
        return run.plan
    return shown_plan(state)


def placed_of(state: ClusterState) -> Placed:
    """Everything that cards look up."""
    plan = shown_plan(state)
    return Placed(
        marks=marks_of(state),
        planned=_planned_by_worker(_drawn_workers(state, plan)),
        plan=plan,
        is_run=state.run is not None and plan is state.run.plan,
        time_shares=time_shares_of(plan),
        offers=_offers_by_machine(state.offers),
        phases=_phases_by_machine(state.processes),
        targets=_set_of(state.choices.targets),
    )


@kept
def time_shares_of(plan: Plan | None) -> Mapping[WorkerId, TimeShare]:
    """Of every worker that the plan uses; empty when the speed of any of them is not known."""
    if plan is None:
        return {}
    whole = decode_seconds(plan.workers, plan.model, plan.shape)
    if not whole:
        return {}
    shares = {worker.id: share_seconds(worker, plan.model, plan.shape) for worker in plan.used_workers}
    return {
        worker: TimeShare(seconds=seconds, fraction=seconds / whole)
        for worker, seconds in shares.items()
        if seconds is not None
    }


def _drawn_workers(state: ClusterState, plan: Plan | None) -> tuple[PlannedWorker, ...]:
    """The plan's; of a split that a person made and that does not fit those that were wished for."""
    if plan is not None:
        return plan.workers
    return state.plan.wished if isinstance(state.plan, PlanRefused) else ()


@kept
def _planned_by_worker(workers: tuple[PlannedWorker, ...]) -> Mapping[WorkerId, PlannedWorker]:
    return {worker.id: worker for worker in workers}


@kept
def _offers_by_machine(offers: tuple[WorkerOffer, ...]) -> Mapping[str, tuple[WorkerOffer, ...]]:
    found: dict[str, list[WorkerOffer]] = {}
    for offer in offers:
        found.setdefault(offer.machine_id, []).append(offer)
    return {machine: tuple(members) for machine, members in found.items()}


@kept
def _set_of(targets: tuple[SshTarget, ...]) -> frozenset[SshTarget]:
    return frozenset(targets)


@kept
def _phases_by_machine(processes: tuple[ProcessSeen, ...]) -> Mapping[str, frozenset[ProcessPhase]]:
    found: dict[str, set[ProcessPhase]] = {}
    for process in processes:
        for worker in process.worker_ids:
            found.setdefault(worker.rpartition("/")[0], set()).add(process.phase)
    return {machine: frozenset(phases) for machine, phases in found.items()}
