"""Why a worker is in or out, its command and its process."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.vocabulary.worker import Speed
from gui.what_to_show.cards.memory_bar_content import MemoryBarContent
from gui.what_to_show.cards.placed import time_shares_of
from gui.what_to_show.cards.worker_row_content import WorkerAction, WorkerRowContent
from gui.what_to_show.cards.worker_why import command_of_worker, process_of_worker, why_of
from tests.fakes.states import cluster_pieces as pieces
from tests.fakes.states import cluster_states as states
from tests.fakes.states import remote_states as remote
from tests.gui.what_to_show.cards.every_card import machine_cards_of


def with_speeds(make=states.plan_shown):
    """The same, all workers measured."""
    state = make()
    speed = Speed(read_bytes_per_second=50e9, measured=True)
    offers = tuple(replace(offer, speed=speed) for offer in state.offers)
    plan = replace(state.plan, workers=tuple(replace(w, offer=replace(w.offer, speed=speed)) for w in state.plan.workers))
    return replace(state, offers=offers, plan=plan)


def rows(state) -> dict[str, WorkerRowContent]:
    return {row.worker_id: row for card in machine_cards_of(state) for row in card.rows}


def test_a_worker_that_is_in_says_its_layers_and_bytes() -> None:
    why = why_of(states.plan_shown(), pieces.CUDA_ID)
    assert why.title == "ada-desktop · cuda:0"
    assert why.sentences[0] == "It holds 28 layers: 22–49."
    figures = dict(why.figures)
    assert (figures["Memory in all"], figures["Used by others"], figures["Safe to use"]) == ("12.9 GB", "1.1 GB", "10.3 GB")
    assert figures["Weights, planned"] == "8.4 GB"
    assert (figures["Share of a token"], figures["Reads weights at"]) == ("–", "not measured yet")


def test_a_note_of_the_planner_about_it_is_said() -> None:
    why = why_of(states.plan_shown(), pieces.CPU_ID)
    assert "CPU: in, because the model does not fit the two GPUs alone; it costs 4.3 tok/s of decode." in why.sentences


def test_shares_of_a_token_are_parts_of_the_whole() -> None:
    state = with_speeds()
    shares = time_shares_of(state.plan)
    assert set(shares) == {worker.id for worker in state.plan.used_workers}
    assert 0.95 < sum(share.fraction for share in shares.values()) <= 1.0  # the rest is llama-server's own
    caption = rows(state)[pieces.CUDA_ID].bar.caption
    assert caption == ("62%", "64 °C", f"{shares[pieces.CUDA_ID].fraction * 100:.0f}% of a token")
    assert dict(why_of(state, pieces.CUDA_ID).figures)["Known from"] == "measured"


def test_no_share_is_said_when_one_speed_is_missing() -> None:
    state = states.plan_shown()
    assert time_shares_of(state.plan) == {}
    assert rows(state)[pieces.CUDA_ID].bar.caption == ("62%", "64 °C")


def test_switched_off_while_a_run_has_layers_on_it_says_that_it_has() -> None:
    state = states.ready()
    off = replace(state, choices=replace(state.choices, left_out=frozenset({pieces.CUDA_ID})))
    row = rows(off)[pieces.CUDA_ID]
    assert (row.badge, row.badge_filled, row.switch_on) == ("22–49", True, False)
    assert row.badge_words == "28 layers: 9.2 GB, until this run ends: it is switched off for the next one"
    assert why_of(off, pieces.CUDA_ID).sentences[0].startswith("You switched it off for the next run; this one still has")


def test_switched_off_refused_and_unplanned_say_so() -> None:
    state = states.plan_shown()
    off = replace(state, choices=replace(state.choices, left_out=frozenset({pieces.CUDA_ID})))
    assert why_of(off, pieces.CUDA_ID).sentences[0] == "You switched it off, so it holds nothing."
    assert why_of(states.no_model(), pieces.CUDA_ID).sentences == ("Nothing is planned yet: choose a model first.",)
    assert "cuda:0 would need 16.0 GB of its 9.6 GB." in why_of(states.plan_refused(), pieces.CUDA_ID).sentences
    assert why_of(state, "gone/cpu") is None


def test_the_menu_has_only_what_would_do_something() -> None:
    idle, running = rows(states.no_model())[pieces.CUDA_ID], rows(states.ready())[pieces.CUDA_ID]
    assert [(entry.action, entry.text) for entry in idle.menu] == [(WorkerAction.WHY, "Why is it left out?")]
    assert [entry.action for entry in running.menu] == [WorkerAction.WHY, WorkerAction.COPY_COMMAND, WorkerAction.SHOW_LOG]
    assert running.menu[0].text == "Why is it in?"


def test_the_command_and_the_process_are_the_worker_s_own() -> None:
    state = states.ready()
    assert command_of_worker(state, pieces.CUDA_ID) == "ggml-rpc-server -H 127.0.0.1 -p 50053 --device CUDA0 -c"
    assert process_of_worker(state, pieces.CUDA_ID) == "rpc-server 127.0.0.1:50053"
    assert command_of_worker(state, "gone/cpu") is None
    assert process_of_worker(states.plan_shown(), pieces.CUDA_ID) is None


def test_who_can_reach_a_worker_is_said() -> None:
    seen = remote.ready(2)
    worker = f"{seen.id}/cpu"
    assert rows(remote.with_remotes(seen))[worker].bar.caption[-1] == "tunnel"
    assert rows(remote.with_remotes(seen, lan=True))[worker].bar.caption[-1] == "▲ open port"
    assert dict(why_of(remote.with_remotes(seen, lan=True), worker).figures)["Its port"] == "open on the network"


@pytest.mark.parametrize(("make", "said"), [(states.plan_shown, False), (states.ready, True), (states.worker_failed, False)])
def test_what_llama_cpp_reports_is_drawn_only_when_it_reported(make, said: bool) -> None:
    bar: MemoryBarContent = rows(make())[pieces.CUDA_ID].bar
    assert (bar.actual is not None) is said
    if bar.actual is not None:
        assert bar.actual == pytest.approx(bar.weights + bar.kv + bar.compute)
