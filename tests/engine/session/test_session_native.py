"""A whole session on fakes whose plan is this machine's CPU in llama-server itself: one process, and nothing beneath it."""

from dataclasses import replace

import pytest

from engine.cluster.servers import COORDINATOR
from engine.session.state import RunPhase
from engine.session.telling.as_json import state_json
from engine.vocabulary.plan import Policy
from tests.fakes.sessions.fake_outside import TWO_WORKERS, Fakes, planned_session, settle


@pytest.fixture
def fakes():
    return Fakes()


def test_a_cpu_in_llama_server_itself_is_one_process_with_its_worker(fakes):
    session, _jobs = planned_session(fakes, replace(TWO_WORKERS, cpu_workers=1, policy=Policy.FASTEST, native=True))
    assert session.snapshot().plan.native_cpu, "both ways are predicted from published figures, native without the call"
    session.launch()
    settle(session)
    state = session.snapshot()
    assert state.run_phase is RunPhase.READY
    assert state.problems == ()
    assert state.run.layer_map.matches
    (process,) = state.processes
    assert (process.id, process.worker_ids) == (COORDINATOR, ("this-machine/cpu",))
    (spec,) = [each.spec for each in fakes.starter.started]
    assert spec.memory_limit_bytes == state.offers[0].safe_bytes
    described = state_json(state)
    assert described["plan"]["workers"][0]["endpoint"] is None
    assert described["plan"]["workers"][0]["exposure"] == "in llama-server itself"
    assert [(each["workers"], each["exposure"]) for each in described["processes"]] == [(["this-machine/cpu"], None)]
    session.stop()
    settle(session)
    assert session.snapshot().run_phase is RunPhase.STOPPED
    assert fakes.starter.running() == ()


def test_a_native_run_that_loses_llama_server_fails_and_says_so(fakes):
    session, _jobs = planned_session(fakes, replace(TWO_WORKERS, cpu_workers=1, policy=Policy.FASTEST, native=True))
    session.launch()
    settle(session)
    fakes.starter.process("llama-server").exit(134)
    settle(session)
    state = session.snapshot()
    assert state.run_phase is RunPhase.FAILED
    assert "llama-server ended by signal 6" in state.problems[-1].happened
