"""Once a second: how busy, and how many bytes. Stale is a gap; unchanged is a zero."""

from dataclasses import replace

from engine.session import events, remote_events
from engine.session.reducing.reduce import reduce
from engine.session.reducing.reduce_run import KEPT_SAMPLES
from engine.session.reducing.watching import STALE_SECONDS
from engine.session.state import RunPhase
from engine.session.watched import Column
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.running.throughput import ThroughputSample
from tests.fakes.states import cluster_pieces as pieces
from tests.fakes.states import remote_states
from tests.fakes.states.cluster_states import plan_shown, ready

LAB_02 = remote_states.target(2).machine_id


def sampled(state, seconds, machine=None):
    machine = machine or pieces.hybrid_machine()
    load = replace(pieces.load_of(machine)[1], taken_at_seconds=seconds)
    return reduce(state, events.LoadSampled(load=load))


def newest(state):
    loads = state.watched.loads
    return {(column.kind, column.id): value for column, value in zip(loads.columns, loads.recent[-1].values, strict=True)}


def test_each_worker_has_the_load_of_its_device():
    values = newest(sampled(ready(), 1001.0))
    assert values == {("busy", pieces.CPU_ID): 0.27, ("busy", pieces.CUDA_ID): 0.62, ("busy", pieces.VULKAN_ID): 0.31}


def test_nothing_is_read_without_a_run():
    assert sampled(plan_shown(), 1001.0).watched.loads.recent == ()


def test_nothing_is_read_of_a_run_that_is_over():
    state = sampled(ready(), 1001.0)
    over = sampled(replace(state, run_wanted=False, run_phase=RunPhase.FAILED), 1002.0)
    assert len(over.watched.loads.recent) == 1


def test_a_remote_machine_that_fell_silent_is_a_gap():
    state = remote_states.starting()
    remote = f"{LAB_02}/cpu"
    state = sampled(sampled(state, 1001.0, remote_states.machine_of(2)), 1002.0)
    assert newest(state)["busy", remote] == 0.27
    assert newest(sampled(state, 1002.0 + STALE_SECONDS))["busy", remote] is None


def test_tunnel_bytes_per_second_are_what_was_added_since_the_last_reading():
    state = sampled(remote_states.starting(), 1000.0)
    assert newest(state)["sent", LAB_02] is None
    for seconds, total in ((1001.0, 100), (1002.0, 500), (1003.0, 500), (1004.0, 20)):
        state = reduce(state, remote_events.TunnelCarried(machine_id=LAB_02, sent_bytes=total))
        state = sampled(state, seconds)
    place = state.watched.loads.columns.index(Column(kind="sent", id=LAB_02))
    rates = [reading.values[place] for reading in state.watched.loads.recent]
    assert rates == [None, None, 400.0, 0.0, None]


def test_of_an_open_machine_all_that_it_takes_in_is_read():
    state = remote_states.starting()
    state = replace(state, run=replace(state.run, tunnels=()))
    load = replace(pieces.load_of(remote_states.machine_of(2))[1], network_received_bytes_per_second=5e6)
    state = sampled(reduce(state, events.LoadSampled(load=load)), 1001.0)
    assert newest(state)["taken in", LAB_02] == 5e6
    assert ("taken in", THIS_MACHINE) not in newest(state)


def test_a_launch_forgets_readings_and_old_samples_become_means():
    state = sampled(ready(), 1001.0)
    for second in range(KEPT_SAMPLES + 20):
        sample = ThroughputSample(at_seconds=2000.0 + second, decode_tokens_per_second=4.0, prefill_tokens_per_second=None)
        state = reduce(state, events.ThroughputMeasured(sample=sample))
    assert len(state.throughput) == KEPT_SAMPLES
    assert state.watched.throughput_before.readings[-1].values == (4.0, None)
    state = reduce(replace(state, run_wanted=False, processes=()), events.LaunchAsked())
    assert state.watched.throughput_before.means == ()
    assert state.watched.loads.recent == ()
