"""Hand-made cluster states: every face that the window must be able to show, without an engine.

All figures are invented, but consistent: bytes add up, layers are placed once, the map has the plan's length.
Rejected: recording states of a real session, because mismatches, failures and forty machines cannot be had at will.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.session.state import (
    Activity,
    AnswerShown,
    Choices,
    ClusterDocument,
    ClusterState,
    PlanVariant,
    RunPhase,
    RunSeen,
    RuntimePhase,
)
from engine.vocabulary.comparison import Approach
from engine.vocabulary.machine import MachineId
from engine.vocabulary.plan import GivenSplit, Plan, Policy, RunShape
from engine.vocabulary.running.layer_map import ActualBuffers, LayerMap
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.process import ProcessOutcome, ProcessPhase
from engine.vocabulary.running.throughput import LoadProgress
from engine.vocabulary.worker import Layout
from tests.fakes.states.cluster_pieces import (
    CPU_ID,
    CUDA_ID,
    GIB,
    NOW,
    VULKAN_ID,
    a_coordinator,
    a_plan,
    a_runtime,
    cpu_only_machine,
    hybrid_machine,
    load_of,
    map_of,
    offers_of,
    processes_of,
    refused,
    samples,
    servers_of,
    the_commands,
    the_models,
    timings,
)
from tests.fakes.states.run_records import a_comparison, a_record


def looking() -> ClusterState:
    """The very first look: nothing is known."""
    return ClusterState(now_seconds=NOW, activities=(Activity(id="look", title="Looking at this machine"),))


def runtime_missing() -> ClusterState:
    """The machine is there, llama.cpp is not."""
    machine = cpu_only_machine()
    return ClusterState(now_seconds=NOW, machines=(machine,), loads=(load_of(machine),), runtime_phase=RuntimePhase.MISSING)


def installing() -> ClusterState:
    """llama.cpp is being built."""
    return replace(
        runtime_missing(),
        runtime_phase=RuntimePhase.INSTALLING,
        activities=(
            Activity(
                id="runtime", title="Building llama.cpp", fraction=0.37, detail="[212/571] ggml-cpu/ops.cpp · about 6 min left"
            ),
        ),
    )


def no_model() -> ClusterState:
    """Everything is there but a choice of model."""
    machine = hybrid_machine()
    runtime = a_runtime()
    return ClusterState(
        now_seconds=NOW,
        machines=(machine,),
        loads=(load_of(machine),),
        runtime_phase=RuntimePhase.READY,
        runtime=runtime,
        runtimes=(runtime,),
        models_found=the_models(),
        models_searched=True,
        offers=offers_of(machine),
    )


def no_model_anywhere() -> ClusterState:
    """A fresh machine: everything is there but a model."""
    return replace(no_model(), models_found=())


def plan_shown() -> ClusterState:
    """A model is chosen and planned."""
    base = no_model()
    notes = ("CPU: in, because the model does not fit the two GPUs alone; it costs 4.3 tok/s of decode.",)
    plan = a_plan(base.offers, (22, 28, 14), notes=notes)
    even = a_plan(base.offers, (22, 21, 21), policy=Policy.EVEN, decode=9.6, prefill=212.0)
    memory = a_plan(base.offers, (36, 19, 9), policy=Policy.MEMORY, decode=7.1, prefill=None)
    all_split = GivenSplit(name=Approach.HYBRID.value, seats=tuple((worker.id, worker.n_layers) for worker in even.workers))
    variants = (
        PlanVariant(policy=Policy.FASTEST, layout=Layout.PER_DEVICE, result=plan, approach=Approach.FASTEST),
        PlanVariant(
            policy=Policy.FASTEST,
            layout=Layout.PER_DEVICE,
            result=even,
            measured=timings(9.3, 205.0),
            approach=Approach.HYBRID,
            given=all_split,
        ),
        PlanVariant(
            policy=Policy.MEMORY, layout=Layout.PER_DEVICE, result=memory, approach=Approach.LLAMA_CPP, given=all_split
        ),
        PlanVariant(
            policy=Policy.FASTEST,
            layout=Layout.TRADITIONAL,
            result=refused(Policy.FASTEST, Layout.TRADITIONAL),
            approach=Approach.TRADITIONAL,
        ),
    )
    return replace(
        base,
        comparison=a_comparison(plan, variants),
        history=(
            a_record(18.2, 17.9, id="2", at="2026-11-24T03:05:00+00:00"),
            a_record(9.0, id="1", at="2026-11-23T17:41:00"),
        ),
        choices=Choices(model_path=plan.model.path, shape=RunShape(context_tokens=16384)),
        model=plan.model,
        plan=plan,
        variants=variants,
        commands=the_commands(),
    )


def plan_refused() -> ClusterState:
    """The model is too big."""
    base = plan_shown()
    no = refused()
    return replace(
        base,
        plan=no,
        variants=tuple(
            replace(variant, result=refused(variant.policy, variant.layout), measured=None) for variant in base.variants
        ),
        commands=(),
    )


def starting() -> ClusterState:
    """Workers are being started."""
    base = plan_shown()
    assert isinstance(base.plan, Plan)
    run = RunSeen(
        plan=base.plan,
        servers=servers_of(base.plan),
        worker_devices=(("RPC0", CPU_ID), ("RPC1", CUDA_ID), ("RPC2", VULKAN_ID)),
        api_url="http://127.0.0.1:8080",
        layer_map=map_of(base.plan, reported=False),
    )
    seen = processes_of(base.plan, ProcessPhase.STARTING)
    return replace(
        base,
        run_wanted=True,
        run_phase=RunPhase.STARTING_WORKERS,
        run=run,
        processes=(replace(seen[0], phase=ProcessPhase.READY), *seen[1:]),
    )


def loading() -> ClusterState:
    """The model is being loaded."""
    base = starting()
    assert base.run is not None
    return replace(
        base,
        run_phase=RunPhase.LOADING_MODEL,
        run=replace(
            base.run,
            load=LoadProgress(done_bytes=int(8.1 * GIB), total_bytes=int(18.9 * GIB)),
            layer_map=map_of(base.run.plan, reported=True),
        ),
        processes=(*processes_of(base.run.plan, ProcessPhase.READY), a_coordinator(ProcessPhase.STARTING)),
    )


def ready() -> ClusterState:
    """Running, measured, as planned."""
    base = loading()
    assert base.run is not None
    plan = base.run.plan
    measured = timings()
    run = replace(
        base.run,
        load=None,
        layer_map=map_of(plan, reported=True),
        buffers=tuple(
            ActualBuffers(
                worker_id=worker.id,
                weights_bytes=worker.weights_bytes,
                kv_bytes=worker.kv_bytes,
                compute_bytes=worker.compute_bytes,
            )
            for worker in plan.used_workers
        ),
        pipelined=True,
        benchmark=measured,
        ready_after_seconds=14.2,
    )
    first, *others = base.variants
    return replace(
        base,
        run_phase=RunPhase.READY,
        run=run,
        processes=(*processes_of(plan, ProcessPhase.READY), a_coordinator(ProcessPhase.READY)),
        variants=(replace(first, measured=measured), *others),
        throughput=samples(),
        answer=AnswerShown(
            prompt="Why is the sky blue?",
            text="Because air scatters short wavelengths of sunlight more than long ones.",
            finished=True,
            timings=timings(18.3, 530.0),
        ),
    )


def map_mismatch() -> ClusterState:
    """llama.cpp put six layers elsewhere."""
    base = ready()
    assert base.run is not None
    places = tuple(
        replace(place, actual=CUDA_ID if 8 <= place.layer < 12 else ("CPU" if place.layer in (46, 47) else place.actual))
        for place in base.run.layer_map.places
    )
    return replace(
        base,
        run=replace(base.run, layer_map=LayerMap(places=places)),
        problems=(
            Problem(
                kind=ProblemKind.LAYER_MAP,
                where="llama-server",
                happened="6 layers are not where the plan put them.",
                advice="Stop and launch again; if it happens again, use the policy Even and report it.",
                details="layer 8: planned this-machine/cpu, actual this-machine/cuda:0",
            ),
        ),
    )


def worker_failed() -> ClusterState:
    """One rpc-server died while running."""
    base = ready()
    assert base.run is not None
    seen = list(base.processes)
    seen[1] = replace(seen[1], phase=ProcessPhase.FAILED, pid=None, outcome=ProcessOutcome(exit_code=-11, stop_asked=False))
    return replace(
        base,
        run_wanted=False,
        run_phase=RunPhase.FAILED,
        processes=tuple(seen),
        problems=(
            Problem(
                kind=ProblemKind.WORKER,
                where="rpc-server for cuda:0",
                happened="rpc-server for cuda:0 ended by signal 11 (SIGSEGV) after 4 minutes.",
                advice="Launch again; if it fails again, leave cuda:0 out with its switch.",
                details="ggml_cuda_compute_forward: MUL_MAT failed\nCUDA error: an illegal memory access was encountered",
            ),
        ),
    )


def many_machines(n: int = 24) -> ClusterState:
    """A lab."""
    base = no_model()
    machines = tuple(
        replace(
            hybrid_machine(),
            id=MachineId(f"lab-{number:02d}"),
            name=f"lab-{number:02d}",
            address=f"10.0.0.{number}",
            gpus=hybrid_machine().gpus[: number % 3],
            why_no_gpu=None if number % 3 else "No GPU was found.",
        )
        for number in range(1, n + 1)
    )
    machines = (*machines, hybrid_machine())
    offers = tuple(offer for machine in machines for offer in offers_of(machine))
    shares = tuple(4 if index < 15 else 0 for index in range(len(offers)))
    plan = a_plan(offers, shares)
    return replace(
        base,
        machines=machines,
        loads=tuple(load_of(machine) for machine in machines),
        offers=offers,
        choices=Choices(model_path=plan.model.path),
        model=plan.model,
        plan=plan,
        variants=(PlanVariant(policy=Policy.FASTEST, layout=Layout.PER_DEVICE, result=plan),),
    )


def file_changed() -> ClusterState:
    """A cluster file is open, and something was changed since."""
    state = plan_shown()
    path = "/home/ada/labs/lab-b204.crossply.toml"
    saved = replace(state.choices, policy=Policy.EVEN)
    recent = (path, "/home/ada/labs/two-nodes.crossply.toml")
    document = ClusterDocument(path=path, saved=saved)
    return replace(state, document=document, recent_clusters=recent, recent_models=(state.models_found[2].path,))


def every_state() -> dict[str, Callable[[], ClusterState]]:
    """Name -> maker, in the order in which a person meets them."""
    makers = (
        looking, runtime_missing, installing, no_model_anywhere, no_model, plan_shown, plan_refused, starting, loading, ready,
        map_mismatch, worker_failed, many_machines, file_changed,
    )  # fmt: skip
    return {maker.__name__: maker for maker in makers}
