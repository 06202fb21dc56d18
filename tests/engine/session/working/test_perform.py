"""Starting and stopping processes at unlucky moments, through a whole session on fakes."""

from dataclasses import replace

import pytest

from engine.cluster.servers import COORDINATOR
from engine.ports import RpcState
from engine.session.state import RunPhase
from engine.session.working.perform import HURRIED_STOP_SECONDS, STOP_SECONDS
from engine.vocabulary.running.problem import ProblemKind
from engine.vocabulary.running.process import ProcessPhase
from engine.vocabulary.running.recovery import RecoveryMode
from tests.fakes.ports.fake_process_starter import FakeProgram
from tests.fakes.ports.fake_remote import a_target
from tests.fakes.sessions.fake_lab import FakeLab
from tests.fakes.sessions.fake_outside import (
    TWO_WORKERS,
    Fakes,
    planned_session,
    settle,
)


@pytest.fixture
def fakes():
    return Fakes()


def test_a_worker_that_exits_with_0_while_starting_fails_the_run(fakes):
    fakes.starter.will_run("ggml-rpc-server", FakeProgram(lines=("Failed to bind: port taken",), exit_code=0))
    session, _jobs = planned_session(fakes)
    session.launch()
    state = settle(session)
    assert state.run_phase is RunPhase.FAILED
    assert fakes.starter.running() == ()
    (problem,) = state.problems
    assert problem.kind is ProblemKind.WORKER
    assert "Failed to bind: port taken" in problem.happened, "its last words, though it ended before start() returned"
    assert COORDINATOR not in [process.spec.id for process in fakes.starter.started]


def test_a_missing_program_fails_the_run(fakes):
    fakes.starter.will_run("ggml-rpc-server", FakeProgram(why_it_cannot_start="it may not be run"))
    session, _jobs = planned_session(fakes)
    session.launch()
    state = settle(session)
    assert state.run_phase is RunPhase.FAILED
    assert "it may not be run" in state.problems[0].happened
    assert state.problems[0].where.startswith("127.0.0.1:")


def test_a_worker_that_never_answers_fails_the_run(fakes):
    fakes.asker.state, fakes.clock.step = "busy", 20.0
    session, _jobs = planned_session(fakes)
    session.launch()
    state = settle(session)
    assert state.run_phase is RunPhase.FAILED
    assert "did not answer within 30 s" in state.problems[0].happened
    assert fakes.starter.running() == ()


def test_stopping_while_workers_start(fakes):
    fakes.asker.state = "gone"
    session, _jobs = planned_session(fakes)
    session.launch()
    settle(session)
    session.stop()
    state = settle(session)
    assert state.run_phase is RunPhase.STOPPED
    assert fakes.starter.running() == ()
    assert state.problems == ()


def test_stopping_a_worker_whose_job_has_not_begun(fakes):
    session, jobs = planned_session(fakes)
    ids = [f"rpc-server 127.0.0.1:{port}" for port in (50052, 50053)]
    jobs.held.update(ids)
    session.launch()
    settle(session)
    session.stop()
    state = settle(session)
    assert state.run_phase is RunPhase.STOPPED
    assert {process.outcome.rung for process in state.processes} == {"never started"}
    jobs.run_held()
    assert settle(session) == state
    assert fakes.starter.started == []


def test_stopping_a_worker_while_the_starter_works(fakes):
    session, _jobs = planned_session(fakes)
    fakes.starter.while_starting = lambda _spec: (session.stop(), session.drain(), session.drain())
    session.launch()
    state = settle(session)
    assert len(fakes.starter.started) >= 1
    assert fakes.starter.running() == (), "it came into being after it was told to stop"
    assert state.run_phase is RunPhase.STOPPED
    assert all(process.phase is ProcessPhase.STOPPED for process in state.processes)


@pytest.mark.parametrize("broken", [True, False])
def test_what_is_left_of_a_broken_run_is_given_no_time(fakes, broken):
    session, _jobs = planned_session(fakes, replace(TWO_WORKERS, recovery=RecoveryMode.AUTOMATIC))
    session.launch()
    settle(session)
    first, *others = fakes.starter.running()
    if broken:
        first.exit(-9)
    else:
        session.stop()
    settle(session)
    assert {process.grace_seconds for process in others} == {HURRIED_STOP_SECONDS if broken else STOP_SECONDS}


def test_a_worker_counts_only_when_it_is_reached_through_its_tunnel():
    lab = FakeLab("one")
    lab.here.ask = lambda host, port, *, timeout_seconds: RpcState(state="gone" if port >= 51000 else "idle")
    state = lab.launch()
    phases = {process.id: process.phase for process in state.processes}
    assert phases["tunnel ada@one"] is ProcessPhase.READY
    assert phases["rpc-server 127.0.0.1:51072"] is ProcessPhase.STARTING
    assert COORDINATOR not in phases
    assert lab.machines["one"].asker.asked[-1] == 50052, "asked on its own machine by its own port"


def test_no_worker_is_asked_after_the_launch():
    lab = FakeLab("one")
    lab.launch()
    asked = [list(asker.asked) for asker in (lab.here, lab.machines["one"].asker)]
    assert asked == [[51072, 50052], [50052]], "each once: a server in use that loses a prober dies of it"
    settle(lab.session)
    assert [list(asker.asked) for asker in (lab.here, lab.machines["one"].asker)] == asked


def test_a_tunnel_that_never_opens_fails_the_run():
    lab = FakeLab("one")
    lab.here.is_free, lab.fakes.clock.step = (lambda host, port: True), 20.0
    state = lab.launch()
    assert state.run_phase is RunPhase.FAILED
    assert "The tunnel to one did not open within 30 s." in [problem.happened for problem in state.problems]
    assert lab.n_running() == 0


def test_a_machine_lost_between_plan_and_start_fails_the_run_with_its_name():
    lab = FakeLab("one")
    lab.jobs.held.add("rpc-server 127.0.0.1:51072")
    lab.session.launch()
    settle(lab.session)
    held = lab.session.remotes._held[a_target("one")]
    held.machine = None
    lab.jobs.run_held()
    state = settle(lab.session)
    assert state.run_phase is RunPhase.FAILED
    assert "There is no connection to one now." in [problem.happened for problem in state.problems]
    assert lab.n_running() == 0


def test_no_tunnel_to_a_machine_that_is_lost():
    lab = FakeLab("one")
    lab.session._performer._machine_of = lambda _id: None
    state = lab.launch()
    assert state.run_phase is RunPhase.FAILED
    assert "There is no connection to one now." in [problem.happened for problem in state.problems]
    assert lab.n_running() == 0


def test_an_open_worker_is_started_on_its_address_and_asked_there():
    lab = FakeLab("one", lan={"one": "10.0.0.7"})
    asked = []

    def ask(host, port, *, timeout_seconds):
        asked.append((host, port))
        return RpcState(state="idle")

    lab.here.ask = lab.machines["one"].asker.ask = ask
    state = lab.launch()
    assert state.run_phase is RunPhase.READY
    assert [spec.argv[1:5] for spec in lab.started("one")] == [("-H", "10.0.0.7", "-p", "50052")]
    assert [spec for spec in lab.started("here") if spec.argv[0] == "ssh"] == []
    assert asked[:2] == [("10.0.0.7", 50052)] * 2
