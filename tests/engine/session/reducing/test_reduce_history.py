"""Events of the comparison and of the history."""

from dataclasses import replace

from engine.planning.policies.moved_boundary import moved_boundary, seats_of_workers
from engine.session import events
from engine.session.reducing.reduce import reduce
from engine.vocabulary.comparison import Comparison
from tests.fakes.sessions.fake_outside import MODEL, Fakes, planned_session
from tests.fakes.states.run_records import a_record

NOTHING = Comparison(rows=(), workers=())


def planned():
    return planned_session(Fakes())[0].snapshot()


def test_a_comparison_of_other_plans_is_dropped():
    state = planned()
    assert reduce(state, events.Compared(variants=state.variants, comparison=NOTHING)).comparison is NOTHING
    late = replace(state, variants=state.variants[:1])
    assert reduce(late, events.Compared(variants=state.variants, comparison=NOTHING)).comparison is state.comparison


def test_a_comparison_outlives_a_boundary_that_is_moved_meanwhile():
    state = planned()
    split = moved_boundary(seats_of_workers(state.plan.used_workers), 0, 1)
    moved = reduce(state, events.ChoicesChanged(choices=replace(state.choices, given=split)))
    assert moved.variants != state.variants
    assert reduce(moved, events.Compared(variants=state.variants, comparison=NOTHING)).comparison is NOTHING


def test_history_of_a_model_that_is_no_longer_chosen_is_dropped():
    state = planned()
    runs = (a_record(9.0),)
    assert reduce(state, events.HistoryRead(path="/other", model_hash="abc", runs=runs)) is state
    after = reduce(state, events.HistoryRead(path=MODEL, model_hash="abc", runs=runs))
    assert (after.history, after.model_hash) == (runs, "abc")


def test_a_run_comes_first_and_once_and_changes_no_plan():
    state = planned()
    state = reduce(state, events.RunRecorded(launch=0, record=a_record(9.0, id="1")))
    state = reduce(state, events.RunRecorded(launch=0, record=a_record(9.0, id="2")))
    again = reduce(state, events.RunRecorded(launch=0, record=a_record(9.0, 10.0, id="1")))
    assert [record.id for record in again.history] == ["1", "2"]
    assert len(again.history[0].samples) == 2
    assert again.plan is state.plan
