"""Which split the map draws, and when it may be edited."""

from dataclasses import replace

from engine.session.plan_runs.in_background import MEASURE_PLANS
from engine.session.state import Activity, RunPhase
from engine.vocabulary.plan import GivenSplit, PlanRefused, Policy
from engine.vocabulary.worker import Layout, WorkerId
from gui.what_to_show.plan_edits.drawn_split import can_edit, drawn_split_of, is_on_the_table
from tests.fakes.states import cluster_states as states
from tests.fakes.states import edited_states as edited
from tests.fakes.states.cluster_pieces import CPU_ID, CUDA_ID, VULKAN_ID


def test_the_plan_on_the_table_is_drawn() -> None:
    drawn = drawn_split_of(states.plan_shown())
    assert drawn is not None
    assert drawn.seats == ((CPU_ID, 22), (CUDA_ID, 28), (VULKAN_ID, 14))
    assert [drawn.holder_of(layer) for layer in (0, 21, 22, 49, 50, 63, 64)] == [
        CPU_ID, CPU_ID, CUDA_ID, CUDA_ID, VULKAN_ID, VULKAN_ID, VULKAN_ID,
    ]  # fmt: skip
    assert drawn.worker_of(30).id == CUDA_ID
    assert (drawn.fits, drawn.over_bytes) == (True, ())


def test_a_split_by_hand_that_does_not_fit_is_drawn_with_who_is_over() -> None:
    drawn = drawn_split_of(edited.split_too_far())
    assert drawn is not None
    assert drawn.seats == ((CPU_ID, 4), (CUDA_ID, 46), (VULKAN_ID, 14))
    assert (drawn.fits, drawn.over_bytes) == (False, ((CUDA_ID, 4_600_000_000),))
    assert len(drawn.workers) == 3


def test_a_split_whose_worker_is_gone_is_still_drawn() -> None:
    state = states.plan_shown()
    split = GivenSplit(name="Your split", seats=((WorkerId("gone/cpu"), 60), (CUDA_ID, 0), (VULKAN_ID, 4)))
    refused = PlanRefused(policy=Policy.FASTEST, layout=Layout.PER_DEVICE, reasons=("Your split needs gone/cpu.",))
    drawn = drawn_split_of(replace(state, plan=refused, choices=replace(state.choices, given=split)))
    assert drawn is not None
    assert drawn.seats == (("gone/cpu", 60), (VULKAN_ID, 4))
    assert drawn.worker_of(3) is None


def test_nothing_is_drawn_of_what_is_no_split_of_the_model() -> None:
    assert drawn_split_of(states.no_model()) is None
    assert drawn_split_of(states.plan_refused()) is None
    state = states.plan_refused()
    of_another_model = GivenSplit(name="Your split", seats=((CPU_ID, 4), (CUDA_ID, 4)))
    assert drawn_split_of(replace(state, choices=replace(state.choices, given=of_another_model))) is None


def test_nothing_is_edited_while_something_runs_or_is_measured() -> None:
    assert can_edit(states.plan_shown())
    assert can_edit(states.worker_failed())
    assert not can_edit(states.no_model())
    assert not can_edit(states.starting())
    assert not can_edit(replace(states.plan_shown(), closing=True))
    assert not can_edit(replace(states.plan_shown(), activities=(Activity(id=MEASURE_PLANS, title="Measuring"),)))


def test_what_still_stops_is_not_on_the_table() -> None:
    state = states.ready()
    assert is_on_the_table(replace(state, run_wanted=False, run_phase=RunPhase.STOPPED))
    other = edited.split_by_hand().plan
    assert not is_on_the_table(replace(state, plan=other, run_wanted=False, run_phase=RunPhase.STOPPING))
