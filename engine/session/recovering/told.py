"""What is said about a recovery: what broke, what is done, what is missing, what it cost. Pure; the terminal and the run file
use these sentences, the window has its own in the language of the person.
"""

from __future__ import annotations

from engine.planning.words.amounts import amount
from engine.session.recovering.go_back import IDLE_SECONDS, better_plan, there_again
from engine.session.recovering.patience import WINDOW_SECONDS
from engine.session.state import ClusterState
from engine.vocabulary.machine import THIS_MACHINE, MachineId
from engine.vocabulary.plan import Plan, PlanRefused
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.recovery import Cure, Recovered, RecoveryMode, RecoveryStep

CURE_WORDS = {
    Cure.DIRECT_IO: "the model is read with direct I/O (--load-mode dio)",
    Cure.NO_FLASH_ATTENTION: "without flash attention",
    Cure.SMALLER_UBATCH: "with half the micro-batch (-ub)",
    Cure.MORE_MARGIN: "with more memory left free on the device that had none",
}

LEAST_DIFFERENCE = 0.05
"""Tokens per second: less is said to be the same."""


def what_goes_on(state: ClusterState) -> str:
    """One sentence about the recovery that goes on; empty when none does, or none that is worth telling."""
    recovery = state.recovery
    if not recovery.goes_on or recovery.quiet:
        return ""
    if recovery.step is RecoveryStep.STOPPING and recovery.fault is None:
        return f"{recovery.happened} The run is stopped to be started again{_on(state)}."
    if recovery.step is RecoveryStep.STOPPING:
        return "What is left of the run is being stopped."
    if recovery.step is RecoveryStep.ASKING:
        return f"{question(state)}?"
    if recovery.missing:
        return f"Waiting: {recovery.missing}"
    how = _how(state)
    if recovery.step is RecoveryStep.STARTING:
        return f"Starting again{how}."
    return f"It starts again{how}" + (f", attempt {recovery.attempt}." if recovery.attempt > 1 else ".")


def question(state: ClusterState) -> str:
    """``Go on with 3 workers, about 12.0 tokens/s``: what is asked under the mode *ask*."""
    plan = state.plan
    if not isinstance(plan, Plan):
        return "Go on"
    rate = plan.predicted.decode_tokens_per_second
    return f"Go on with {workers(len(plan.used_workers))}" + ("" if rate is None else f", about {rate:.1f} tokens/s")


def _how(state: ClusterState) -> str:
    """`` on 3 workers without gpu-node, without flash attention``."""
    recovery = state.recovery
    starts = state.run if recovery.step is RecoveryStep.STARTING else None  # a newer plan is not what is starting
    plan = state.plan if starts is None else starts.plan
    names = names_left_out(state)
    without = f" without {', '.join(names)}" if names else ""
    before = recovery.before.cures if recovery.before else ()
    cures = "".join(f", {CURE_WORDS[cure]}" for cure in recovery.cures if cure not in before)
    return f"{_on(state, plan)}{without}{cures}"


def _on(state: ClusterState, plan: Plan | PlanRefused | None = None) -> str:
    plan = plan or state.plan
    return f" on {workers(len(plan.used_workers))}" if isinstance(plan, Plan) else ""


def what_is_there_again(state: ClusterState) -> str:
    """One sentence about what was lost and could be used again now, and when it is; empty when there is nothing."""
    plan, run = better_plan(state), state.run
    if plan is None or run is None:
        return ""
    names = there_again(state)
    rate = plan.predicted.decode_tokens_per_second
    again = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} there again"
    faster = "" if rate is None else f" (about {rate:.1f} tokens/s with {'it' if len(names) == 1 else 'them'})"
    if state.choices.recovery is RecoveryMode.AUTOMATIC:
        return f"{again}{faster}: used as soon as nobody has asked anything for {duration(IDLE_SECONDS)}."
    return f"{again}{faster}: stop and start again to use {'it' if len(names) == 1 else 'them'}."


def what_it_cost(recovered: Recovered) -> str:
    """``Back in 41 s on 3 workers, 3.2 tokens/s less (measured 9.1, before 12.3).``"""
    again = "the same " if recovered.same_plan else ""
    without = f" without {', '.join(recovered.left_out)}" if recovered.left_out else ""
    cures = "".join(f", {CURE_WORDS[cure]}" for cure in recovered.cures)
    return (
        f"Back in {duration(recovered.seconds)} on {again}{workers(recovered.n_workers)}{without}{cures}{_slower(recovered)}."
    )


def _slower(recovered: Recovered) -> str:
    before, after = recovered.decode_before, recovered.decode_after
    if recovered.same_plan or before is None or after is None:
        return ""
    less = before - after
    figures = f"{_basis(measured=recovered.after_is_measured)} {after:.1f}, before {before:.1f}"
    if recovered.before_is_measured != recovered.after_is_measured:  # their difference is no figure
        return f", {figures} {_basis(measured=recovered.before_is_measured)}"
    if abs(less) < LEAST_DIFFERENCE:
        return f", as fast as before ({figures})"
    return f", {abs(less):.1f} tokens/s {'less' if less > 0 else 'more'} ({figures})"


def _basis(*, measured: bool) -> str:
    return "measured" if measured else "predicted"


def duration(seconds: float) -> str:
    """``0.8 s``, ``41 s``, ``2 min 5 s``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def workers(count: int) -> str:
    """``1 worker``, ``3 workers``."""
    return "1 worker" if count == 1 else f"{count} workers"


def absent_machines(state: ClusterState) -> dict[MachineId, str]:
    """Machines of the run that broke which cannot be planned with now: id -> name."""
    before = state.recovery.before
    if before is None:
        return {}
    here = {machine.id for machine in state.machines}
    offers = [worker.offer for worker in before.plan.workers]
    return {offer.machine_id: offer.machine_name for offer in offers if offer.machine_id not in here}


def names_left_out(state: ClusterState) -> tuple[str, ...]:
    """Machines that are away, and workers of this launch that are left out, for people."""
    absent = absent_machines(state)
    before = state.recovery.before
    offers = [worker.offer for worker in before.plan.workers] if before else []
    left = [offer for offer in offers if offer.id in state.recovery.left_out and offer.machine_id not in absent]
    return (*absent.values(), *(f"{offer.device_name} of {offer.machine_name}" for offer in left))


def what_is_missing(state: ClusterState) -> str:
    """Why nothing fits on what is left: how much is missing, and which machine has it. Empty when there is a plan."""
    if isinstance(state.plan, Plan):
        return ""
    reasons = state.plan.reasons if isinstance(state.plan, PlanRefused) else ("There is nothing left to plan with.",)
    before = state.recovery.before
    sentences = [reasons[0]]
    for machine_id, name in absent_machines(state).items():
        offers = [worker.offer for worker in before.plan.workers if worker.offer.machine_id == machine_id] if before else []
        sentences.append(f"{name} with {amount(sum(offer.safe_bytes for offer in offers))} is not reachable.")
    return " ".join(sentences)


def given_up(state: ClusterState) -> Problem:
    """The refusal: why it is not started again."""
    recovery = state.recovery
    last = f" The last fault: {recovery.happened}" if recovery.happened else ""
    if recovery.missing:
        happened, advice = f"The run cannot go on. {recovery.missing}{last}", "Bring back what is missing, then launch again."
    else:
        happened = f"{_in_vain(state)}{last}"
        advice = "Look at the log of what broke, then launch again."
    return Problem(kind=ProblemKind.WORKER, where=_where(state), happened=happened, advice=advice, fault=recovery.fault)


def _in_vain(state: ClusterState) -> str:
    recovery = state.recovery
    if recovery.attempt > 1:
        took = duration(state.now_seconds - recovery.began_at_seconds)
        return f"The run was started again {recovery.attempt - 1} times, broke each time, and is given up after {took}."
    n_faults = len(recovery.faults_at_seconds)
    return f"The run crashed {n_faults} times within {duration(WINDOW_SECONDS)} and is not started again."


def _where(state: ClusterState) -> str:
    fault = state.recovery.fault
    machine_id = THIS_MACHINE if fault is None or fault.machine_id is None else fault.machine_id
    return absent_machines(state).get(machine_id, str(machine_id))
