"""Going back to a machine that a run lost and that is there again. Pure.

A run that goes on without a machine is slower, or has less room, than it could be. What serves is not interrupted for it:
under the mode *automatic* the run starts anew with the machine when nobody has asked anything for a while (the API's address
stays, requests wait meanwhile), under *ask* when the person says so. Rejected: to go back at once (an answer would break off,
and a cable with a bad plug would cost two restarts every time).
"""

from __future__ import annotations

from dataclasses import replace

from engine.session.recovering.patience import within_window
from engine.session.state import ClusterState, RunPhase
from engine.vocabulary.machine import MachineId
from engine.vocabulary.plan import Plan, Policy
from engine.vocabulary.running.recovery import Recovery, RecoveryStep, RunBefore

LEAST_GAIN_FRACTION = 0.02
"""Less is not worth a start."""
IDLE_SECONDS = 30.0
"""So long nobody must have asked anything."""
CALM_SECONDS = 30.0
"""So long it must be there; twice as long after every further recovery of this launch."""
MOST_CALM_SECONDS = 600.0
_MOST_DOUBLINGS = 10
"""More than it takes to get there; 2 to the 1024th would be no float any more."""


def better_plan(state: ClusterState) -> Plan | None:
    """The plan that uses again what was lost, when it is worth a start: under the policy *fastest* by being faster, under
    the others by being what was chosen. ``None`` otherwise, and when other things were chosen meanwhile: a launch is the
    person's to ask for then."""
    run, plan = state.run, state.plan
    if not _serves_calmly(state) or run is None or not isinstance(plan, Plan) or not there_again(state):
        return None
    now, then = (plan.model.path, plan.policy, plan.layout), (run.plan.model.path, run.plan.policy, run.plan.layout)
    switched_off = {worker.id for worker in run.plan.workers} - {worker.id for worker in plan.workers}
    if now != then or plan.shape != run.plan.shape or switched_off:
        return None
    return plan if plan.policy is not Policy.FASTEST or _is_faster(plan, run.plan) else None


def _is_faster(plan: Plan, other: Plan) -> bool:
    """By so much that it is worth a start; where a speed is not known, more machines are taken for faster ones."""
    after, before = plan.predicted.decode_tokens_per_second, other.predicted.decode_tokens_per_second
    return after is None or before is None or after >= before * (1 + LEAST_GAIN_FRACTION)


def there_again(state: ClusterState) -> tuple[str, ...]:
    """Names of machines that the run lost and that the plan would use now."""
    if not isinstance(state.plan, Plan):
        return ()
    used = {worker.offer.machine_id: worker.offer.machine_name for worker in state.plan.used_workers}
    return tuple(used[machine_id] for machine_id in state.recovery.missed if machine_id in used)


def calm_seconds(recovery: Recovery) -> float:
    """For how long a machine must be there before it is gone back to."""
    doublings = min(max(0, recovery.n_recovered - 1), _MOST_DOUBLINGS)
    return min(MOST_CALM_SECONDS, CALM_SECONDS * 2.0**doublings)


def missed_by(recovery: Recovery, plan: Plan) -> tuple[MachineId, ...]:
    """Machines that some run of this launch had and ``plan``, which serves now, has not."""
    before = recovery.before
    known = recovery.missed if before is None else (*recovery.missed, *_machines_of(before.plan))
    return tuple(dict.fromkeys(machine_id for machine_id in known if machine_id not in _machines_of(plan)))


def gone_back(state: ClusterState, before: RunBefore | None) -> ClusterState:
    """The run is to be stopped, and started anew with what is there again; as it was when that is not worth it any more."""
    if better_plan(state) is None:
        return state
    names = ", ".join(there_again(state))
    recovery = replace(
        state.recovery,
        step=RecoveryStep.STOPPING,
        fault=None,
        crashed=False,
        quiet=False,
        happened=f"{names} {'is' if len(there_again(state)) == 1 else 'are'} there again.",
        began_at_seconds=state.now_seconds,
        attempt=1,
        before=before,
        faults_at_seconds=within_window(state.recovery.faults_at_seconds, state.now_seconds),
    )
    return replace(state, run_phase=RunPhase.RECOVERING, recovery=recovery)


def _serves_calmly(state: ClusterState) -> bool:
    return (
        state.run_wanted
        and state.run_phase is RunPhase.READY
        and state.recovery.step is RecoveryStep.NONE
        and not state.closing
    )


def _machines_of(plan: Plan) -> tuple[MachineId, ...]:
    return tuple(dict.fromkeys(worker.offer.machine_id for worker in plan.used_workers))
