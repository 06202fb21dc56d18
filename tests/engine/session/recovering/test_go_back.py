"""When going back to a machine is worth a start, and what it does."""

from dataclasses import replace

import pytest

from engine.session.recovering.go_back import MOST_CALM_SECONDS, better_plan, calm_seconds, missed_by, there_again
from engine.session.recovering.steps import go_back
from engine.session.state import RunPhase
from engine.vocabulary.plan import Policy
from engine.vocabulary.running.recovery import Recovery, RecoveryMode, RecoveryStep, RunBefore
from tests.fakes.states import recovery_states
from tests.fakes.states.cluster_pieces import NOW
from tests.fakes.states.cluster_states import plan_refused, ready
from tests.fakes.states.recovery_states import a_cost

STATE = recovery_states.there_again()


def test_it_is_worth_it_when_the_plan_is_faster():
    assert better_plan(STATE) is STATE.plan
    assert there_again(STATE) == ("gpu-node",)


@pytest.mark.parametrize("without", [18.4, 18.2, 25.0])
def test_a_gain_of_less_than_2_percent_is_not(without):
    assert better_plan(recovery_states.there_again(decode_without=without)) is None


def test_under_another_policy_it_is_what_was_chosen():
    slower = recovery_states.there_again(decode_without=25.0)
    plan, less = (replace(plan, policy=Policy.EVEN) for plan in (slower.plan, slower.run.plan))
    assert better_plan(replace(slower, plan=plan, run=replace(slower.run, plan=less))) is plan


def test_where_no_speed_is_known_it_is():
    state = recovery_states.there_again(decode_without=None)
    assert better_plan(state) is state.plan


@pytest.mark.parametrize(
    "state",
    [
        ready(),
        replace(STATE, plan=plan_refused().plan),
        replace(STATE, run_wanted=False),
        replace(STATE, closing=True),
        replace(STATE, run_phase=RunPhase.LOADING_MODEL),
        replace(STATE, recovery=replace(STATE.recovery, step=RecoveryStep.STARTING)),
        replace(STATE, recovery=replace(STATE.recovery, missed=())),
        replace(STATE, plan=replace(STATE.plan, policy=Policy.MEMORY)),
        replace(STATE, plan=replace(STATE.plan, workers=STATE.plan.workers[1:])),
        replace(STATE, plan=replace(STATE.plan, shape=replace(STATE.plan.shape, context_tokens=512))),
        replace(STATE, plan=replace(STATE.plan, model=replace(STATE.plan.model, path="/models/other.gguf"))),
    ],
    ids=[
        "nothing lost",
        "no plan",
        "stops",
        "closes",
        "loads",
        "recovers",
        "not lost",
        "policy",
        "switched off",
        "shape",
        "model",
    ],
)
def test_otherwise_it_is_left_alone(state):
    assert better_plan(state) is None
    assert go_back(state) is state


def test_the_run_is_stopped_first_and_then_started_without_a_question():
    state = go_back(replace(recovery_states.there_again(RecoveryMode.ASK), processes=ready().processes))
    assert (state.run_phase, state.recovery.step) == (RunPhase.RECOVERING, RecoveryStep.STOPPING)
    assert (state.recovery.fault, state.recovery.happened) == (None, "gpu-node is there again.")
    stopped = go_back(replace(recovery_states.there_again(RecoveryMode.ASK), processes=()))
    assert (stopped.recovery.step, stopped.recovery.next_try_at_seconds) == (RecoveryStep.WAITING, NOW)


def test_what_is_missed_stays_known_until_it_is_used():
    """Also over a second machine that is lost meanwhile."""
    whole, less = STATE.plan, STATE.run.plan
    recovery = Recovery(before=RunBefore(plan=whole, served=True))
    assert missed_by(recovery, less) == ("gpu-node",)
    again = replace(recovery, missed=("gpu-node",), before=RunBefore(plan=less, served=True))
    assert missed_by(again, less) == ("gpu-node",)
    assert missed_by(again, whole) == ()
    assert missed_by(Recovery(), whole) == ()


def test_every_further_break_doubles_the_wait():
    times = [calm_seconds(Recovery(history=(a_cost(),) * n)) for n in range(12)]
    assert times[:4] == [30, 30, 60, 120]
    assert times[-1] == MOST_CALM_SECONDS


def test_a_service_that_came_back_thousands_of_times_is_waited_for_as_long():
    assert calm_seconds(Recovery(history=(a_cost(),), n_forgotten=5000)) == MOST_CALM_SECONDS
