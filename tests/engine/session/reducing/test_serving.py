"""What a client of the API can expect, from the state."""

from dataclasses import replace

import pytest

from engine.session.reducing.serving import serving_of
from engine.session.state import ClusterState, RunPhase
from engine.vocabulary.running.api import ServingPhase
from engine.vocabulary.running.recovery import Recovery, RecoveryStep
from engine.vocabulary.running.throughput import LoadProgress
from tests.fakes.states.cluster_states import ready, starting


def test_ready_is_at_llama_servers_own_address():
    state = ready()
    state = replace(state, run=replace(state.run, coordinator_url="http://127.0.0.1:18080"))
    serving = serving_of(state)
    assert (serving.phase, serving.url) == (ServingPhase.READY, "http://127.0.0.1:18080")


@pytest.mark.parametrize("phase", RunPhase)
def test_every_phase_has_an_answer_in_words_or_an_address(phase):
    serving = serving_of(replace(ready(), run_phase=phase))
    assert (serving.phase is ServingPhase.READY) == (phase is RunPhase.READY)
    assert bool(serving.doing) == (phase is not RunPhase.READY)
    coming = (RunPhase.STARTING_WORKERS, RunPhase.LOADING_MODEL, RunPhase.RECOVERING)
    assert (serving.phase is ServingPhase.COMING) == (phase in coming)


def test_before_anything_and_when_it_closes_nothing_will_come():
    assert serving_of(ClusterState()).phase is ServingPhase.NOTHING
    assert serving_of(replace(ready(), closing=True)).phase is ServingPhase.NOTHING
    assert serving_of(replace(starting(), closing=True)).doing == "Crossply is closing."


def test_while_the_model_loads_the_rest_is_expected_to_go_as_fast_as_the_beginning():
    state = replace(ready(), run_phase=RunPhase.LOADING_MODEL, now_seconds=30.0)

    def expected(done_bytes):
        load = LoadProgress(done_bytes=done_bytes, total_bytes=1000)
        return serving_of(replace(state, run=replace(state.run, load=load, started_at_seconds=10.0))).expected_seconds

    assert expected(500) == pytest.approx(20.0)
    assert expected(1000) == 0.0
    assert expected(99) is None, "too early to tell"
    assert serving_of(replace(state, run=replace(state.run, load=None))).expected_seconds is None


def test_a_launch_whose_ports_are_not_known_yet_is_on_its_way():
    serving = serving_of(replace(ready(), run=None, run_phase=RunPhase.STARTING_WORKERS))
    assert (serving.phase, serving.expected_seconds) == (ServingPhase.COMING, None)


def test_a_broken_run_is_coming_after_its_pause_and_as_long_as_it_took_before():
    state = ready()
    waiting = Recovery(step=RecoveryStep.WAITING, next_try_at_seconds=state.now_seconds + 4.0)
    serving = serving_of(replace(state, run_phase=RunPhase.RECOVERING, recovery=waiting))
    assert serving.phase is ServingPhase.COMING
    assert serving.expected_seconds == pytest.approx(state.run.ready_after_seconds + 4.0)


def test_while_a_person_is_asked_nothing_is_promised():
    asking = Recovery(step=RecoveryStep.ASKING)
    serving = serving_of(replace(ready(), run_phase=RunPhase.RECOVERING, recovery=asking))
    assert serving.phase is ServingPhase.NOTHING
    assert "asked" in serving.doing
