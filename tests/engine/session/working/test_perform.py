"""Starting and stopping processes at unlucky moments, through a whole session on fakes."""

import pytest

from engine.cluster.servers import COORDINATOR
from engine.session.state import RunPhase
from engine.vocabulary.problem import ProblemKind
from engine.vocabulary.process import ProcessPhase
from tests.fakes.fake_outside import (
    Fakes,
    planned_session,
    settle,
)
from tests.fakes.fake_process_starter import FakeProgram


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
