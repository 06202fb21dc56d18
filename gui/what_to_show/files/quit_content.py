"""What ends and what stays when the window is closed while something runs.

Only what is so: llama-server and the workers of this machine always end with Crossply (they are on its leash); workers on
other machines stay where they were started to stay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.session.reducing.processes_seen import alive, is_left_running
from engine.session.state import ClusterState, ProcessSeen
from gui.texts.translation import mark, tr
from gui.what_to_show.formatting import and_text, count_text

_ALWAYS_ENDS = mark("llama-server and the workers of this machine end with Crossply; running requests are cut off.")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuitContent:
    """The question."""

    happened: str
    words: str
    keep: str
    """The button that leaves what can be left; empty where nothing can."""


def quit_of(state: ClusterState) -> QuitContent:
    """The question for what runs now."""
    processes = alive(state)
    n_all = sum(len(process.worker_ids) for process in processes)
    what = count_text(n_all, "worker") if n_all else tr("its last processes")
    closing = replace(state, closing=True)
    kept = tuple(process for process in processes if is_left_running(process, closing))
    return QuitContent(
        happened=tr("The cluster is running with {what}.", what=what),
        words=_kept_words(kept) if kept else " ".join((tr(_ALWAYS_ENDS), *_why_nothing_stays(processes, state))),
        keep=tr("Keep running and quit") if kept else "",
    )


def _kept_words(kept: tuple[ProcessSeen, ...]) -> str:
    n, machines = _n_workers(kept), sorted({process.machine_name for process in kept})
    where = and_text(machines)
    stays = tr(
        "{workers} on {where} can stay: the next launch of this plan takes them over.",
        workers=count_text(n, "worker"),
        where=where,
    )
    return tr("{always_ends} {stays} Until then nothing is served.", always_ends=tr(_ALWAYS_ENDS), stays=stays)


def _why_nothing_stays(processes: tuple[ProcessSeen, ...], state: ClusterState) -> tuple[str, ...]:
    here = {"this machine", *(machine.name for machine in state.machines[:1])}
    if all(process.machine_name in here for process in processes if process.worker_ids):
        return ()
    if any(process.keeps_running for process in processes):
        return (tr("The workers on other machines are not ready yet, so they end too."),)
    if state.choices.keep_running:
        return (tr("The workers on other machines end too: they were started before that was chosen, or cannot stay there."),)
    return (tr("The workers on other machines end too: leaving them running has to be chosen before the launch."),)


def _n_workers(processes: tuple[ProcessSeen, ...]) -> int:
    return sum(len(process.worker_ids) for process in processes)
