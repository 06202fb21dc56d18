"""The steps of a recovery, from state to state: broke, everything stopped, decided, tried again, back. Pure.

::

    run broke -> STOPPING -> (mode ask: ASKING) -> WAITING -> STARTING -> back: NONE
                    ^                                            |
                    +----------------- broke again --------------+

A machine that is there again (``go_back``) enters at STOPPING too, without a fault and so without a question.

Stop and Close end it at any step, as they end a run: nothing of it is wanted any more, and what still runs is stopped.
"""

from __future__ import annotations

from dataclasses import replace

from engine.session.recovering.cures import next_cure, with_cure
from engine.session.recovering.faults import crashed_by_itself, explains_more, fault_of
from engine.session.recovering.go_back import gone_back, missed_by
from engine.session.recovering.leave_out import with_strikes
from engine.session.recovering.patience import (
    MOST_PORTS_TAKEN,
    SERVED_WELL_SECONDS,
    breaks_too_often,
    is_hopeless,
    is_own_doing,
    pause_seconds,
    within_window,
)
from engine.session.recovering.told import absent_machines, given_up, names_left_out, what_is_missing
from engine.session.reducing.planned.measured_before import plan_key
from engine.session.reducing.planned.replan import replanned
from engine.session.reducing.processes_seen import alive
from engine.session.reducing.reduce_remote import with_machines
from engine.session.state import ClusterState, ProcessSeen, RunPhase
from engine.vocabulary.plan import Plan
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.problem import Problem
from engine.vocabulary.running.recovery import Cure, Recovered, Recovery, RecoveryMode, RecoveryStep, RunBefore
from engine.vocabulary.running.throughput import RequestTimings

MAX_PROBLEMS = 20
KEPT_RECOVERIES = 100
"""A service that runs for weeks comes back thousands of times, and its state is published twice a second."""

_ADVICE = {
    RecoveryMode.AUTOMATIC: "What is left of the run is stopped and started again.",
    RecoveryMode.ASK: "What is left of the run is stopped; say whether it shall start again.",
}


def broke(state: ClusterState, problem: Problem | None, process: ProcessSeen | None = None) -> ClusterState:
    """Something that the run needs is gone, or does not move. ``process``: the one that ended, if one did.

    Under the mode *never*, or when another start could only end the same way, the run has failed.
    """
    if not state.run_wanted:
        return state
    fault = fault_of(state, problem, process)
    if state.recovery.step not in (RecoveryStep.NONE, RecoveryStep.STARTING):
        return settled(_with_better_cause(state, fault, problem, crashed=crashed_by_itself(problem, process)))
    if _is_only_a_port(state, fault):
        return _port_taken(state)
    outcome = None if process is None else process.outcome
    crashed = crashed_by_itself(problem, process)
    mode, served = state.choices.recovery, _has_served(state)
    curable = _cure_of(state, state.recovery, fault, crashed=crashed) is not None
    hopeless = is_hopeless(fault, problem, outcome, ever_served=served) and not curable
    if state.closing or mode is RecoveryMode.NEVER or hopeless:
        return failed(_with_problem(state, problem))
    state = _with_problem(state, None if problem is None else replace(problem, advice=_ADVICE[mode]))
    return settled(_begun(state, fault, problem, crashed=crashed))


def settled(state: ClusterState) -> ClusterState:
    """Decide, if a recovery waits for the last process to end and it has."""
    if state.recovery.step is not RecoveryStep.STOPPING or alive(state):
        return state
    return _decided(state)


def try_again(state: ClusterState) -> ClusterState:
    """The pause is over, or the person said now: launch on what is left."""
    recovery = state.recovery
    if recovery.step not in (RecoveryStep.WAITING, RecoveryStep.ASKING) or alive(state):
        return state
    if not isinstance(state.plan, Plan):
        return _waits(replace(state, recovery=replace(recovery, attempt=recovery.attempt + 1)))
    if recovery.step is RecoveryStep.WAITING and recovery.missing and state.choices.recovery is RecoveryMode.ASK:
        return _asks(state)
    return replace(
        state,
        n_launches=state.n_launches + 1,
        run=None,
        run_phase=RunPhase.STARTING_WORKERS,
        processes=(),
        recovery=replace(recovery, step=RecoveryStep.STARTING, next_try_at_seconds=None, missing=""),
    )


def go_back(state: ClusterState) -> ClusterState:
    """Somebody said so, or nobody needs the run just now: what was lost and is there again is used again."""
    return settled(gone_back(state, _run_before(state)))


def is_back(state: ClusterState) -> ClusterState:
    """llama-server answers again: what broke is no problem any more, and what it cost is known."""
    recovery, run = state.recovery, state.run
    if recovery.step is not RecoveryStep.STARTING or run is None:
        return state
    problems = tuple(problem for problem in state.problems if problem.advice not in _ADVICE.values())
    missed = missed_by(recovery, run.plan)
    done = replace(recovery, step=RecoveryStep.NONE, missing="", quiet=False, n_ports_taken=0, missed=missed)
    if not recovery.quiet:
        history = (*recovery.history, _recovered(state, recovery, run.plan))
        n_forgotten = recovery.n_forgotten + len(history[:-KEPT_RECOVERIES])
        done = replace(done, history=history[-KEPT_RECOVERIES:], n_forgotten=n_forgotten)
    return replace(state, recovery=done, problems=problems)


def measured(state: ClusterState) -> ClusterState:
    """The standard request was answered: the newest entry of the history has a measured speed now."""
    history, run = state.recovery.history, state.run
    if not history or run is None or run.benchmark is None:
        return state
    last = replace(history[-1], decode_after=run.benchmark.decode_tokens_per_second, after_is_measured=True)
    return replace(state, recovery=replace(state.recovery, history=(*history[:-1], last)))


def failed(state: ClusterState) -> ClusterState:
    """The run cannot go on; what still runs will be stopped by ``reconcile``."""
    if not state.run_wanted:
        return state
    return ended(replace(state, run_wanted=False, run_phase=RunPhase.FAILED))


def ended(state: ClusterState) -> ClusterState:
    """Nothing is wanted any more: the next launch plans with everything again."""
    before = state.recovery
    if before == Recovery():
        return state
    state = replace(state, recovery=Recovery(history=before.history, n_forgotten=before.n_forgotten))
    return replanned(with_machines(state)) if before.changes_plan else state


def _begun(state: ClusterState, fault: Fault, problem: Problem | None, *, crashed: bool) -> ClusterState:
    now = state.now_seconds
    recovery = state.recovery
    own = is_own_doing(fault, crashed=crashed)
    if _served_seconds(state) >= (SERVED_WELL_SECONDS if own else 0.0):
        recovery = replace(recovery, attempt=0, strikes=())
    faults = within_window(recovery.faults_at_seconds, now)
    fresh = recovery.step is RecoveryStep.NONE
    recovery = replace(
        recovery,
        step=RecoveryStep.STOPPING,
        quiet=False,
        fault=fault,
        crashed=crashed,
        happened="" if problem is None else problem.happened,
        began_at_seconds=now if fresh or recovery.quiet else recovery.began_at_seconds,
        attempt=recovery.attempt + 1,
        before=_run_before(state) if fresh or recovery.before is None else recovery.before,
        faults_at_seconds=(*faults, now) if own else faults,
    )
    return replace(state, run_phase=RunPhase.RECOVERING, recovery=recovery)


def _with_better_cause(state: ClusterState, fault: Fault, problem: Problem | None, *, crashed: bool) -> ClusterState:
    """What ends, or is found out, while everything is stopped or waits may explain why: it is decided anew then."""
    recovery = state.recovery
    if recovery.fault is None or recovery.quiet or problem is None or not explains_more(fault, recovery.fault):
        return state
    told = [other for other in state.problems if other.happened != recovery.happened]
    problem = replace(problem, advice=_ADVICE.get(state.choices.recovery, problem.advice))
    recovery = replace(recovery, step=RecoveryStep.STOPPING, fault=fault, happened=problem.happened, crashed=crashed)
    return replace(state, problems=(*told, problem), recovery=recovery)


def _is_only_a_port(state: ClusterState, fault: Fault) -> bool:
    return fault.cause is FaultCause.PORT_TAKEN and state.recovery.n_ports_taken < MOST_PORTS_TAKEN and not state.closing


def _port_taken(state: ClusterState) -> ClusterState:
    """Not worth telling, under any mode: the next start takes other ports."""
    recovery = state.recovery
    quiet = recovery.step is RecoveryStep.NONE or recovery.quiet
    recovery = replace(
        recovery,
        step=RecoveryStep.STOPPING,
        quiet=quiet,
        fault=Fault(cause=FaultCause.PORT_TAKEN),
        crashed=False,
        n_ports_taken=recovery.n_ports_taken + 1,
        began_at_seconds=state.now_seconds if quiet else recovery.began_at_seconds,
    )
    return settled(replace(state, run_phase=RunPhase.RECOVERING, recovery=recovery))


def _decided(state: ClusterState) -> ClusterState:
    """Everything has ended: what is changed, and when it starts again."""
    recovery = state.recovery
    if recovery.fault is not None and recovery.fault.cause is FaultCause.PORT_TAKEN:
        recovery = replace(recovery, step=RecoveryStep.WAITING, next_try_at_seconds=state.now_seconds)
        return replace(state, recovery=recovery)
    if breaks_too_often(recovery.faults_at_seconds):
        return _given_up(state)
    state = _adjusted(state)
    if state.choices.recovery is RecoveryMode.ASK and isinstance(state.plan, Plan) and recovery.fault is not None:
        return _asks(state)
    return _waits(state)


def _asks(state: ClusterState) -> ClusterState:
    return replace(state, recovery=replace(state.recovery, step=RecoveryStep.ASKING, next_try_at_seconds=None, missing=""))


def _adjusted(state: ClusterState) -> ClusterState:
    """A cure where one is known, else a strike against who was the cause; the plan on what is left then."""
    before, fault = state.recovery, state.recovery.fault or Fault(cause=FaultCause.UNKNOWN)
    cure = None if _may_be_chance(before) else _cure_of(state, before, fault, crashed=before.crashed)
    if cure is None:
        recovery = with_strikes(before, fault, crashed=before.crashed)
    else:
        recovery = with_cure(before, cure, fault, state.offers)
    adjusted = _planned_with(state, recovery)
    if isinstance(adjusted.plan, Plan) or recovery.left_out == before.left_out:
        return adjusted
    return _planned_with(state, replace(recovery, left_out=before.left_out))  # nothing fits without it: try with it


def _may_be_chance(recovery: Recovery) -> bool:
    """A first crash of a run that had served: what it did then worked before, and the cures for crashes cost speed for as long
    as the run lasts (without flash attention 116 to 152 of 280 tokens/s, seen with a small model)."""
    served = recovery.before is not None and recovery.before.served
    return recovery.crashed and served and len(recovery.faults_at_seconds) < 2


def _planned_with(state: ClusterState, recovery: Recovery) -> ClusterState:
    return replanned(with_machines(replace(state, recovery=recovery)))


def _cure_of(state: ClusterState, recovery: Recovery, fault: Fault, *, crashed: bool) -> Cure | None:
    return next_cure(fault, recovery, state.choices.shape, state.server_options, crashed=crashed)


def _waits(state: ClusterState) -> ClusterState:
    """Until the next start; given up when there were enough of them."""
    recovery = state.recovery
    pause = pause_seconds(recovery.attempt)
    missing = what_is_missing(state)
    if pause is None or (missing and not absent_machines(state)):
        return _given_up(replace(state, recovery=replace(recovery, missing=missing)))
    waiting = replace(recovery, step=RecoveryStep.WAITING, missing=missing, next_try_at_seconds=state.now_seconds + pause)
    return replace(state, recovery=waiting)


def _given_up(state: ClusterState) -> ClusterState:
    problem = given_up(state)
    return failed(replace(state, problems=(*state.problems, problem)))


def _recovered(state: ClusterState, recovery: Recovery, plan: Plan) -> Recovered:
    before = recovery.before or RunBefore(plan=plan, served=False)
    same, was_measured = plan_key(before.plan) == plan_key(plan), before.timings is not None
    decode_before = _decode_of(before.plan, before.timings)
    return Recovered(
        happened=recovery.happened,
        seconds=max(0.0, state.now_seconds - recovery.began_at_seconds),
        n_workers=len(plan.used_workers),
        n_workers_before=len(before.plan.used_workers),
        same_plan=same,
        decode_before=decode_before,
        before_is_measured=was_measured,
        decode_after=decode_before if same else plan.predicted.decode_tokens_per_second,
        after_is_measured=same and was_measured,
        left_out=names_left_out(state),
        cures=tuple(cure for cure in recovery.cures if cure not in before.cures),
    )


def _run_before(state: ClusterState) -> RunBefore | None:
    run, cures = state.run, state.recovery.cures
    if run is None:
        return RunBefore(plan=state.plan, served=False, cures=cures) if isinstance(state.plan, Plan) else None
    served = run.ready_after_seconds is not None
    return RunBefore(plan=run.plan, served=served, timings=run.benchmark, record_id=run.record_id, cures=cures)


def _has_served(state: ClusterState) -> bool:
    """Whether this launch ever did."""
    recovery = state.recovery
    before = recovery.before is not None and recovery.before.served
    return before or bool(recovery.history) or (state.run is not None and state.run.ready_after_seconds is not None)


def _served_seconds(state: ClusterState) -> float:
    """For how long it has served; negative when it does not yet."""
    run = state.run
    if run is None or run.ready_after_seconds is None:
        return -1.0
    return max(0.0, state.now_seconds - run.started_at_seconds - run.ready_after_seconds)


def _decode_of(plan: Plan, timings: RequestTimings | None) -> float | None:
    return plan.predicted.decode_tokens_per_second if timings is None else timings.decode_tokens_per_second


def _with_problem(state: ClusterState, problem: Problem | None) -> ClusterState:
    if problem is None or problem in state.problems:
        return state
    return replace(state, problems=(*state.problems, problem)[-MAX_PROBLEMS:])
