"""Events of a run: launch, processes, what llama-server reports, throughput, stop."""

from __future__ import annotations

from dataclasses import replace

from engine.cluster.phases import ENDED, next_phase, phase_after_exit
from engine.cluster.servers import COORDINATOR
from engine.session import events
from engine.session.recovering import steps
from engine.session.reducing.planned.layer_maps import layer_map_of, with_reported
from engine.session.reducing.planned.measured_before import is_same_run
from engine.session.reducing.processes_seen import alive, find, with_process
from engine.session.reducing.watching import with_older, without_readings
from engine.session.state import ClusterState, ProcessSeen, RunPhase, RunSeen
from engine.vocabulary.plan import Plan
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.process import ProcessPhase
from engine.vocabulary.running.recovery import Cure, Recovery

KEPT_SAMPLES = 600
"""Ten minutes at one sample a second."""


def launch_asked(state: ClusterState, _event: events.LaunchAsked) -> ClusterState:
    """Wanted, if there is a plan and nothing of an earlier run is left."""
    if state.run_wanted or state.closing or not isinstance(state.plan, Plan) or alive(state):
        return state
    return replace(
        state,
        run_wanted=True,
        n_launches=state.n_launches + 1,
        run=None,
        run_phase=RunPhase.STARTING_WORKERS,
        processes=(),
        throughput=(),
        watched=without_readings(state.watched),
        answer=None,
        recovery=Recovery(),
        problems=tuple(problem for problem in state.problems if problem.kind in _KEPT_AT_LAUNCH),
    )


_KEPT_AT_LAUNCH = frozenset({ProblemKind.MACHINE, ProblemKind.RUNTIME, ProblemKind.MODEL, ProblemKind.BUG})


def stop_asked(state: ClusterState, _event: events.StopAsked) -> ClusterState:
    """Nothing is wanted any more."""
    if not state.run_wanted:
        return state
    phase = RunPhase.STOPPING if alive(state) else RunPhase.STOPPED
    return steps.ended(replace(state, run_wanted=False, run_phase=phase))


def run_prepared(state: ClusterState, event: events.RunPrepared) -> ClusterState:
    """Ports were found: from here on the run has a fixed plan."""
    if not state.run_wanted or state.run is not None or event.launch != state.n_launches:
        return state
    if state.run_phase is RunPhase.RECOVERING:
        return state  # it broke while ports were looked for
    known = state.recovery.before
    same = known is not None and is_same_run(event.plan, known.plan)
    run = RunSeen(
        plan=event.plan,
        servers=event.servers,
        worker_devices=event.worker_devices,
        api_url=state.api.url if state.api else "",
        layer_map=layer_map_of(event.plan),
        coordinator_url=f"http://127.0.0.1:{event.coordinator_port}",
        runtime=event.runtime,
        dialect=event.dialect,
        server_options=event.server_options,
        programs=event.programs,
        tunnels=event.tunnels,
        started_at_seconds=event.at_seconds,
        loads_before=state.loads,
        cpu_workers=state.choices.cpu_workers,
        refinements=state.refinements,
        direct_io=Cure.DIRECT_IO in state.recovery.cures,
        # Measured in this launch already: a service that is back must not be kept busy with it again.
        benchmark=known.timings if known is not None and same else None,
        record_id=known.record_id if known is not None and same else None,
    )
    return replace(state, run=run)


def api_place_chosen(state: ClusterState, event: events.ApiPlaceChosen) -> ClusterState:
    """A wish; where it became true is told by ``ApiWasOpened``."""
    return replace(state, api_place=event.place)


def api_was_opened(state: ClusterState, event: events.ApiWasOpened) -> ClusterState:
    """Clients reach it there from now on."""
    run = None if state.run is None else replace(state.run, api_url=event.api.url)
    return replace(state, api=event.api, run=run)


def process_started(state: ClusterState, event: events.ProcessStarted) -> ClusterState:
    """A process was asked for, or has its pid now."""
    known = find(state, event.id)
    if known is not None:
        return with_process(state, replace(known, pid=event.pid))
    if event.pid is not None:
        return state  # a late word of an earlier launch's process
    seen = ProcessSeen(
        id=event.id,
        title=event.title,
        phase=ProcessPhase.STARTING,
        argv=event.argv,
        endpoint=event.endpoint,
        pid=event.pid,
        worker_ids=event.worker_ids,
        machine_name=event.machine_name,
        keeps_running=event.keeps_running,
    )
    loading = event.id == COORDINATOR and state.run_wanted and state.run_phase is not RunPhase.RECOVERING
    phase = RunPhase.LOADING_MODEL if loading else state.run_phase
    return replace(state, processes=(*state.processes, seen), run_phase=phase)


def process_ready(state: ClusterState, event: events.ProcessReady) -> ClusterState:
    """It answers."""
    known = find(state, event.id)
    if known is None or known.phase is not ProcessPhase.STARTING:
        return state
    state = with_process(state, replace(known, phase=next_phase(known.phase, ProcessPhase.READY)))
    if event.id != COORDINATOR or state.run is None:
        return state
    run = replace(
        state.run, ready_after_seconds=event.at_seconds - state.run.started_at_seconds, sent_when_ready=state.run.sent
    )
    if not state.run_wanted or state.run_phase is RunPhase.RECOVERING:
        return replace(state, run=run)
    return steps.is_back(_judge_layer_map(replace(state, run=run, run_phase=RunPhase.READY)))


def process_stopping(state: ClusterState, event: events.ProcessStopping) -> ClusterState:
    """We asked it to end."""
    known = find(state, event.id)
    if known is None or known.phase in ENDED or known.phase is ProcessPhase.STOPPING:
        return state
    return with_process(state, replace(known, phase=next_phase(known.phase, ProcessPhase.STOPPING)))


def process_ended(state: ClusterState, event: events.ProcessEnded) -> ClusterState:
    """It is gone. One that nobody asked to end breaks the run."""
    known = find(state, event.id)
    if known is None or known.phase in ENDED:
        return state
    phase = phase_after_exit(known.phase, event.outcome)
    known = replace(known, phase=next_phase(known.phase, phase), outcome=event.outcome)
    state = with_process(state, known)
    if event.problem is not None or phase is ProcessPhase.FAILED:
        state = steps.broke(state, event.problem, known)
    if state.run_phase is RunPhase.STOPPING and not alive(state):
        return replace(state, run_phase=RunPhase.STOPPED)
    return steps.settled(state)


def layers_reported(state: ClusterState, event: events.LayersReported) -> ClusterState:
    """llama-server said where layers went."""
    if state.run is None:
        return state
    layer_map = with_reported(state.run.layer_map, event.layers, dict(state.run.worker_devices))
    return replace(state, run=replace(state.run, layer_map=layer_map))


def buffers_reported(state: ClusterState, event: events.BuffersReported) -> ClusterState:
    """llama-server said what it allocated."""
    return state if state.run is None else replace(state, run=replace(state.run, buffers=event.buffers))


def pipeline_reported(state: ClusterState, event: events.PipelineReported) -> ClusterState:
    """llama-server said whether prefill is pipelined."""
    return state if state.run is None else replace(state, run=replace(state.run, pipelined=event.pipelined))


def load_progressed(state: ClusterState, event: events.LoadProgressed) -> ClusterState:
    """The model is loading."""
    return state if state.run is None else replace(state, run=replace(state.run, load=event.load))


def throughput_measured(state: ClusterState, event: events.ThroughputMeasured) -> ClusterState:
    """One more point of the curves."""
    samples = (*state.throughput, event.sample)
    watched = with_older(state.watched, samples[:-KEPT_SAMPLES])
    return replace(state, throughput=samples[-KEPT_SAMPLES:], watched=watched)


def benchmark_done(state: ClusterState, event: events.BenchmarkDone) -> ClusterState:
    """The standard request was answered: this is what is compared with the prediction."""
    if state.run is None:
        return state
    ran = state.run.plan
    variants = tuple(
        replace(variant, measured=event.timings) if is_same_run(variant.result, ran) else variant for variant in state.variants
    )
    return steps.measured(replace(state, run=replace(state.run, benchmark=event.timings), variants=variants))


def _judge_layer_map(state: ClusterState) -> ClusterState:
    """Loaded: any difference between plan and fact is a problem, and so is a map that was not reported."""
    run = state.run
    if run is None or run.layer_map.matches:
        return state
    if run.layer_map.differences:
        first = run.layer_map.differences[0]
        name = "the output layer" if first.layer == run.plan.model.n_layers else f"layer {first.layer}"
        n_elsewhere = len(run.layer_map.differences)
        happened = f"{n_elsewhere} layers are not where they were planned: {name} is on {first.actual}, not {first.planned}."
        advice = "Stop, and report this plan with the log of llama-server: the plan was not carried out as told."
    else:
        happened = "llama-server did not report where its layers are, so the plan is not proven."
        advice = "Use a build whose llama-server prints layer lines at -lv 5."
    problem = Problem(kind=ProblemKind.LAYER_MAP, where="llama-server", happened=happened, advice=advice)
    return replace(state, problems=(*state.problems, problem))
