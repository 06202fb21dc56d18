"""What cards and the layer map say, without Qt."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from engine.session.state import Choices, RunPhase
from engine.vocabulary.plan import Plan
from gui.what_to_show.layer_map_content import layer_map_of
from gui.what_to_show.worker_marks import marks_of
from tests.fakes.states import cluster_pieces as pieces
from tests.fakes.states import cluster_states as states
from tests.fakes.states import edited_states as edited
from tests.gui.what_to_show.cards.every_card import machine_cards_of


def test_a_machine_without_programs_offers_to_build_them() -> None:
    (card,) = machine_cards_of(states.runtime_missing())
    assert card.buttons[0].text == "Build llama.cpp (about 10 min)"
    assert "nothing can run yet" in card.sentence
    assert [row.switch_shown for row in card.rows] == [False]


def test_a_hybrid_machine_has_a_row_per_worker_with_its_layers() -> None:
    (card,) = machine_cards_of(states.plan_shown())
    assert [(row.name, row.badge) for row in card.rows] == [("CPU", "0–21"), ("cuda:0", "22–49"), ("vulkan:0", "50–63 +")]
    assert [row.detail for row in card.rows] == ["16 cores · 33.3 GB", "RTX 3060 · 12.9 GB", "RX 7600 · 8.6 GB"]
    assert card.status == "ready"
    assert "it costs 4.3 tok/s of decode" in card.sentence


def test_bars_add_up_to_what_is_planned() -> None:
    state = states.plan_shown()
    assert isinstance(state.plan, Plan)
    (card,) = machine_cards_of(state)
    for row, worker in zip(card.rows, state.plan.used_workers, strict=True):
        bar = row.bar
        needed = (bar.weights + bar.kv + bar.compute) * worker.offer.total_bytes
        assert needed == pytest.approx(worker.needed_bytes)
        assert bar.safe_end == pytest.approx(0.8)


def test_a_worker_that_was_switched_off_says_so_and_can_be_switched_on() -> None:
    state = states.no_model()
    state = replace(state, choices=Choices(left_out=frozenset({pieces.CPU_ID})))
    (card,) = machine_cards_of(state)
    assert (card.rows[0].badge, card.rows[0].switch_on, card.rows[0].switch_shown) == ("off", False, True)
    assert card.rows[1].switch_on


def test_a_gpu_that_the_runtime_does_not_list_says_why() -> None:
    machine = pieces.hybrid_machine()
    hidden = replace(machine.gpus[1], runtime_name=None, why_no_runtime_name="This build has no Vulkan.")
    machine = replace(machine, gpus=(machine.gpus[0], hidden))
    state = replace(states.no_model(), machines=(machine,), offers=pieces.offers_of(machine)[:2])
    (card,) = machine_cards_of(state)
    assert card.rows[2].switch_words == "This build has no Vulkan."
    assert not card.rows[2].switch_shown


def test_utilisation_is_absent_when_not_known() -> None:
    state = replace(states.no_model(), loads=())
    (card,) = machine_cards_of(state)
    assert {row.bar.busy for row in card.rows} == {None}
    (card,) = machine_cards_of(states.no_model())
    assert [row.bar.busy for row in card.rows] == [0.27, 0.62, 0.31]


def test_a_machine_that_is_left_out_says_so_and_counts_no_bytes() -> None:
    state = states.plan_shown()
    everything = frozenset(offer.id for offer in state.offers)
    (card,) = machine_cards_of(replace(state, choices=replace(state.choices, left_out=everything)))
    assert card.sentence == "3 workers, switched off."


def test_what_the_planner_says_of_a_worker_calls_it_as_the_card_does() -> None:
    state = states.plan_shown()
    gpu = state.offers[1]
    note = f"{gpu.id} is left out: it would cost 0.2 tok/s."
    (card,) = machine_cards_of(replace(state, plan=replace(state.plan, notes=(note,))))
    assert card.sentence.endswith(f" planned. {gpu.device_name} is left out: it would cost 0.2 tok/s.")


def test_a_failed_worker_is_named_with_its_end() -> None:
    (card,) = machine_cards_of(states.worker_failed())
    assert card.status == "failed"
    assert card.sentence == "rpc-server for cuda:0 ended by signal 11 (SIGSEGV)."


def test_a_worker_keeps_its_mark_and_neighbours_differ() -> None:
    state = states.many_machines()
    marks = marks_of(state)
    in_order = [marks[offer.id] for offer in state.offers]
    assert all(one != other for one, other in pairwise(in_order))
    assert len({(mark.colour, mark.pattern) for mark in in_order[:15]}) == 15


def test_no_plan_no_cells() -> None:
    content = layer_map_of(states.no_model())
    assert content.planned == ()
    assert "No plan yet" in content.words


def test_a_plan_without_a_run_claims_nothing_about_what_is() -> None:
    content = layer_map_of(states.plan_shown())
    assert len(content.planned) == len(content.actual) == 65
    assert {cell.mark for cell in content.actual} == {None}
    assert [group.labels[0] for group in content.groups] == [
        "CPU · 22 layers",
        "cuda:0 · 28 layers",
        "vulkan:0 · 14 layers + output",
    ]


def test_a_split_by_hand_says_what_it_costs_beside_the_best() -> None:
    content = layer_map_of(edited.split_by_hand())
    assert content.verdict == "your split: 17.1 tok/s predicted, the fastest plan 18.4"
    assert [group.n_cells for group in content.groups] == [20, 30, 15]


def test_a_split_that_does_not_fit_stays_on_the_map_and_on_the_bars() -> None:
    state = edited.split_too_far()
    content = layer_map_of(state)
    assert len(content.planned) == 65
    assert [group.labels[0] for group in content.groups] == [
        "CPU · 4 layers",
        "✕ cuda:0 · 46 layers · 4.6 GB over",
        "vulkan:0 · 14 layers + output",
    ]
    assert [group.over for group in content.groups] == [False, True, False]
    assert (content.verdict, content.verdict_role) == ("✕ does not fit: cuda:0 is 4.6 GB over its safe memory", "bad")
    (card,) = machine_cards_of(state)
    assert [row.badge for row in card.rows] == ["0–3", "4–49", "50–63 +"]
    assert card.rows[1].bar.weights * pieces.hybrid_machine().gpus[0].memory_total_bytes == pytest.approx(
        state.plan.wished[1].weights_bytes
    )


def test_a_refusal_of_the_planner_leaves_no_map_and_says_where_the_reasons_are() -> None:
    assert layer_map_of(states.plan_refused()).words == "No plan fits these workers: the reasons stand under Plan."


def test_a_run_as_planned_says_where_that_was_read() -> None:
    content = layer_map_of(states.ready())
    assert content.verdict == "✓ actual = planned, read from llama-server"
    assert not any(cell.differs for cell in content.actual)


def test_every_layer_elsewhere_is_marked_and_counted() -> None:
    content = layer_map_of(states.map_mismatch())
    assert [place for place, cell in enumerate(content.actual) if cell.differs] == [8, 9, 10, 11, 46, 47]
    assert content.verdict_role == "bad"
    assert content.verdict == "✕ 6 layers are not where the plan put them"
    assert content.actual[46].words == "Layer 46: on CPU (not one of our workers), planned on cuda:0"


def test_what_was_reported_of_a_run_that_failed_is_called_the_last_run() -> None:
    assert layer_map_of(states.worker_failed()).verdict.startswith("✓ last run: ")


def test_layers_not_reported_by_a_running_server_are_no_success() -> None:
    state = replace(states.starting(), run_phase=RunPhase.READY)
    content = layer_map_of(state)
    assert content.verdict_role == "warning"


def test_labels_carry_the_machine_in_a_lab_and_shorten_to_the_device() -> None:
    labels = layer_map_of(states.many_machines()).groups[1].labels
    assert labels == ("lab-01 · cuda:0 · 4 layers", "lab-01 · cuda:0", "cuda:0")
