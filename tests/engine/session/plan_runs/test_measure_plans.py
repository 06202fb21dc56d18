"""Which plans are measured, and what is said of the samples."""

from dataclasses import replace

from engine.session.plan_runs.measure_plans import best_subjects, spread
from engine.vocabulary.plan import Policy
from engine.vocabulary.worker import Layout
from tests.fakes.sessions.fake_outside import TWO_WORKERS, Fakes, planned_session


def test_the_chosen_plan_comes_first_and_no_plan_twice():
    state = planned_session(Fakes(), replace(TWO_WORKERS, policy=Policy.EVEN, layout=Layout.TRADITIONAL))[0].snapshot()
    titles = [subject.title for subject in best_subjects(state, 9)]
    assert titles[0] == "even, traditional"
    assert "traditional" not in titles, "one worker holds everything either way"
    assert len(best_subjects(state, 2)) == 2
    assert len(best_subjects(state, None)) == len(state.variants)


def test_spread_is_of_the_median():
    assert spread([9.0, 10.0, 12.0]) == 0.3
    assert spread([9.0]) is None
