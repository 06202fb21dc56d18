"""What is taken from llama-server's lines and counters."""

import contextlib
from dataclasses import replace

import pytest

from engine.cluster.servers import COORDINATOR
from engine.errors import Cancelled, CoordinatorUnusable
from engine.ports import Counters
from engine.session import events
from engine.session.working.watch_coordinator import CoordinatorWatch, is_debug, sample_between
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.running.process import ProcessSpec
from engine.vocabulary.worker import native
from tests.fakes.sessions.fake_outside import FakeClock, FakeCoordinator, Fakes, FakeToken, lines_for
from tests.fakes.states.cluster_states import ready

DEBUG = "0.09.000.000 D slot process_token: next token: 'secret'"
INFO = "0.09.000.000 I srv: hello"


def counters(decoded=0.0, decode_s=0.0, prompt=0.0, prompt_s=0.0, decoding=()):
    return Counters(
        prompt_tokens=prompt, prompt_seconds=prompt_s, decoded_tokens=decoded, decode_seconds=decode_s, decoding=decoding
    )


@pytest.fixture
def posted():
    return []


@pytest.fixture
def watch(posted):
    return CoordinatorWatch(replace(ready().run, benchmark=None), posted.append)


@pytest.fixture
def process(watch):
    fakes = Fakes()
    return fakes.starter.start(ProcessSpec(id=COORDINATOR, argv=("llama-server",)), watch.take, lambda _outcome: None)


def test_a_request_that_ended_in_between_gives_llama_servers_own_figure():
    before, now = counters(), counters(decoded=64, decode_s=2.0, prompt=512, prompt_s=0.5)
    sample = sample_between(before, now, before_seconds=0.0, now_seconds=1.0)
    assert sample.decode_tokens_per_second == 32.0
    assert sample.prefill_tokens_per_second == 1024.0


def test_a_request_that_goes_on_gives_tokens_over_wall_time():
    before, now = counters(decoding=((1, 10), (2, 5))), counters(decoding=((1, 30), (2, 15), (3, 99)))
    sample = sample_between(before, now, before_seconds=10.0, now_seconds=12.0)
    assert sample.decode_tokens_per_second == 15.0
    assert sample.prefill_tokens_per_second is None


def test_nothing_done_is_a_gap_and_not_a_zero():
    same = counters(decoded=64, decode_s=2.0, prompt=5, prompt_s=1.0)
    sample = sample_between(same, same, before_seconds=0.0, now_seconds=1.0)
    assert (sample.decode_tokens_per_second, sample.prefill_tokens_per_second) == (None, None)
    first = sample_between(None, same, before_seconds=0.0, now_seconds=0.0)
    assert first.decode_tokens_per_second == 32.0


@pytest.mark.parametrize(
    ("line", "debug"),
    [
        (DEBUG, True),
        ("\x1b[36m" + DEBUG, True),
        ('{"type":"log","time":1,"level":"debug","msg":"x"}', True),
        (INFO, False),
        ("ggml_abort: failed", False),
        ('{"type":"log","time":1,"level":"info","msg":"x"}', False),
    ],
)
def test_debug_lines(line, debug):
    assert is_debug(line) is debug


def test_debug_lines_are_kept_while_loading_and_dropped_once_serving(watch, process, posted):
    for line in lines_for(ready().run.plan):
        assert watch.take(line) is not None
    assert watch.take(DEBUG) is not None
    with pytest.raises(Cancelled):
        watch.follow(process, FakeCoordinator(), FakeClock(), FakeToken())
    assert watch.take(DEBUG) is None
    assert watch.take(INFO) is not None
    assert watch.take(INFO) is None, "the same again is not kept"


def test_what_it_posts_in_order(watch, process, posted):
    for line in lines_for(ready().run.plan):
        watch.take(line)
    with pytest.raises(Cancelled):
        watch.follow(process, FakeCoordinator(), FakeClock(), FakeToken(waits=1))
    assert [type(event).__name__ for event in posted[:4]] == [
        "LayersReported", "ProcessReady", "BenchmarkDone", "ThroughputMeasured",
    ]  # fmt: skip


def test_a_plan_that_was_measured_in_this_launch_is_not_measured_again(posted):
    fakes = Fakes()
    watch = CoordinatorWatch(ready().run, posted.append)
    process = fakes.starter.start(ProcessSpec(id=COORDINATOR, argv=("llama-server",)), watch.take, lambda _outcome: None)
    with pytest.raises(Cancelled):
        watch.follow(process, FakeCoordinator(), FakeClock(step=1.0), FakeToken())
    assert not any(isinstance(event, events.BenchmarkDone) for event in posted)
    assert any(isinstance(event, events.ThroughputMeasured) for event in posted)


def test_what_is_to_be_told_before_ready_comes_before(process, posted):
    watch = CoordinatorWatch(ready().run, posted.append, before_ready=lambda: posted.append("carried"))
    with pytest.raises(Cancelled):
        watch.follow(process, FakeCoordinator(), FakeClock(step=1.0), FakeToken())
    told = [event if isinstance(event, str) else type(event).__name__ for event in posted]
    assert told.index("carried") == told.index("ProcessReady") - 1


def test_lines_that_come_after_health_are_waited_for(watch, process, posted):
    class LateLines(FakeToken):
        def wait(self, seconds):
            for line in lines_for(ready().run.plan):
                watch.take(line)
            super().wait(seconds)

    with pytest.raises(Cancelled):
        watch.follow(process, FakeCoordinator(), FakeClock(), LateLines(waits=1))
    names = [type(event).__name__ for event in posted]
    assert names.index("LayersReported") < names.index("ProcessReady")


def test_one_that_ends_while_loading_is_told_by_others(watch, process, posted):
    process.exit(1)
    watch.follow(process, FakeCoordinator(ready=False), FakeClock(), FakeToken())
    assert posted == []


def test_a_failed_standard_request_is_a_problem_but_not_the_end(watch, process, posted):
    watch.take("x")
    client = FakeCoordinator(fails=CoordinatorUnusable("HTTP 500.", advice="See the log."))
    with pytest.raises(Cancelled):
        watch.follow(process, client, FakeClock(step=1.0), FakeToken())
    problems = [event for event in posted if isinstance(event, events.ProblemHappened)]
    assert [(event.problem.happened, event.ends_run) for event in problems] == [("HTTP 500.", False)]
    assert not any(isinstance(event, events.ThroughputMeasured) for event in posted), "a gap in the curve"


def test_a_standard_request_cut_short_by_its_death_is_told_by_others(watch, process, posted):
    client = FakeCoordinator(fails=CoordinatorUnusable("gone"), while_measuring=lambda: process.exit(134))
    watch.follow(process, client, FakeClock(step=1.0), FakeToken(waits=9))
    assert [type(event).__name__ for event in posted] == ["ProcessReady"]


def test_layers_kept_on_the_coordinator_are_a_problem(watch, posted):
    watch.take("0.00.741.900 I load_tensors: offloaded 3/5 layers to GPU")
    (_layers, problem) = posted
    assert "kept 2 of 5 layers" in problem.problem.happened


def test_buffers_are_those_of_their_worker(watch, posted):
    server = ready().run.servers[0]
    watch.take(f"0.00.570.506 I load_tensors: RPC0[{server.endpoint}] model buffer size =   2.00 MiB")
    watch.take("0.00.570.506 I load_tensors:   CPU_Mapped model buffer size =   1.00 MiB")
    first, second = posted[-1].buffers
    assert (first.worker_id, first.weights_bytes) == (server.worker_ids[0], 2 << 20)
    assert second.worker_id == "CPU_Mapped"


def test_pipelining(watch, posted):
    watch.take("0.02.009.748 I llama_context: pipeline parallelism enabled")
    assert posted == [events.PipelineReported(pipelined=True)]


def natively(run):
    """The first worker's whole model in llama-server itself."""
    worker = run.plan.used_workers[0]
    offer = replace(native(worker.offer, None), kind=DeviceKind.CPU, runtime_name="CPU")
    alone = replace(worker, offer=offer, first_layer=0, n_layers=run.plan.model.n_layers, holds_output=True)
    return replace(run, servers=(), plan=replace(run.plan, workers=(alone,)))


def test_a_native_cpu_has_the_coordinators_buffers_and_every_layer(posted):
    run = natively(ready().run)
    watch = CoordinatorWatch(run, posted.append)
    watch.take("0.00.741.900 I load_tensors: offloaded 0/65 layers to GPU")
    assert [type(event).__name__ for event in posted] == ["LayersReported"]
    for name in ("CPU_Mapped", "CPU_REPACK"):
        watch.take(f"0.00.570.506 I load_tensors:   {name} model buffer size =   1.00 MiB")
    watch.take("0.00.570.506 I sched_reserve:        CPU compute buffer size =    3.00 MiB")
    (held,) = posted[-1].buffers
    assert held.worker_id == run.plan.used_workers[0].id
    assert (held.weights_bytes, held.mapped_bytes, held.compute_bytes) == (2 << 20, 1 << 20, 3 << 20)


class Asking:
    """Somebody who asks for a while: an idle time for each look at it, the last one for ever."""

    def __init__(self, *idle):
        self.idle = list(idle)

    def __call__(self):
        return self.idle.pop(0) if len(self.idle) > 1 else self.idle[0]


def follow(posted, idle_seconds, n_waits):
    watch = CoordinatorWatch(replace(ready().run, benchmark=None), posted.append, idle_seconds=idle_seconds)
    process = Fakes().starter.start(ProcessSpec(id=COORDINATOR, argv=("llama-server",)), watch.take, lambda _outcome: None)
    client = FakeCoordinator()
    with contextlib.suppress(Cancelled):
        watch.follow(process, client, FakeClock(step=1.0), FakeToken(waits=n_waits))
    return client.measured, [type(event).__name__ for event in posted]


def test_who_waited_for_the_run_comes_before_the_standard_request(posted):
    asked, names = follow(posted, Asking(0.0, 0.0, 2.9, 3.0), 5)
    assert asked == [(512, 64)]
    assert names.index("BenchmarkDone") > names.index("ThroughputMeasured") + 2


def test_one_that_fails_is_not_sent_again(posted):
    watch = CoordinatorWatch(replace(ready().run, benchmark=None), posted.append)
    process = Fakes().starter.start(ProcessSpec(id=COORDINATOR, argv=("llama-server",)), watch.take, lambda _outcome: None)
    client = FakeCoordinator()
    client.fails = CoordinatorUnusable("It said no.", advice="")
    with contextlib.suppress(Cancelled):
        watch.follow(process, client, FakeClock(step=1.0), FakeToken(waits=9))
    assert len(client.measured) == 1
    assert [event.problem.happened for event in posted if isinstance(event, events.ProblemHappened)] == ["It said no."]
