"""From what is known to a plan, the comparison and the commands."""

import shlex
from dataclasses import replace

import pytest

from engine.planning.policies.moved_boundary import moved_boundary, seats_of_workers
from engine.session import events
from engine.session.reducing.planned import replan
from engine.session.reducing.planned.replan import VARIANTS, native_offers_of, replanned, replanned_column, standing_variants
from engine.session.reducing.reduce import reduce
from engine.session.state import ClusterState
from engine.vocabulary.comparison import Approach
from engine.vocabulary.plan import GivenSplit, Plan, PlanRefused, Policy, RunShape
from engine.vocabulary.worker import Exposure, Layout, Speed, WorkerId
from tests.fakes.sessions.fake_outside import OTHER_MODEL, TIMINGS, TWO_WORKERS, Fakes, planned_session
from tests.fakes.states.run_records import a_record, a_worker


def planned(choices=TWO_WORKERS):
    return planned_session(Fakes(), choices)[0].snapshot()


def test_nothing_is_planned_from_nothing():
    assert replanned(ClusterState()).plan is None


def test_the_four_approaches_then_the_others_and_what_is_chosen():
    variants = planned().variants
    assert [variant.approach for variant in variants[:4]] == [
        Approach.FASTEST,
        Approach.TRADITIONAL,
        Approach.HYBRID,
        Approach.LLAMA_CPP,
    ]
    assert [variant.given is None for variant in variants] == [True, True, False, False, True, True]
    pairs = [(variant.policy, variant.layout) for variant in variants if variant.given is None]
    assert pairs == [*VARIANTS, (Policy.EVEN, Layout.PER_DEVICE)]


def test_a_given_split_is_chosen_by_its_column():
    state = planned()
    hybrid = state.variants[2]
    assert isinstance(hybrid.result, Plan)
    chosen = replace(state.choices, policy=hybrid.policy, layout=hybrid.layout, given=hybrid.given)
    state = reduce(state, events.ChoicesChanged(choices=chosen))
    assert isinstance(state.plan, Plan)
    assert state.plan.used_workers == hybrid.result.used_workers
    assert len(state.variants) == 5
    elsewhere = GivenSplit(name="run 1", seats=((WorkerId("gone"), 8),))
    state = reduce(state, events.ChoicesChanged(choices=replace(chosen, given=elsewhere)))
    assert state.plan.reasons == ("run 1 needs gone, which is not here.",)
    assert state.variants[-1].given == elsewhere


def moved(state, layer):
    """The choices with the first boundary of the plan in front of this layer."""
    split = moved_boundary(seats_of_workers(state.plan.used_workers), 0, layer)
    return replace(state.choices, given=split)


def test_a_boundary_moved_by_hand_is_a_column_of_its_own_and_plans_nothing_else_anew():
    before = planned()
    state = reduce(before, events.ChoicesChanged(choices=moved(before, 1)))
    assert isinstance(state.plan, Plan)
    assert state.plan.tensor_split == (1, 8)
    assert state.variants[-1].given == state.choices.given
    assert state.variants[-1].largest_context_tokens is not None
    standing = standing_variants(before.variants)
    assert len(state.variants) == len(standing) + 1
    assert all(one is other for one, other in zip(standing, state.variants, strict=False))
    assert [command.argv for command in state.commands] != [command.argv for command in before.commands]
    full = replanned(state)
    assert (full.plan, full.commands) == (state.plan, state.commands)
    assert full.variants == state.variants
    again = reduce(state, events.ChoicesChanged(choices=replace(state.choices, given=None)))
    assert (again.plan, again.variants) == (before.plan, before.variants)


def test_another_policy_or_layout_plans_only_its_own_column(monkeypatch):
    before, asked = planned(), []
    split_layers = replan.split_layers
    monkeypatch.setattr(replan, "split_layers", lambda request: asked.append(request) or split_layers(request))
    for policy, layout in ((Policy.MEMORY, Layout.PER_DEVICE), (Policy.EVEN, Layout.PER_MACHINE), VARIANTS[0]):
        asked.clear()
        state = reduce(before, events.ChoicesChanged(choices=replace(before.choices, policy=policy, layout=layout)))
        assert len(asked) == (0 if (policy, layout) in VARIANTS else 1)
        full = replanned(state)
        assert (full.plan, full.variants, full.commands) == (state.plan, state.variants, state.commands)
        assert full.offers == state.offers
        before = state
    for other, state in (
        (replace(before.choices, prompt_share=0.5), before),
        (replace(before.choices, policy=Policy.EVEN), replace(before, n_launches=1)),  # what ran may have left other speeds
    ):
        asked.clear()
        reduce(state, events.ChoicesChanged(choices=other))
        assert len(asked) > len(VARIANTS)


def test_a_split_by_hand_meets_other_sizes_and_is_refused_with_its_shares():
    state = planned()
    state = reduce(state, events.ChoicesChanged(choices=moved(state, 1)))
    large = replace(state.choices, reserve_fraction=0.9999)
    state = reduce(state, events.ChoicesChanged(choices=large))
    assert isinstance(state.plan, PlanRefused)
    assert [worker.n_layers for worker in state.plan.wished] == [1, 7]
    assert state.commands == ()


def test_without_a_model_a_split_plans_nothing():
    state = replanned_column(replace(planned(), model=None, variants=()))
    assert (state.plan, state.variants) == (None, ())


def test_a_prediction_from_refined_speeds_says_so_and_is_another():
    state = planned(replace(TWO_WORKERS, cpu_workers=1))
    (offer,) = state.offers
    speed = Speed(read_bytes_per_second=1e9, compute_flops_per_second=1e12, measured=True)
    state = reduce(state, events.SpeedsMeasured(speeds=((offer.id, speed),)))
    before = state.plan.predicted
    worker = a_worker(offer.id, 8, description=offer.description, threads=offer.threads, decode_share=1.0)
    runs = tuple(a_record(5.0, id=str(n), workers=(worker,)) for n in range(3))
    state = reduce(state, events.HistoryRead(path=state.choices.model_path, model_hash="abc", runs=runs))
    after = state.plan.predicted
    assert after.basis == f"{before.basis}; refined from 3 runs"
    assert after.decode_tokens_per_second < before.decode_tokens_per_second
    assert dict(state.speeds)[offer.id] == speed, "what was measured stays as it was"


def test_what_the_history_measured_stands_beside_the_same_plan():
    state = planned(replace(TWO_WORKERS, policy=Policy.FASTEST))
    plan = state.variants[2].result
    placed = tuple(a_worker(w.id, w.n_layers, holds_output=w.holds_output) for w in plan.used_workers)
    runs = (a_record(9.0, id="1", workers=placed), a_record(11.0, id="2", workers=placed), a_record(99.0, id="3"))
    state = reduce(state, events.HistoryRead(path=state.choices.model_path, model_hash="abc", runs=runs))
    assert state.variants[2].measured.decode_tokens_per_second == pytest.approx(10.0)


def with_a_measured_plan():
    state = planned(replace(TWO_WORKERS, policy=Policy.FASTEST))
    plan = state.variants[2].result
    placed = tuple(a_worker(w.id, w.n_layers, holds_output=w.holds_output) for w in plan.used_workers)
    runs = (a_record(9.0, workers=placed),)
    return reduce(state, events.HistoryRead(path=state.choices.model_path, model_hash="abc", runs=runs)), runs


def test_what_one_model_measured_is_not_said_of_the_next_one():
    state, runs = with_a_measured_plan()
    assert any(variant.measured for variant in state.variants)
    other = replace(state.model, path=OTHER_MODEL)
    state = reduce(state, events.ChoicesChanged(choices=replace(state.choices, model_path=other.path)))
    state = reduce(state, events.ModelRead(path=other.path, model=other))
    assert not any(variant.measured for variant in state.variants), "the history was not asked about this file yet"
    state = reduce(state, events.HistoryRead(path=other.path, model_hash="other", runs=runs))
    assert not any(variant.measured for variant in state.variants)


def test_what_a_file_measured_is_not_said_of_the_one_that_took_its_name():
    state, _runs = with_a_measured_plan()
    other = replace(state.model, size_label="another")
    state = reduce(state, events.ModelRead(path=other.path, model=other))
    assert state.variants
    assert not any(variant.measured for variant in state.variants)


def test_what_one_build_measured_is_not_said_of_the_next_one():
    state, _runs = with_a_measured_plan()
    newer = replace(state.runtime, commit="fffffff")
    found = events.RuntimesFound(runtimes=(newer,), runtime=newer, dialect=state.dialect, server_options=state.server_options)
    state = reduce(state, found)
    assert state.variants
    assert not any(variant.measured for variant in state.variants)


def test_a_chosen_pair_that_is_no_variant_is_added():
    state = planned(replace(TWO_WORKERS, policy=Policy.EVEN, layout=Layout.TRADITIONAL))
    pairs = [(variant.policy, variant.layout) for variant in state.variants if variant.given is None]
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


ONE_WORKER = replace(TWO_WORKERS, cpu_workers=1, policy=Policy.FASTEST, native=True)
FAST = Speed(read_bytes_per_second=2e9, compute_flops_per_second=2e12, overhead_seconds=0.0, measured=True)
OVER_RPC = Speed(read_bytes_per_second=1e9, compute_flops_per_second=1e12, measured=True)


def test_the_coordinators_cpu_is_used_by_llama_server_itself_where_that_is_faster():
    state = planned(ONE_WORKER)
    (offer,) = state.offers
    assert not offer.is_native, "what there is to choose from stays what it was"
    (itself,) = native_offers_of(state)
    state = reduce(state, events.SpeedsMeasured(speeds=((offer.id, OVER_RPC), (itself.speed_id, FAST))))
    assert state.plan.native_cpu.offer.speed == FAST
    assert [command.title for command in state.commands] == ["llama-server"]
    assert "-dev none -ngl 0" in state.commands[0].shell
    fastest, traditional, hybrid, default = state.variants[:4]
    assert fastest.result.native_cpu
    assert not any(column.result.native_cpu for column in (traditional, hybrid, default))
    never = reduce(state, events.ChoicesChanged(choices=replace(state.choices, native=False)))
    assert never.plan.native_cpu is None
    assert native_offers_of(never) == ()


def test_two_cpu_workers_are_there_to_try_a_split():
    assert native_offers_of(planned(replace(ONE_WORKER, cpu_workers=2))) == ()


def test_its_runs_are_kept_apart_from_those_over_rpc():
    state = planned(ONE_WORKER)
    (offer,) = state.offers
    (itself,) = native_offers_of(state)
    state = reduce(state, events.SpeedsMeasured(speeds=((offer.id, OVER_RPC), (itself.speed_id, FAST))))
    about = {"description": offer.description, "threads": offer.threads, "decode_share": 1.0, "holds_output": True}
    natively = a_worker(offer.id, 8, exposure=Exposure.NATIVE.value, **about)
    runs = tuple(a_record(20.0, id=str(n), workers=(natively,)) for n in range(3))
    state = reduce(state, events.HistoryRead(path=state.choices.model_path, model_hash="abc", runs=runs))
    assert [id_ for id_, _ in state.refinements] == [itself.speed_id]
    assert state.plan.predicted.basis.endswith("refined from 3 runs")
    fastest, traditional = state.variants[:2]
    assert fastest.measured.decode_tokens_per_second == pytest.approx(20.0)
    assert traditional.measured is None
