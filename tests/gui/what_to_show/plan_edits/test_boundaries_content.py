"""The handles of the map."""

from dataclasses import replace

from gui.what_to_show.layer_map_content import layer_map_of
from tests.fakes.states import cluster_states as states
from tests.fakes.states import edited_states as edited
from tests.fakes.states.cluster_pieces import a_plan


def test_a_handle_between_every_two_workers_with_its_reach() -> None:
    handles = layer_map_of(states.plan_shown()).boundaries
    assert [(handle.layer, handle.lowest, handle.highest) for handle in handles] == [(22, 1, 49), (50, 23, 64)]
    assert handles[0].words.startswith("Boundary 1 of 2: CPU ends and cuda:0 begins with layer 22.\nDrag it")


def test_a_split_that_does_not_fit_can_be_pulled_back() -> None:
    assert [handle.layer for handle in layer_map_of(edited.split_too_far()).boundaries] == [4, 50]


def test_none_while_it_runs_and_none_for_one_worker() -> None:
    assert layer_map_of(states.ready()).boundaries == ()
    state = states.plan_shown()
    alone = layer_map_of(replace(state, plan=a_plan(state.offers, (64, 0, 0))))
    assert alone.boundaries == ()
    assert "drag" not in alone.detail
    assert layer_map_of(state).detail.endswith("drag a boundary")


def test_the_head_alone_is_called_so() -> None:
    state = states.plan_shown()
    plan = a_plan(state.offers, (22, 41, 1))
    last = replace(plan.workers[2], n_layers=0, first_layer=None)
    middle = replace(plan.workers[1], n_layers=42)
    plan = replace(plan, workers=(plan.workers[0], middle, last))
    assert "vulkan:0 begins with the output head" in layer_map_of(replace(state, plan=plan)).boundaries[1].words
