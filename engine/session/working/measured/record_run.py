"""Writes a measured run into the history, and reads what ran before. A history that cannot be used takes no run with it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from engine.errors import HistoryUnusable
from engine.measuring.refine import Refinement
from engine.planning.costs.cost_model import decode_seconds
from engine.session import events
from engine.session.outside import Outside
from engine.session.reducing.reduce_history import SHOWN_RUNS
from engine.session.state import ClusterState, RunSeen
from engine.session.working.machines.look import problem_of
from engine.vocabulary.machine import Machine, MachineLoad
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import Plan, PlannedWorker
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.run_record import (
    RecordedBuild,
    RecordedMachine,
    RecordedModel,
    RecordedSample,
    RecordedWorker,
    RunRecord,
)
from engine.vocabulary.running.throughput import RequestTimings

Post = Callable[[events.Event], None]
_HISTORY = "history of runs"


def read_history(outside: Outside, state: ClusterState, post: Post) -> None:
    """Post ``HistoryRead`` for the model that ``state`` has."""
    model_hash = "" if state.model is None else outside.models.hash_of(state.model)
    path = state.choices.model_path
    try:
        runs = outside.history.runs(limit=SHOWN_RUNS)
    except HistoryUnusable as error:
        post(events.ProblemHappened(problem=problem_of(error, ProblemKind.RUNTIME, _HISTORY)))
        return
    _tell(outside, post)
    if runs or model_hash:
        post(events.HistoryRead(path=path, model_hash=model_hash, runs=runs))


def record_run(outside: Outside, state: ClusterState, post: Post) -> None:
    """Keep the run with its standard request; post ``RunRecorded``."""
    run = state.run
    if run is None or run.benchmark is None:
        return
    record = record_of(run, state, outside.models.hash_of(run.plan.model), (run.benchmark,))
    try:
        kept = outside.history.save(record)
    except HistoryUnusable as error:
        post(events.ProblemHappened(problem=problem_of(error, ProblemKind.RUNTIME, _HISTORY)))
        return
    _tell(outside, post)
    post(events.RunRecorded(launch=state.n_launches, record=kept))


def _tell(outside: Outside, post: Post) -> None:
    for notice in outside.history.notices():
        problem = Problem(kind=ProblemKind.RUNTIME, where=_HISTORY, happened=notice, advice="Nothing has to be done.")
        post(events.ProblemHappened(problem=problem))


def record_of(run: RunSeen, state: ClusterState, model_hash: str, timings: tuple[RequestTimings, ...]) -> RunRecord:
    """Everything that is known of the run, without id and date. Pure."""
    plan = run.plan
    used = {worker.offer.machine_id for worker in plan.used_workers}
    loads = dict(run.loads_before)
    return RunRecord(
        crossply_version=crossply_version(),
        build=_build_of(run),
        model=_model_of(plan.model, model_hash),
        shape=plan.shape,
        policy=plan.policy.value,
        given=_given_name(plan, state),
        layout=plan.layout.value,
        workers=_workers_of(run),
        tensor_split=plan.tensor_split,
        cpu_workers=run.cpu_workers,
        machines=tuple(_machine_of(m, loads.get(m.id)) for m in state.machines if m.id in used),
        pipelined=run.pipelined,
        map_matches=run.layer_map.matches,
        decode_predicted=plan.predicted.decode_tokens_per_second,
        prefill_predicted=plan.predicted.prefill_tokens_per_second,
        basis=plan.predicted.basis,
        samples=tuple(sample_of(one) for one in timings),
    )


def _given_name(plan: Plan, state: ClusterState) -> str:
    """What was chosen may be another by now: only a split that is the plan's own names it."""
    given = state.choices.given
    seats = tuple((worker.id, worker.n_layers) for worker in plan.used_workers)
    return given.name if given is not None and given.seats == seats else ""


def sample_of(timings: RequestTimings, *, warm_up: bool = False) -> RecordedSample:
    """One request as it is kept."""
    return RecordedSample(
        prompt_tokens=timings.prompt_tokens,
        prompt_seconds=timings.prompt_seconds,
        decoded_tokens=timings.decoded_tokens,
        decode_seconds=timings.decode_seconds,
        warm_up=warm_up,
    )


def crossply_version() -> str:
    """Of the installed package."""
    try:
        return version("crossply")
    except PackageNotFoundError:
        return "from a checkout"


def _build_of(run: RunSeen) -> RecordedBuild:
    runtime = run.runtime
    if runtime is None:
        return RecordedBuild(runtime_id="", build_number=None, commit=None, protocol=None)
    return RecordedBuild(
        runtime_id=runtime.id,
        build_number=runtime.build_number,
        commit=runtime.commit,
        protocol=None if runtime.protocol is None else str(runtime.protocol),
        backends=runtime.backends,
    )


def _model_of(model: ModelFacts, model_hash: str) -> RecordedModel:
    """The file's name without its folder: a record is handed on. Bytes of it that are no UTF-8 are question marks."""
    file_name = (model.path or "").replace("\\", "/").rpartition("/")[2]
    return RecordedModel(
        name=model.name,
        file_name=file_name.encode("utf-8", "replace").decode(),
        size_label=model.size_label,
        architecture=model.architecture,
        n_layers=model.n_layers,
        total_bytes=model.total_bytes,
        hash=model_hash,
    )


def _workers_of(run: RunSeen) -> tuple[RecordedWorker, ...]:
    plan, refined = run.plan, dict(run.refinements)
    seconds = [decode_seconds((worker,), plan.model, plan.shape) for worker in plan.used_workers]
    known = [one for one in seconds if one is not None]
    total = sum(known) if len(known) == len(seconds) else 0.0
    shares = [one / total if one is not None and total else None for one in seconds]
    return tuple(
        _worker_of(worker, share, refined.get(worker.offer.speed_id))
        for worker, share in zip(plan.used_workers, shares, strict=True)
    )


def _worker_of(worker: PlannedWorker, share: float | None, refined: Refinement | None) -> RecordedWorker:
    offer, link, speed = worker.offer, worker.offer.link, worker.offer.speed
    return RecordedWorker(
        id=offer.id,
        machine_id=offer.machine_id,
        machine_name=offer.machine_name,
        kind=offer.kind.value,
        device_name=offer.device_name,
        description=offer.description,
        threads=offer.threads,
        n_layers=worker.n_layers,
        holds_output=worker.holds_output,
        needed_bytes=worker.needed_bytes,
        safe_bytes=offer.safe_bytes,
        total_bytes=offer.total_bytes,
        exposure=offer.exposure.value,
        rtt_seconds=None if link is None else link.rtt_seconds,
        link_bytes_per_second=None if link is None else link.bytes_per_second,
        read_bytes_per_second=None if speed is None else speed.read_bytes_per_second,
        compute_flops_per_second=None if speed is None else speed.compute_flops_per_second,
        decode_share=share,
        refined_decode=1.0 if refined is None else refined.decode,
        refined_prefill=1.0 if refined is None else refined.prefill,
    )


def _machine_of(machine: Machine, load: MachineLoad | None) -> RecordedMachine:
    return RecordedMachine(
        id=machine.id,
        name=machine.name,
        os_name=machine.os_name,
        architecture=machine.architecture,
        cpu=machine.cpu.name,
        ram_total_bytes=machine.cpu.ram_total_bytes,
        gpus=tuple(gpu.name for gpu in machine.gpus),
        cpu_busy_fraction=None if load is None else load.cpu_busy_fraction,
        ram_available_bytes=None if load is None else load.ram_available_bytes,
        gpu_busy_fractions=() if load is None else load.gpu_busy_fractions,
    )
