"""What quitting ends, and what can stay: nothing is promised that is not so."""

from __future__ import annotations

from dataclasses import replace

from engine.vocabulary.running.process import ProcessPhase
from gui.what_to_show.files.quit_content import quit_of
from tests.fakes.states import cluster_states as states
from tests.fakes.states.kept_states import with_remote_workers


def n_here() -> int:
    return sum(len(process.worker_ids) for process in states.ready().processes)


def test_on_this_machine_alone_nothing_can_stay() -> None:
    content = quit_of(states.ready())
    assert content.happened == f"The cluster is running with {n_here()} workers."
    assert content.keep == ""
    assert content.words == "llama-server and the workers of this machine end with Crossply; running requests are cut off."


def test_workers_that_were_started_to_stay_can() -> None:
    content = quit_of(with_remote_workers(keeps=True, names=("lab-03", "lab-02")))
    assert content.happened == f"The cluster is running with {n_here() + 2} workers."
    assert content.keep == "Keep running and quit"
    assert "2 workers on lab-02 and lab-03 can stay: the next launch of this plan takes them over." in content.words
    assert content.words.startswith("llama-server and the workers of this machine end with Crossply")
    assert content.words.endswith("Until then nothing is served.")
    assert "1 worker on lab-02 can stay" in quit_of(with_remote_workers(keeps=True)).words


def test_why_remote_workers_cannot_stay() -> None:
    assert quit_of(with_remote_workers(keeps=False)).words.endswith("leaving them running has to be chosen before the launch.")
    starting = quit_of(with_remote_workers(keeps=True, phase=ProcessPhase.STARTING))
    assert (starting.keep, starting.words.endswith("are not ready yet, so they end too.")) == ("", True)
    state = with_remote_workers(keeps=False)
    chosen = quit_of(replace(state, choices=replace(state.choices, keep_running=True)))
    assert chosen.words.endswith("they were started before that was chosen, or cannot stay there.")


def test_what_has_ended_does_not_count() -> None:
    content = quit_of(with_remote_workers(keeps=True, phase=ProcessPhase.STOPPED))
    assert (content.keep, content.happened) == ("", f"The cluster is running with {n_here()} workers.")
