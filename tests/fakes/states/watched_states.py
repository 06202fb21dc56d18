"""Hand-made states of runs that were watched for a while: machines over the network, readings, moments, gaps."""

from __future__ import annotations

import math
from dataclasses import replace

from engine.session.reducing.watching import with_readings
from engine.session.state import AnswerShown, ClusterState, RunPhase
from engine.session.watched import Moment, MomentKind
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.running.process import ProcessPhase
from tests.fakes.states import cluster_pieces as pieces
from tests.fakes.states import remote_states

ZERO_IS_AT = 1_764_160_000.0
"""26 November 2025, 12:26:40 UTC, when the fakes' clock was at zero."""
LAUNCHED_AT = pieces.NOW - 262.0


def serving(*remotes, seconds: int = 240, lan: bool = False) -> ClusterState:
    """Three machines and a tunnel to each of the others; a worker's machine was silent for half a minute."""
    remotes = remotes or (remote_states.ready(2, gpus=2), replace(remote_states.ready(5), link=None))
    base = remote_states.with_remotes(*remotes, lan=lan)
    started = replace(remote_states.starting(), choices=base.choices)
    run = replace(
        started.run,
        plan=base.plan,
        servers=remote_states.servers_of(base.plan),
        tunnels=remote_states.tunnels_of(remote_states.servers_of(base.plan)),
        layer_map=pieces.map_of(base.plan, reported=True),
        benchmark=pieces.timings(),
        ready_after_seconds=14.2,
    )
    state = replace(
        base,
        run=run,
        run_wanted=True,
        run_phase=RunPhase.READY,
        processes=(*pieces.processes_of(base.plan, ProcessPhase.READY), pieces.a_coordinator(ProcessPhase.READY)),
        throughput=pieces.samples(seconds),
        zero_is_at_seconds=ZERO_IS_AT,
        answer=AnswerShown(prompt="Why is the sky blue?", text="Because", finished=True, timings=pieces.timings()),
    )
    for second in range(seconds + 1):
        state = with_readings(_at(state, pieces.NOW - seconds + second, second))
    return replace(state, watched=replace(state.watched, moments=moments()))


def _at(state: ClusterState, now: float, second: int) -> ClusterState:
    """Loads and bytes of one second; the last remote machine says nothing between 60 and 95."""
    last = state.machines[-1].id
    loads = []
    for place, machine in enumerate(state.machines):
        silent = machine.id == last and 60 <= second < 95 and last != THIS_MACHINE
        load = pieces.load_of(machine)[1]
        wave = 0.5 + 0.4 * math.sin(second / (9 + 4 * place) + place)
        loads.append(
            (
                machine.id,
                replace(
                    load,
                    taken_at_seconds=now - 60 if silent else now,
                    cpu_busy_fraction=0.2 + 0.3 * wave,
                    gpu_busy_fractions=tuple(min(1.0, wave + 0.15 * gpu.index) for gpu in machine.gpus),
                    network_received_bytes_per_second=4e6 * wave,
                ),
            )
        )
    run = state.run
    sent = tuple(
        (tunnel.machine_id, int(4e6 * second + (2 + place) * 1e6 * math.cos(second / 7)))
        for place, tunnel in enumerate(run.tunnels)
    )
    return replace(state, now_seconds=now, loads=tuple(loads), run=replace(run, sent=sent))


def moments() -> tuple[Moment, ...]:
    """A launch, ready, a question, and a machine that was away."""
    return (
        Moment(at_seconds=LAUNCHED_AT, kind=MomentKind.LAUNCHED),
        Moment(at_seconds=LAUNCHED_AT + 14, kind=MomentKind.READY),
        Moment(at_seconds=LAUNCHED_AT + 22, kind=MomentKind.MEASURED),
        Moment(at_seconds=pieces.NOW - 140, kind=MomentKind.LOST, subject="lab-05", machine_name="lab-05"),
        Moment(at_seconds=pieces.NOW - 110, kind=MomentKind.BACK, subject="lab-05", machine_name="lab-05"),
        Moment(at_seconds=pieces.NOW - 40, kind=MomentKind.ASKED, subject="Why is the sky blue?"),
    )


def a_worker_ended() -> ClusterState:
    """The run is over because lab-05's worker went."""
    state = serving()
    gone = (
        Moment(at_seconds=pieces.NOW, kind=MomentKind.FAILED),
        Moment(at_seconds=pieces.NOW, kind=MomentKind.ENDED, subject="rpc-server for cuda:0", machine_name="lab-05"),
    )
    watched = replace(state.watched, moments=(*state.watched.moments, *gone))
    return replace(state, run_wanted=False, run_phase=RunPhase.FAILED, watched=watched)
