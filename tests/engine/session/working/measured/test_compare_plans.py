"""The comparison follows the plans."""

from dataclasses import replace

from engine.session.state import ClusterState
from engine.session.working.measured.compare_plans import compare_plans, comparison_of
from engine.vocabulary.comparison import Approach
from engine.vocabulary.plan import RunShape
from tests.fakes.sessions.fake_outside import TWO_WORKERS, Fakes, planned_session, settle


def test_the_session_compares_whatever_it_plans():
    session, jobs = planned_session(Fakes())
    before = session.snapshot().comparison
    assert [row.approach for row in before.rows] == list(Approach)
    assert [worth.worker_id for worth in before.workers] == ["this-machine/cpu-0", "this-machine/cpu-1"]
    session.choose(replace(TWO_WORKERS, reserve_fraction=0.5))
    after = settle(session).comparison
    assert after.row(Approach.FASTEST).usable_bytes < before.row(Approach.FASTEST).usable_bytes
    n_jobs = jobs.started.count("compare")
    settle(session)
    assert jobs.started.count("compare") == n_jobs


def test_the_rows_are_what_the_columns_show():
    state = planned_session(Fakes())[0].snapshot()
    for variant in state.variants:
        if variant.approach is not None:
            assert state.comparison.row(variant.approach).result == variant.result


def test_without_a_model_or_with_nobody_left_there_is_none():
    assert comparison_of(ClusterState()) is None
    posted = []
    compare_plans(ClusterState(), posted.append)
    assert posted == []
    session, _jobs = planned_session(Fakes())
    everybody = frozenset(offer.id for offer in session.snapshot().offers)
    session.choose(replace(TWO_WORKERS, left_out=everybody))
    assert comparison_of(settle(session)) is None


def test_an_impossible_shape_is_no_bug():
    state = planned_session(Fakes(), replace(TWO_WORKERS, shape=RunShape(cache_type_k="nonsense")))[0].snapshot()
    assert comparison_of(state) is None
    assert state.problems == ()
