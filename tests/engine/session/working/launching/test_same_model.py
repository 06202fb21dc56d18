"""A model's file that was replaced, or taken away, between the plan and its launch."""

from dataclasses import replace

import pytest

from engine.session.state import RunPhase
from engine.vocabulary.plan import Plan
from tests.fakes.sessions.fake_outside import MODEL, Fakes, a_model, planned_session, settle


@pytest.fixture
def fakes():
    return Fakes()


def launched_after(fakes, change):
    session, _jobs = planned_session(fakes)
    assert session.snapshot().model_hash
    change(fakes.models)
    session.launch()
    return settle(session)


def replaced_by(model):
    def change(models):
        models.models[MODEL] = model
        models.hash_of = lambda _model: "another"

    return change


def test_a_file_that_was_replaced_is_planned_anew_and_not_launched(fakes):
    larger = a_model(n_layers=9)
    state = launched_after(fakes, replaced_by(larger))
    assert (state.run_phase, fakes.starter.started) == (RunPhase.FAILED, [])
    assert f"{MODEL} is not the file that was planned" in state.problems[-1].happened
    assert isinstance(state.plan, Plan)
    assert state.plan.model == larger


def test_a_file_that_is_gone_is_said_before_anything_is_started(fakes):
    def change(models):
        del models.models[MODEL]
        models.hash_of = lambda _model: ""

    state = launched_after(fakes, change)
    assert (state.run_phase, fakes.starter.started) == (RunPhase.FAILED, [])
    assert f"{MODEL} is not a GGUF file." in state.problems[-1].happened


def test_other_weights_of_the_same_sizes_are_launched_as_planned(fakes):
    state = launched_after(fakes, replaced_by(replace(a_model())))
    assert state.run_phase is RunPhase.READY
