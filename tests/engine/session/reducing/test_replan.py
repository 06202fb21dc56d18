"""From what is known to a plan, the comparison and the commands."""

import shlex
from dataclasses import replace

from engine.session import events
from engine.session.reducing.reduce import reduce
from engine.session.reducing.replan import VARIANTS, replanned
from engine.session.state import ClusterState
from engine.vocabulary.plan import Plan, PlanRefused, Policy, RunShape
from engine.vocabulary.worker import Layout
from tests.fakes.fake_outside import TIMINGS, TWO_WORKERS, Fakes, planned_session


def planned(choices=TWO_WORKERS):
    return planned_session(Fakes(), choices)[0].snapshot()


def test_nothing_is_planned_from_nothing():
    assert replanned(ClusterState()).plan is None


def test_every_variant_and_no_pair_twice():
    pairs = [(variant.policy, variant.layout) for variant in planned().variants]
    assert tuple(pairs) == VARIANTS


def test_a_chosen_pair_that_is_no_variant_is_added():
    state = planned(replace(TWO_WORKERS, policy=Policy.EVEN, layout=Layout.TRADITIONAL))
    pairs = [(variant.policy, variant.layout) for variant in state.variants]
    assert pairs == [*VARIANTS, (Policy.EVEN, Layout.TRADITIONAL)]


def test_commands_of_every_process():
    commands = planned().commands
    assert [command.argv[0] for command in commands] == ["/fake/bin/ggml-rpc-server"] * 2 + ["/fake/bin/llama-server"]
    assert shlex.split(commands[0].shell)[:2] == ["sh", "-c"]
    assert shlex.split(commands[0].shell)[2].startswith("trap '' PIPE; exec ")


def test_workers_switched_off_are_left_out():
    state = planned()
    left_out = frozenset({state.offers[0].id})
    state = reduce(state, events.ChoicesChanged(choices=replace(TWO_WORKERS, left_out=left_out)))
    assert [worker.id for worker in state.plan.used_workers] == [state.offers[1].id]
    assert len(state.offers) == 2, "it is still shown"


def test_all_workers_switched_off_is_a_refusal():
    everything = frozenset(offer.id for offer in planned().offers)
    state = reduce(planned(), events.ChoicesChanged(choices=replace(TWO_WORKERS, left_out=everything)))
    assert isinstance(state.plan, PlanRefused)
    assert "switched off" in state.plan.reasons[0]
    assert state.commands == ()


def test_a_measurement_is_kept_for_exactly_the_same_plan():
    state = planned()
    measured = tuple(replace(variant, measured=TIMINGS) for variant in state.variants)
    state = replace(state, variants=measured)
    assert all(variant.measured == TIMINGS for variant in replanned(state).variants if isinstance(variant.result, Plan))
    other_shape = replace(TWO_WORKERS, shape=RunShape(context_tokens=512))
    state = reduce(state, events.ChoicesChanged(choices=other_shape))
    assert all(variant.measured is None for variant in state.variants)
