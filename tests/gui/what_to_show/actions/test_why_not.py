"""Reasons why something cannot be done, state by state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.session.plan_runs.in_background import MEASURE_PLANS
from engine.session.state import Activity, RunPhase, RuntimePhase
from gui.what_to_show.actions import why_not
from tests.fakes.states import cluster_states as states
from tests.fakes.states import remote_states


@pytest.mark.parametrize(
    ("reason", "state", "words"),
    [
        (why_not.change, states.plan_shown(), ""),
        (why_not.change, states.ready(), "The cluster is running: stop it first."),
        (why_not.change, replace(states.ready(), closing=True), "Crossply is closing."),
        (why_not.launch, states.plan_shown(), ""),
        (why_not.launch, states.no_model(), "No model is chosen."),
        (why_not.launch, states.ready(), "It is running already."),
        (why_not.launch, replace(states.plan_shown(), closing=True), "Waiting for the processes to end."),
        (why_not.stop, states.plan_shown(), "Nothing is running."),
        (why_not.stop, states.loading(), ""),
        (why_not.stop, replace(states.ready(), run_wanted=False, run_phase=RunPhase.STOPPING), "It is being stopped."),
        (why_not.launch, states.worker_failed(), "Waiting for the processes to end."),
        (why_not.serve, states.loading(), "No model is being served: launch first."),
        (why_not.serve, states.ready(), ""),
        (why_not.measure, states.plan_shown(), ""),
        (why_not.measure, states.no_model(), "No model is chosen."),
        (why_not.measure, states.runtime_missing(), "There are no llama.cpp programs or no workers yet."),
        (why_not.measure, states.ready(), "The cluster is running: stop it first."),
        (why_not.answer, states.ready(), "No machine has a question."),
        (why_not.answer, remote_states.with_remotes(remote_states.asking()), ""),
        (why_not.build, states.runtime_missing(), ""),
        (why_not.build, states.installing(), "It is being built."),
        (why_not.build, states.looking(), "Still looking for the llama.cpp programs."),
        (why_not.build, states.ready(), "This machine has llama.cpp programs."),
        (why_not.copy_to_all, states.ready(), "No machine needs this machine's llama.cpp."),
        (why_not.copy_to_all, remote_states.with_remotes(remote_states.no_runtime()), ""),
        (why_not.copy_commands, states.plan_shown(), ""),
        (why_not.copy_commands, states.no_model(), "There is no plan that could be run, so there are no commands."),
    ],
)
def test_the_reason(reason, state, words: str) -> None:
    assert reason(state) == words


def test_a_refused_plan_cannot_be_measured_and_says_what_is_missing() -> None:
    assert why_not.measure(states.plan_refused()) == ""
    assert "13.1 GB are missing" in why_not.measure_plans(states.plan_refused())


def test_plans_are_not_measured_twice_at_once() -> None:
    busy = replace(states.plan_shown(), activities=(Activity(id=MEASURE_PLANS, title="Measuring plans"),))
    assert why_not.measure_plans(busy) == "Plans are being measured."
    assert busy.runtime_phase is RuntimePhase.READY
