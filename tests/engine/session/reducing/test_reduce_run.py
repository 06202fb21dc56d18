"""Events of a run, also late ones and those in an unlucky order."""

from dataclasses import replace

import pytest

from engine.cluster.servers import COORDINATOR
from engine.session import events
from engine.session.reducing.processes_seen import alive, find
from engine.session.reducing.reduce import reduce
from engine.session.reducing.reduce_run import KEPT_SAMPLES
from engine.session.state import RunPhase
from engine.vocabulary.running.api import ApiOpened
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.process import ProcessId, ProcessOutcome, ProcessPhase
from engine.vocabulary.running.recovery import RecoveryMode
from engine.vocabulary.running.throughput import ThroughputSample
from tests.fakes.states.cluster_pieces import a_runtime, servers_of, timings
from tests.fakes.states.cluster_states import plan_refused, plan_shown, ready, starting

UNASKED = ProcessOutcome(exit_code=0, stop_asked=False)
ASKED = ProcessOutcome(exit_code=-15, stop_asked=True, rung="asked")
WORKER = Problem(kind=ProblemKind.WORKER, where="w", happened="The worker ended.")
LATER = Problem(kind=ProblemKind.COORDINATOR, where="c", happened="llama-server aborted.")


def prepared(state, launch):
    from engine.llama_cpp.dialects import NEWEST

    return events.RunPrepared(
        launch=launch,
        runtime=a_runtime(),
        dialect=NEWEST,
        server_options=frozenset(),
        plan=state.plan,
        servers=servers_of(state.plan),
        worker_devices=(),
        coordinator_port=18081,
        at_seconds=5.0,
    )


def launched():
    state = reduce(plan_shown(), events.LaunchAsked())
    state = reduce(state, events.ApiWasOpened(api=ApiOpened(url="http://127.0.0.1:8081")))
    return reduce(state, prepared(state, 1))


def test_launching_forgets_the_last_run():
    old = replace(ready(), run_wanted=False, processes=(), problems=(WORKER,))
    state = reduce(old, events.LaunchAsked())
    assert state.run_wanted
    assert state.n_launches == old.n_launches + 1
    assert (state.run, state.throughput, state.answer, state.problems) == (None, (), None, ())


@pytest.mark.parametrize("state", [plan_refused(), replace(plan_shown(), plan=None), ready(), starting()])
def test_what_cannot_be_launched(state):
    assert reduce(state, events.LaunchAsked()) == state


def test_what_is_left_of_the_last_run_must_end_first():
    state = replace(ready(), run_wanted=False, run_phase=RunPhase.STOPPING)
    assert reduce(state, events.LaunchAsked()) == state


def test_a_prepared_run_is_frozen_with_its_programs():
    run = launched().run
    assert run.runtime == a_runtime()
    assert (run.api_url, run.coordinator_url) == ("http://127.0.0.1:8081", "http://127.0.0.1:18081")
    assert run.started_at_seconds == 5.0


def test_an_api_that_moves_takes_the_run_with_it():
    moved = ApiOpened(url="http://127.0.0.1:8081", network_url="http://10.0.0.7:8081")
    state = reduce(ready(), events.ApiWasOpened(api=moved))
    assert (state.api, state.run.api_url) == (moved, moved.url)
    assert reduce(plan_shown(), events.ApiWasOpened(api=moved)).run is None


def test_a_run_prepared_late_or_twice_is_dropped():
    state = reduce(plan_shown(), events.LaunchAsked())
    assert reduce(state, prepared(state, 7)) == state
    stopped = reduce(state, events.StopAsked())
    assert stopped.run_phase is RunPhase.STOPPED
    assert reduce(stopped, prepared(state, 1)) == stopped
    once = reduce(state, prepared(state, 1))
    assert reduce(once, replace(prepared(state, 1), coordinator_port=9)) == once


def test_a_process_gets_its_pid():
    state = launched()
    asked_for = events.ProcessStarted(id=ProcessId("p"), title="P", argv=("p",), endpoint="127.0.0.1:1")
    state = reduce(state, asked_for)
    state = reduce(state, replace(asked_for, pid=42))
    (process,) = state.processes
    assert (process.pid, process.phase, process.endpoint) == (42, ProcessPhase.STARTING, "127.0.0.1:1")


def test_the_pid_of_a_process_nobody_knows_is_a_late_word():
    late = events.ProcessStarted(id=ProcessId("p"), title="P", argv=("p",), pid=42)
    assert reduce(launched(), late).processes == ()


def test_ready_is_said_once_and_only_while_starting():
    state = ready()
    again = events.ProcessReady(id=COORDINATOR, at_seconds=9999.0)
    assert reduce(state, again) == state
    assert reduce(state, replace(again, id=ProcessId("nobody"))) == state


def test_ready_after_how_long():
    state = reduce(launched(), events.ProcessStarted(id=COORDINATOR, title="llama-server", argv=("l",)))
    assert state.run_phase is RunPhase.LOADING_MODEL
    state = reduce(state, events.ProcessReady(id=COORDINATOR, at_seconds=12.5))
    assert state.run.ready_after_seconds == 7.5
    assert state.run_phase is RunPhase.READY


def test_the_first_end_is_the_fault_and_its_consequences_are_not():
    state = ready()
    state = replace(state, choices=replace(state.choices, recovery=RecoveryMode.NEVER))
    first = state.processes[0].id
    state = reduce(state, events.ProcessEnded(id=first, outcome=UNASKED, problem=WORKER))
    assert (state.run_phase, state.problems) == (RunPhase.FAILED, (WORKER,))
    state = reduce(state, events.ProcessEnded(id=COORDINATOR, outcome=UNASKED, problem=LATER))
    assert state.problems == (WORKER,)
    assert state.run_phase is RunPhase.FAILED


def test_an_end_is_told_once():
    state = reduce(ready(), events.ProcessEnded(id=COORDINATOR, outcome=UNASKED, problem=LATER))
    assert reduce(state, events.ProcessEnded(id=COORDINATOR, outcome=ASKED)) == state


def test_stopped_when_the_last_one_is_gone():
    state = reduce(ready(), events.StopAsked())
    assert state.run_phase is RunPhase.STOPPING
    for process in ready().processes:
        assert state.run_phase is RunPhase.STOPPING
        state = reduce(state, events.ProcessStopping(id=process.id))
        state = reduce(state, events.ProcessEnded(id=process.id, outcome=ASKED))
    assert state.run_phase is RunPhase.STOPPED
    assert alive(state) == ()


def test_stopped_as_a_last_resort_without_being_asked_first():
    state = reduce(ready(), events.ProcessEnded(id=COORDINATOR, outcome=ASKED))
    assert find(state, COORDINATOR).phase is ProcessPhase.STOPPED


def test_stopping_what_has_ended_changes_nothing():
    state = reduce(ready(), events.ProcessEnded(id=COORDINATOR, outcome=ASKED))
    assert reduce(state, events.ProcessStopping(id=COORDINATOR)) == state
    assert reduce(state, events.ProcessStopping(id=ProcessId("nobody"))) == state


def test_late_layers_do_not_bring_a_run_back():
    layers = events.LayersReported(layers=((0, "RPC0"),))
    stopped = replace(ready(), run_wanted=False, run_phase=RunPhase.STOPPED, run=None)
    assert reduce(stopped, layers) == stopped
    after_stop = reduce(replace(ready(), run_wanted=False, run_phase=RunPhase.STOPPED), layers)
    assert (after_stop.run_phase, after_stop.run_wanted) == (RunPhase.STOPPED, False)


@pytest.mark.parametrize(
    "event",
    [
        events.BuffersReported(buffers=()),
        events.PipelineReported(pipelined=True),
        events.BenchmarkDone(timings=timings()),
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_report_without_a_run_is_dropped(event):
    assert reduce(plan_shown(), event) == plan_shown()


def test_only_the_last_ten_minutes_are_kept():
    state = ready()
    for second in range(KEPT_SAMPLES + 5):
        sample = ThroughputSample(at_seconds=second, decode_tokens_per_second=1.0, prefill_tokens_per_second=None)
        state = reduce(state, events.ThroughputMeasured(sample=sample))
    assert len(state.throughput) == KEPT_SAMPLES
    assert state.throughput[-1].at_seconds == KEPT_SAMPLES + 4


def test_the_benchmark_stands_beside_its_own_prediction_only():
    state = reduce(ready(), events.BenchmarkDone(timings=timings(3.0)))
    plan = state.run.plan
    assert state.run.benchmark == timings(3.0)
    for variant, before in zip(state.variants, ready().variants, strict=True):
        own = (variant.policy, variant.layout, variant.given) == (plan.policy, plan.layout, None)
        assert variant.measured == (timings(3.0) if own else before.measured)
