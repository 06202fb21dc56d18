"""Which runs are of a plan."""

from dataclasses import replace

import pytest

from engine.session.reducing.planned.measured_before import (
    is_same_run,
    medians,
    plan_key,
    record_key,
    runs_of,
    timings_of,
    with_measured,
)
from engine.vocabulary.comparison import Approach, Comparison, ComparisonRow
from engine.vocabulary.plan import PlanRefused, Policy, RunShape
from engine.vocabulary.worker import Layout
from tests.fakes.sessions.fake_outside import RUNTIME
from tests.fakes.states.cluster_plans import plan_of
from tests.fakes.states.run_records import a_record, a_sample

PLAN = plan_of({"a/cpu-0": 4, "a/cpu-1": 5})
REFUSED = PlanRefused(policy=Policy.FASTEST, layout=Layout.PER_DEVICE, reasons=("no",))


def test_a_record_of_a_plan_has_its_key():
    assert plan_key(PLAN) == record_key(a_record())
    assert plan_key(plan_of({"a/cpu-0": 5, "a/cpu-1": 4})) != record_key(a_record())
    assert plan_key(plan_of({"a/cpu-0": 4, "a/cpu-1": 5}, shape=RunShape(slots=2))) != record_key(a_record())
    assert plan_key(PLAN) != record_key(a_record(layout="per-machine"))
    assert plan_key(REFUSED) is None


def test_only_runs_of_this_model_that_measured_something():
    good, silent, other = a_record(9.0), a_record(), a_record(9.0, model=replace(a_record().model, hash="other"))
    assert runs_of((good, silent, other), PLAN, "abc", RUNTIME) == (good,)
    assert runs_of((good,), PLAN, "", RUNTIME) == ()
    assert runs_of((good,), REFUSED, "abc", RUNTIME) == ()


def test_a_run_with_another_build_measured_another_llama_cpp():
    run = a_record(9.0)
    for other in (
        replace(RUNTIME, commit="fffffff"),
        replace(RUNTIME, id="elsewhere"),
        replace(RUNTIME, build_number=1),
        None,
    ):
        assert runs_of((run,), PLAN, "abc", other) == ()


def test_medians_are_over_all_counted_samples():
    one = a_record(samples=(a_sample(1.0, 1.0, warm_up=True), a_sample(8.0, 80.0)))
    two = a_record(samples=(a_sample(10.0, 90.0), a_sample(12.0, 100.0)))
    assert medians((one, two)) == (10.0, 90.0)
    timings = timings_of((one, two))
    assert timings.decode_tokens_per_second == pytest.approx(10.0)
    assert timings.prefill_tokens_per_second == pytest.approx(90.0)
    assert medians(()) == (None, None)
    assert timings_of(()) is None


def test_the_same_run_is_of_the_same_model_file():
    assert is_same_run(PLAN, PLAN)
    assert not is_same_run(plan_of({"a/cpu-0": 4, "a/cpu-1": 5}, path="/models/other.gguf"), PLAN)
    assert not is_same_run(REFUSED, PLAN)


def test_rows_of_a_comparison_get_theirs():
    rows = tuple(
        ComparisonRow(approach=approach, result=result, usable_bytes=1, largest_context_tokens=None)
        for approach, result in ((Approach.FASTEST, PLAN), (Approach.HYBRID, REFUSED))
    )
    measured = with_measured(Comparison(rows=rows, workers=()), (a_record(9.0), a_record(11.0)), "abc", RUNTIME)
    first, second = measured.rows
    assert (first.measured_decode_tokens_per_second, first.n_runs) == (10.0, 2)
    assert (second.measured_decode_tokens_per_second, second.n_runs) == (None, 0)
