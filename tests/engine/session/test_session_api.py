"""A session and the API in front of its runs, on fakes."""

from dataclasses import replace

import pytest

from engine.session.session import Session
from engine.session.state import Choices, RunPhase
from engine.vocabulary.running.api import ApiOpened, ApiPlace, ServingPhase
from tests.fakes.ports.fake_process_starter import FakeProgram
from tests.fakes.sessions.fake_outside import TWO_WORKERS, FakeJobs, Fakes, lines_for, planned_session, settle


@pytest.fixture
def fakes():
    return Fakes()


def running(fakes):
    session, jobs = planned_session(fakes)
    session.launch()
    settle(session)
    assert session.snapshot().run_phase is RunPhase.READY
    return session, jobs


def test_the_api_is_told_what_stands_behind_it_and_nothing_else(fakes):
    session, _jobs = running(fakes)
    phases = [serving.phase for serving in fakes.gateway.told]
    assert phases == [ServingPhase.NOTHING, ServingPhase.COMING, ServingPhase.READY]
    assert fakes.gateway.told[-1].url == session.snapshot().run.coordinator_url
    session.stop()
    settle(session)
    assert fakes.gateway.told[-1].phase is ServingPhase.NOTHING
    session.launch()
    settle(session)
    assert session.snapshot().run.api_url == "http://127.0.0.1:8080", "the same as before"
    assert fakes.gateway.told[-1].phase is ServingPhase.READY


def test_the_api_can_be_opened_before_anything_runs_and_for_others_while_it_does(fakes):
    session, _jobs = planned_session(fakes)
    session.open_api(ApiPlace())
    assert settle(session).api == ApiOpened(url="http://127.0.0.1:8080")
    session.launch()
    settle(session)
    wide = ApiPlace(network_address="10.0.0.7")
    session.open_api(wide)
    state = settle(session)
    assert (state.api_place, state.api.network_url) == (wide, "http://10.0.0.7:8080")
    assert state.run_phase is RunPhase.READY
    session.stop()
    settle(session)
    session.launch()
    settle(session)
    assert fakes.gateway.places[-1] == wide, "a relaunch opens what the person said"


def test_our_own_questions_do_not_go_through_the_api(fakes):
    asked = []
    outside = replace(fakes.outside(), coordinator_client=lambda url: asked.append(url) or fakes.coordinator)
    session = Session(outside, Choices(), jobs=FakeJobs())
    session._jobs.on_bug = session.on_bug
    session.look_again()
    session.choose(TWO_WORKERS)
    settle(session)
    fakes.starter.will_run("llama-server", FakeProgram(lines=lines_for(session.snapshot().plan)))
    session.launch()
    settle(session)
    session.ask("why?")
    assert set(asked) == {"http://127.0.0.1:18080"}
