"""A worker in llama-server itself, in the window's words: no port, no rpc-server."""

from __future__ import annotations

from dataclasses import replace

from engine.cluster.servers import COORDINATOR
from engine.session.state import ClusterState, RunPhase
from engine.vocabulary.worker import native
from gui.what_to_show.status_content import n_workers_running, status_of
from gui.what_to_show.tabs.logs_content import log_sources_of
from tests.fakes.states import cluster_states as states
from tests.gui.what_to_show.cards.every_card import machine_cards_of


def natively() -> ClusterState:
    """The ready state with every used worker of its run in llama-server itself, half of the weights mapped."""
    state = states.ready()
    assert state.run is not None
    plan = state.run.plan
    plan = replace(plan, workers=tuple(replace(w, offer=native(w.offer, w.offer.speed)) for w in plan.workers))
    buffers = tuple(replace(each, mapped_bytes=each.weights_bytes // 2) for each in state.run.buffers)
    (server,) = (process for process in state.processes if process.id == COORDINATOR)
    server = replace(server, worker_ids=tuple(worker.id for worker in plan.used_workers))
    run = replace(state.run, plan=plan, servers=(), buffers=buffers)
    return replace(state, run=run, processes=(server,))


def test_the_row_says_where_it_is_and_what_is_only_mapped() -> None:
    (card,) = machine_cards_of(natively())
    used = [row for row in card.rows if row.badge_filled]
    assert used
    for row in used:
        assert row.badge_words.endswith(", in llama-server itself")
        assert "of them pages of the file)" in row.bar.words
    assert card.status.startswith("running")
    (before,) = machine_cards_of(states.ready())
    assert not any("in llama-server itself" in row.badge_words for row in before.rows)


def test_its_process_is_llama_server() -> None:
    state = natively()
    assert state.run is not None
    assert n_workers_running(state) == len(state.run.plan.used_workers)
    assert log_sources_of(state)[0].process_id == COORDINATOR
    starting = replace(state, run_phase=RunPhase.STARTING_WORKERS, processes=())
    assert status_of(starting).left == "llama-server is starting; it uses this machine's devices itself"
