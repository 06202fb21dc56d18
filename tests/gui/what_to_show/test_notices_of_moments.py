"""What is worth a notification, and what is not."""

from __future__ import annotations

from dataclasses import replace

from engine.session.plan_runs.in_background import MEASURE_PLANS
from engine.session.state import Activity, ClusterState
from gui.what_to_show.notices_of_moments import MomentWatch
from tests.fakes.states import cluster_states as states


def titles(*seen: tuple[float, ClusterState]) -> list[str]:
    watch = MomentWatch()
    return [notification.title for at, state in seen for notification in watch.see(state, at)]


def ready_after(seconds: float) -> ClusterState:
    base = states.ready()
    assert base.run is not None
    return replace(base, run=replace(base.run, ready_after_seconds=seconds))


def measuring() -> ClusterState:
    return replace(states.plan_shown(), activities=(Activity(id=MEASURE_PLANS, title="Measuring plans"),))


def test_a_model_that_took_long_is_told_once() -> None:
    seen = [(0.0, states.loading()), (14.0, ready_after(14.2)), (15.0, replace(ready_after(14.2), now_seconds=3.0))]
    assert titles(*seen) == ["Qwen3 32B is being served"]


def test_what_was_over_at_once_is_not_told() -> None:
    assert titles((0.0, states.loading()), (6.0, ready_after(6.0))) == []


def test_what_came_about_before_the_window_opened_is_not_told() -> None:
    assert titles((0.0, ready_after(60.0))) == []
    assert titles((0.0, states.worker_failed())) == []


def test_a_failure_is_told_however_quick_it_was() -> None:
    watch = MomentWatch()
    watch.see(states.ready(), 0.0)
    (told,) = watch.see(states.worker_failed(), 0.5)
    assert told.failed
    assert told.title == "The run failed"
    assert told.words.startswith("rpc-server for cuda:0 ended by signal 11")
    assert watch.see(states.worker_failed(), 1.0) == ()


def test_plans_are_told_when_all_are_measured_and_not_each_launch() -> None:
    serving = replace(ready_after(20.0), activities=measuring().activities)
    failed = replace(states.worker_failed(), activities=measuring().activities)
    seen = [(0.0, states.plan_shown()), (1.0, measuring()), (30.0, serving), (40.0, failed), (200.0, states.plan_shown())]
    assert titles(*seen) == ["Plans were measured"]
    assert titles((0.0, measuring()), (5.0, states.plan_shown())) == []


def test_closing_is_silent() -> None:
    assert titles((0.0, states.ready()), (1.0, replace(states.worker_failed(), closing=True))) == []
