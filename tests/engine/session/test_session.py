"""A whole session on fakes: what is started, in which order it is stopped, and what is said when something fails."""

import time
from dataclasses import replace

import pytest

from engine.cluster.servers import COORDINATOR
from engine.errors import CoordinatorUnusable
from engine.planning.policies.moved_boundary import moved_boundary, seats_of_workers
from engine.session import events
from engine.session.session import Session
from engine.session.state import Choices, RunPhase
from engine.vocabulary.plan import PlanRefused
from engine.vocabulary.running.problem import ProblemKind
from engine.vocabulary.running.process import ProcessPhase
from engine.vocabulary.running.throughput import ThroughputSample
from tests.fakes.ports.fake_process_starter import FakeProgram
from tests.fakes.sessions.fake_outside import (
    MODEL,
    OTHER_MODEL,
    TIMINGS,
    TWO_WORKERS,
    FakeJobs,
    Fakes,
    lines_for,
    planned_session,
    settle,
)


@pytest.fixture
def fakes():
    return Fakes()


def running(fakes):
    session, jobs = planned_session(fakes)
    session.launch()
    settle(session)
    assert session.snapshot().run_phase is RunPhase.READY
    return session, jobs


def end_order(fakes):
    """Names of the programs in the order in which they were asked to end."""
    order = []
    for process in fakes.starter.started:
        end = process._end

        def note(outcome, end=end, id_=process.spec.id):
            order.append(id_)
            return end(outcome)

        process._end = note
    return order


def test_from_launch_to_measured_to_stopped(fakes):
    session, _jobs = running(fakes)
    state = session.snapshot()
    first, second, coordinator = (process.spec.id for process in fakes.starter.started)
    assert first.startswith("rpc-server")
    assert second.startswith("rpc-server")
    assert coordinator == COORDINATOR
    assert [process.phase for process in state.processes] == [ProcessPhase.READY] * 3
    assert all(process.pid is not None for process in state.processes)
    assert state.run.layer_map.matches
    assert state.run.benchmark == TIMINGS
    assert state.problems == ()
    assert fakes.n_prunings == 1

    order = end_order(fakes)
    session.stop()
    state = settle(session)
    assert order[0] == COORDINATOR
    assert len(order) == 3
    assert state.run_phase is RunPhase.STOPPED
    assert [process.phase for process in state.processes] == [ProcessPhase.STOPPED] * 3
    assert state.problems == ()


def test_llama_server_waits_until_every_worker_answers(fakes):
    fakes.asker.state = "gone"
    session, _jobs = planned_session(fakes)
    session.launch()
    state = settle(session)
    assert state.run_phase is RunPhase.STARTING_WORKERS
    assert [process.spec.id[:10] for process in fakes.starter.started] == ["rpc-server", "rpc-server"]
    for process in state.processes:
        session.post(events.ProcessReady(id=process.id, at_seconds=0.0))
    assert settle(session).run_phase is RunPhase.READY


def test_a_worker_that_dies_while_running_takes_everything_down(fakes):
    session, _jobs = running(fakes)
    fakes.starter.started[0].say("ggml: error: out of memory")
    fakes.starter.started[0].exit(-11)
    state = settle(session)
    assert state.run_phase is RunPhase.FAILED
    assert fakes.starter.running() == ()
    (problem,) = state.problems
    assert "SIGSEGV" in problem.happened
    assert "out of memory" in problem.happened
    assert state.processes[0].phase is ProcessPhase.FAILED
    assert state.processes[1].phase is ProcessPhase.STOPPED


def test_a_coordinator_that_aborts_is_explained(fakes):
    session, _jobs = running(fakes)
    coordinator = fakes.starter.process(COORDINATOR)
    coordinator.say("/src/ggml/src/ggml-rpc/ggml-rpc.cpp:650: Remote RPC server crashed or returned malformed response")
    coordinator.exit(134)
    state = settle(session)
    assert state.run_phase is RunPhase.FAILED
    assert fakes.starter.running() == ()
    (problem,) = state.problems
    assert problem.kind is ProblemKind.COORDINATOR
    assert "nobody asked" not in problem.happened, "the crash line is recognised"
    assert "Remote RPC server crashed" in problem.details


def test_a_crash_does_not_quote_what_users_asked(fakes):
    session, _jobs = running(fakes)
    coordinator = fakes.starter.process(COORDINATOR)
    coordinator.say("0.09.000.000 D slot process_token: id 0 | next token: 'secret'", "0.09.000.001 E srv failed")
    coordinator.exit(-11)
    state = settle(session)
    assert "secret" not in state.problems[0].details
    assert "srv failed" in state.problems[0].details
    assert not any("secret" in line for line in session.logs.lines(COORDINATOR)[1])


def test_stopping_while_preparing_starts_nothing_afterwards(fakes):
    session, jobs = planned_session(fakes)
    jobs.held.add("prepare")
    session.launch()
    settle(session)
    session.stop()
    assert settle(session).run_phase is RunPhase.STOPPED
    jobs.run_held()
    state = settle(session)
    assert state.run is None
    assert fakes.starter.started == []


def test_a_new_launch_is_not_given_the_plan_of_the_one_that_was_stopped(fakes):
    session, jobs = planned_session(fakes)
    jobs.held.add("prepare")
    session.launch()
    settle(session)
    session.stop()
    settle(session)
    session.choose(replace(TWO_WORKERS, cpu_workers=1))
    settle(session)
    fakes.starter.will_run("llama-server", FakeProgram(lines=lines_for(session.snapshot().plan)))
    session.launch()
    settle(session)
    jobs.run_held()
    state = settle(session)
    assert jobs.started.count("prepare") == 2
    assert len(state.run.plan.used_workers) == 1
    assert len(state.processes) == 2
    assert state.run_phase is RunPhase.READY


def test_launching_twice_starts_once(fakes):
    session, jobs = running(fakes)
    session.launch()
    session.launch()
    settle(session)
    assert len(fakes.starter.started) == 3
    assert jobs.started.count("prepare") == 1


def test_launching_again_after_a_stop(fakes):
    session, _jobs = running(fakes)
    session.stop()
    settle(session)
    session.launch()
    state = settle(session)
    assert state.run_phase is RunPhase.READY
    assert len(fakes.starter.running()) == 3
    assert state.n_launches == 2


def test_a_refused_plan_cannot_be_launched(fakes):
    fakes.probe.take_ram(fakes.probe.cpu.ram_total_bytes)
    session, jobs = planned_session(fakes)
    assert isinstance(session.snapshot().plan, PlanRefused)
    session.launch()
    state = settle(session)
    assert not state.run_wanted
    assert "prepare" not in jobs.started


def test_another_runtime_chosen_meanwhile_does_not_mix_into_the_run(fakes):
    fakes.asker.state = "gone"
    session, _jobs = planned_session(fakes)
    session.launch()
    state = settle(session)
    other = replace(state.runtime, llama_server="/other/llama-server", rpc_server="/other/rpc-server")
    session.post(
        events.RuntimesFound(runtimes=(other,), runtime=other, dialect=state.dialect, server_options=state.server_options)
    )
    for process in state.processes:
        session.post(events.ProcessReady(id=process.id, at_seconds=0.0))
    settle(session)
    assert fakes.starter.process(COORDINATOR).spec.argv[0] == "/fake/bin/llama-server"


def test_a_map_that_differs_is_a_problem(fakes):
    session, _jobs = planned_session(fakes)
    plan = session.snapshot().plan
    fakes.starter.will_run("llama-server", FakeProgram(lines=lines_for(plan, moved={3: "CPU"})))
    session.launch()
    state = settle(session)
    assert state.run_phase is RunPhase.READY
    (problem,) = state.problems
    assert problem.kind is ProblemKind.LAYER_MAP
    assert "layer 3 is on CPU" in problem.happened


def test_a_map_that_is_not_reported_is_a_problem(fakes):
    fakes.clock.step = 1.0
    session, _jobs = planned_session(fakes)
    fakes.starter.will_run("llama-server", FakeProgram())
    session.launch()
    state = settle(session)
    assert state.run_phase is RunPhase.READY
    assert "did not report" in state.problems[0].happened


def test_a_port_in_use_gets_the_next_free_one(fakes):
    fakes.asker.taken, fakes.gateway.taken = {50052, 18080}, {8080}
    session, _jobs = running(fakes)
    run = session.snapshot().run
    assert [server.port for server in run.servers] == [50053, 50054]
    assert (run.api_url, run.coordinator_url) == ("http://127.0.0.1:8081", "http://127.0.0.1:18081")
    assert 50052 not in fakes.asker.asked, "what listens there is left alone"


def test_stopping_during_the_standard_request_is_no_problem(fakes):
    session, jobs = planned_session(fakes)
    fakes.coordinator.fails = CoordinatorUnusable("It does not answer.")
    fakes.coordinator.while_measuring = lambda: jobs.cancel(COORDINATOR)
    session.launch()
    settle(session)
    session.stop()
    assert settle(session).problems == ()


def test_closing_ends_everything_and_says_so(fakes):
    """With the session's own thread: it must end by itself."""
    session, jobs = running(fakes)
    jobs.close = lambda _seconds: ()
    order = end_order(fakes)
    session.close()
    session._run()
    state = session.snapshot()
    assert state.closed
    assert order[0] == COORDINATOR
    assert fakes.starter.running() == ()


def test_closing_gives_up_on_a_process_that_does_not_end(fakes, caplog):
    session, jobs = running(fakes)
    jobs.close = lambda _seconds: ("stop llama-server",)
    jobs.held.add(f"stop {COORDINATOR}")
    fakes.clock.step = 10.0
    session.close()
    session._run()
    assert session.snapshot().closed
    assert fakes.starter.running() == (), "the last resort"
    assert "stop llama-server" in caplog.text


def test_a_job_that_raises_a_bug_is_a_problem_and_ends_the_run(fakes):
    session, _jobs = planned_session(fakes)

    def explode(_spec):
        raise ZeroDivisionError("oops")

    fakes.starter.while_starting = explode
    session.launch()
    state = settle(session)
    assert state.problems[0].kind is ProblemKind.BUG
    assert "ZeroDivisionError: oops" in state.problems[0].happened
    assert state.run_phase is RunPhase.FAILED
    assert all(process.phase in (ProcessPhase.FAILED, ProcessPhase.STOPPED) for process in state.processes)


def test_a_bad_event_does_not_end_the_session(fakes, caplog):
    session, _jobs = planned_session(fakes)
    session.post("no event at all")
    state = settle(session)
    assert state.problems[0].kind is ProblemKind.BUG
    assert "could not be taken in" in caplog.text
    session.launch()
    assert settle(session).run_phase is RunPhase.READY


def test_ten_thousand_events_in_one_drain_are_fast(fakes):
    session, _jobs = running(fakes)
    sample = ThroughputSample(at_seconds=1.0, decode_tokens_per_second=5.0, prefill_tokens_per_second=None)
    for _ in range(10_000):
        session.post(events.ThroughputMeasured(sample=sample))
    before = time.process_time()
    session.drain()
    assert time.process_time() - before < 2.0
    assert len(session.snapshot().throughput) == 600


def test_choosing_away_and_back_before_anything_is_drained_reads_the_model_again(fakes):
    session, _jobs = planned_session(fakes)
    session.choose(replace(TWO_WORKERS, model_path=OTHER_MODEL))
    session.choose(TWO_WORKERS)
    state = settle(session)
    assert state.model is not None
    assert state.model.path == MODEL


def test_another_runtime_folder_is_looked_at(fakes):
    session, jobs = planned_session(fakes)
    n = jobs.started.count("look")
    session.choose(replace(TWO_WORKERS, runtime_folder="/nowhere"))
    state = settle(session)
    assert jobs.started.count("look") == n + 1
    assert state.runtime is None
    assert state.problems[-1].kind is ProblemKind.RUNTIME


def test_a_question_grows_an_answer(fakes):
    session, _jobs = running(fakes)
    session.ask("What?")
    answer = settle(session).answer
    assert (answer.text, answer.finished, answer.timings) == ("Paris", True, TIMINGS)


def test_a_question_without_a_run_is_not_asked(fakes):
    session, jobs = planned_session(fakes)
    session.ask("What?")
    assert settle(session).answer is None
    assert "ask" not in jobs.started


def test_a_problem_can_be_dismissed(fakes):
    session, _jobs = planned_session(fakes, replace(TWO_WORKERS, runtime_folder="/nowhere"))
    first, *others = session.snapshot().problems
    session.dismiss(first)
    assert list(settle(session).problems) == others


def test_calibrating_and_installing_are_activities_that_end(fakes):
    session, _jobs = planned_session(fakes)
    session.install_runtime()
    session.calibrate()
    state = settle(session)
    assert state.activities == ()
    assert state.n_activities_ended == 2


def test_a_session_that_was_never_started_has_ended(fakes):
    assert Session(fakes.outside(), Choices(), jobs=FakeJobs()).join(0.0)


def test_its_own_thread_looks_and_ends(fakes):
    """The real thread and real jobs, on fakes."""
    published = []
    session = Session(fakes.outside(), TWO_WORKERS, publish=published.append)
    session.start()
    with pytest.raises(RuntimeError, match="started once"):
        session.start()
    session.close()
    assert session.join(10.0)
    assert session.snapshot().closed


def test_a_moved_boundary_is_planned_and_nothing_is_compared_or_started_for_it(fakes):
    session, jobs = planned_session(fakes)
    before, started = session.snapshot(), list(jobs.started)
    split = moved_boundary(seats_of_workers(before.plan.used_workers), 0, 1)
    session.choose(replace(before.choices, given=split))
    state = settle(session)
    assert state.plan.tensor_split == (1, 8)
    assert state.comparison is before.comparison
    assert jobs.started == started
    assert fakes.starter.started == []


def test_what_happens_has_the_time_at_which_it_was_taken_in(fakes):
    session, _jobs = planned_session(fakes)
    fakes.clock.seconds = 250.0
    session.launch()
    session.drain()
    state = session.snapshot()
    assert state.watched.moments[0].at_seconds == 250.0
    assert abs(time.time() - 250.0 - state.zero_is_at_seconds) < 60.0
