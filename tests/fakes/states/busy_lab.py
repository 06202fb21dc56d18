"""A lab that comes up, launches and runs, as states ten times a second: what the window has to keep up with.

Every machine's load changes in every state, which is ten times what a real session samples: the window must not depend on
quiet machines. What does not change is the same object from one state to the next, as the session's reducer leaves it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from engine.session.remotes import RemoteSeen
from engine.session.state import AnswerShown, ClusterState, RunPhase, RunSeen
from engine.vocabulary.machine import Machine, MachineId, MachineLoad
from engine.vocabulary.plan import Plan
from engine.vocabulary.remote import RemotePhase
from engine.vocabulary.running.process import ProcessPhase
from engine.vocabulary.running.throughput import LoadProgress, ThroughputSample
from tests.fakes.states import cluster_pieces as pieces
from tests.fakes.states import remote_states as remote
from tests.fakes.states.cluster_states import plan_shown

SAMPLES_SHOWN = 600
_WORKERS_USED = 15


def busy_lab(n_machines: int, n_states: int, seed: int = 1) -> Iterator[ClusterState]:
    """Half of the states while machines come up, then a launch, then a run."""
    dice = random.Random(seed)
    arriving = n_states // 2
    launching = arriving + n_states // 6
    state = _before(n_machines)
    for number in range(n_states):
        if number < arriving:
            state = _come_up(state, n_machines * 2 * (number + 1) // arriving)
        elif number < launching:
            state = _launch(state, (number - arriving) / (launching - arriving))
        else:
            state = _run(state, number - launching)
        state = replace(
            state,
            loads=tuple((machine.id, _load_of(machine, number, dice)) for machine in state.machines),
            throughput=_samples(number),
            now_seconds=pieces.NOW + number / 10,
        )
        yield state


def _before(n_machines: int) -> ClusterState:
    """This machine is planned with, all others were added a moment ago."""
    base = plan_shown()
    remotes = tuple(RemoteSeen(target=remote.target(number)) for number in range(2, n_machines + 1))
    targets = tuple(seen.target for seen in remotes)
    return replace(base, remotes=remotes, choices=replace(base.choices, targets=targets))


def _come_up(state: ClusterState, n_steps: int) -> ClusterState:
    """Two steps per machine: it is looked at, it is ready."""
    done = sum(2 if seen.phase is RemotePhase.READY else int(seen.phase is RemotePhase.LOOKING) for seen in state.remotes)
    remotes = list(state.remotes)
    arrived: list[Machine] = []
    for step in range(done, min(n_steps, 2 * len(remotes))):
        place, ready = divmod(step, 2)
        seen = remotes[place]
        remotes[place] = remote.ready(place + 2, gpus=place % 3) if ready else replace(seen, phase=RemotePhase.LOOKING)
        if ready:
            arrived.append(remotes[place].look.machine)
    offers = (*state.offers, *(offer for machine in arrived for offer in pieces.offers_of(machine)))
    state = replace(state, remotes=tuple(remotes))
    if not arrived:
        return state
    plan = pieces.a_plan(offers, tuple(4 if place < _WORKERS_USED else 0 for place in range(len(offers))))
    return replace(state, machines=(*state.machines, *arrived), offers=offers, plan=plan, model=plan.model)


def _launch(state: ClusterState, fraction: float) -> ClusterState:
    assert isinstance(state.plan, Plan)
    run = state.run or RunSeen(
        plan=state.plan,
        servers=pieces.servers_of(state.plan),
        worker_devices=(),
        api_url="http://127.0.0.1:8080",
        layer_map=pieces.map_of(state.plan, reported=False),
    )
    total = state.plan.model.total_bytes
    seen = pieces.processes_of(state.plan, ProcessPhase.STARTING)
    n_ready = round(len(seen) * min(1.0, 2 * fraction))
    processes = (*(replace(process, phase=ProcessPhase.READY) for process in seen[:n_ready]), *seen[n_ready:])
    loading = fraction >= 0.5
    return replace(
        state,
        run_wanted=True,
        run_phase=RunPhase.LOADING_MODEL if loading else RunPhase.STARTING_WORKERS,
        run=replace(
            run, load=LoadProgress(done_bytes=round(total * (2 * fraction - 1)), total_bytes=total) if loading else None
        ),
        processes=processes,
    )


def _run(state: ClusterState, number: int) -> ClusterState:
    assert state.run is not None
    if state.run_phase is not RunPhase.READY:
        run = replace(state.run, load=None, benchmark=pieces.timings(), layer_map=pieces.map_of(state.run.plan, reported=True))
        state = replace(state, run_phase=RunPhase.READY, run=run)
    return replace(state, answer=AnswerShown(prompt="Why is the sky blue?", text="Because air scatters light. " * number))


def _load_of(machine: Machine, number: int, dice: random.Random) -> MachineLoad:
    return MachineLoad(
        machine_id=MachineId(machine.id),
        taken_at_seconds=pieces.NOW + number / 10,
        cpu_busy_fraction=dice.random(),
        ram_available_bytes=machine.cpu.ram_available_bytes,
        gpu_busy_fractions=tuple(dice.random() for _gpu in machine.gpus),
        gpu_free_bytes=tuple(gpu.memory_free_bytes for gpu in machine.gpus),
        gpu_temperatures_celsius=tuple(40 + 40 * dice.random() for _gpu in machine.gpus),
        cpu_temperature_celsius=40 + 40 * dice.random(),
    )


def _samples(number: int) -> tuple[ThroughputSample, ...]:
    """The last ten minutes, one sample a second: the newest is another one in every state."""
    return tuple(
        ThroughputSample(
            at_seconds=float(at),
            decode_tokens_per_second=18 + at * 37 % 19 / 8,
            prefill_tokens_per_second=521 + at * 53 % 41 if at % 40 < 6 else None,
        )
        for at in range(number, number + SAMPLES_SHOWN)
    )
