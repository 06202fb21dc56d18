"""States of a run that broke: every step of its recovery, and after it."""

from __future__ import annotations

from dataclasses import replace

from engine.session.state import ClusterState, RunPhase
from engine.vocabulary.machine import MachineId
from engine.vocabulary.plan import Plan, PlannedWorker
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.recovery import Cure, Recovered, Recovery, RecoveryMode, RecoveryStep, RunBefore
from tests.fakes.states.cluster_pieces import CUDA_ID, NOW, timings
from tests.fakes.states.cluster_states import ready

HAPPENED = "The rpc-server for cuda:0 at 127.0.0.1:50053 ended by signal 6 (SIGABRT)."


def broken(step: RecoveryStep, mode: RecoveryMode = RecoveryMode.AUTOMATIC, **more: object) -> ClusterState:
    """A run of three workers that lost one."""
    state = ready()
    assert state.run is not None
    recovery = Recovery(
        step=step,
        fault=Fault(cause=FaultCause.WORKER_ENDED, worker_ids=(CUDA_ID,)),
        happened=HAPPENED,
        began_at_seconds=NOW - 3.0,
        attempt=1,
        next_try_at_seconds=NOW + 3.4 if step is RecoveryStep.WAITING else None,
        before=RunBefore(plan=state.run.plan, served=True, timings=timings(18.2, 540.0)),
    )
    problem = Problem(kind=ProblemKind.WORKER, where="127.0.0.1:50053", happened=HAPPENED)
    return replace(
        state,
        choices=replace(state.choices, recovery=mode),
        run_phase=RunPhase.STARTING_WORKERS if step is RecoveryStep.STARTING else RunPhase.RECOVERING,
        recovery=replace(recovery, **more),  # type: ignore[arg-type]
        problems=(problem,),
        processes=(),
        now_seconds=NOW,
    )


def stopping() -> ClusterState:
    """What is left is being stopped."""
    return broken(RecoveryStep.STOPPING)


def waiting() -> ClusterState:
    """The next start is a few seconds away."""
    return broken(RecoveryStep.WAITING, attempt=3, cures=(Cure.NO_FLASH_ATTENTION,))


def asking() -> ClusterState:
    """The person is asked, and the worker would be left out."""
    return broken(RecoveryStep.ASKING, RecoveryMode.ASK, left_out=(CUDA_ID,))


def starting_again() -> ClusterState:
    """It was launched again."""
    return broken(RecoveryStep.STARTING)


def there_again(mode: RecoveryMode = RecoveryMode.AUTOMATIC, *, decode_without: float | None = 15.0) -> ClusterState:
    """It serves again on two workers, and the machine of the third is back: 18.4 tokens/s with it."""
    state = back(left_out=("gpu-node",))
    assert isinstance(state.plan, Plan)
    assert state.run is not None
    plan = replace(state.plan, workers=_one_on_gpu_node(state.plan))
    kept = tuple(worker for worker in plan.workers if worker.id != CUDA_ID)
    less = replace(plan, workers=kept, predicted=replace(plan.predicted, decode_tokens_per_second=decode_without))
    return replace(
        state,
        choices=replace(state.choices, recovery=mode),
        run_wanted=True,
        plan=plan,
        run=replace(state.run, plan=less),
        recovery=replace(state.recovery, missed=(MachineId("gpu-node"),)),
        now_seconds=NOW,
    )


def _one_on_gpu_node(plan: Plan) -> tuple[PlannedWorker, ...]:
    return tuple(
        replace(worker, offer=replace(worker.offer, machine_id=MachineId("gpu-node"), machine_name="gpu-node"))
        if worker.id == CUDA_ID
        else worker
        for worker in plan.workers
    )


def missing() -> ClusterState:
    """Nothing fits on what is left."""
    state = broken(RecoveryStep.WAITING)
    assert isinstance(state.plan, Plan)
    before = state.recovery.before
    assert before is not None
    workers = _one_on_gpu_node(before.plan)
    words = "The model needs 21.3 GB and the 2 workers have 18.2 GB of safe memory: 3.1 GB are missing over all workers."
    recovery = replace(
        state.recovery,
        before=replace(before, plan=replace(before.plan, workers=workers)),
        missing=f"{words} gpu-node with 9.6 GB is not reachable.",
    )
    return replace(state, recovery=recovery)


def a_cost(**changes: object) -> Recovered:
    """On one worker less."""
    cost = Recovered(
        happened=HAPPENED,
        seconds=41.2,
        n_workers=2,
        n_workers_before=3,
        decode_before=18.2,
        before_is_measured=True,
        decode_after=15.0,
        after_is_measured=True,
        left_out=("this-machine/cuda:0",),
    )
    return replace(cost, **changes)  # type: ignore[arg-type]


def back(**changes: object) -> ClusterState:
    """It serves again."""
    return replace(ready(), recovery=Recovery(history=(a_cost(**changes),)))
