"""What is asked when the window is closed while something runs: what would stop, what could stay."""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.state import ClusterState
from engine.vocabulary.process import ProcessPhase
from gui.what_to_show.formatting import count_text
from gui.what_to_show.status_content import n_workers_running


@dataclass(frozen=True, slots=True, kw_only=True)
class QuitQuestion:
    """A question with its buttons' words."""

    question: str
    words: str
    stop: str
    keep: str
    """Words of the button that leaves workers running; empty when none of them was started so that it could stay."""


def quit_question_of(state: ClusterState) -> QuitQuestion:
    """The question for what runs now."""
    n_workers = n_workers_running(state)
    what = count_text(n_workers, "worker") if n_workers else "everything"
    kept = [process for process in state.processes if process.keeps_running and process.phase is ProcessPhase.READY]
    n_kept = sum(len(process.worker_ids) for process in kept)
    places = sorted({process.machine_name for process in kept if process.worker_ids})
    if n_kept:
        words = (
            f"{count_text(n_kept, 'worker')} on {', '.join(places)} can go on running: the next launch of the same plan finds "
            "them with their weights loaded. llama-server stops in any case; requests that are running are cut off."
        )
    else:
        words = "Quitting stops llama-server and its workers; requests that are running are cut off." + _how_to_keep(state)
    return QuitQuestion(
        question=f"The cluster is running with {what}.",
        words=words,
        stop=f"Stop {what} and quit",
        keep=f"Keep {count_text(n_kept, 'worker')} running and quit" if n_kept else "",
    )


def _how_to_keep(state: ClusterState) -> str:
    if not state.remotes or state.choices.keep_running:
        return ""
    return " Workers on other machines could stay: switch that on in the menu Machines before the next launch."
