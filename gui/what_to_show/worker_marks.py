"""One colour and one pattern per worker, the same everywhere: card, layer map, log.

A worker keeps its mark while the list of offers stands: it is its place in that list. Eight colours and four patterns, so
that 32 workers differ; more than 15 are never in one run (llama.cpp's limit of devices).
Rejected: a hash of the name (two workers of one machine could get the same colour).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.session.state import ClusterState
from engine.vocabulary.plan import Plan
from engine.vocabulary.worker import WorkerId, WorkerOffer
from gui.what_to_show.kept import kept

N_COLOURS = 8
N_PATTERNS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerMark:
    """How a worker is drawn."""

    colour: int
    """0..7: an index into the theme's colour-blind safe set; -1 = a neutral grey: none of our workers."""
    pattern: int
    """0 = plain, then diagonal, dots, cross: the second mark beside the colour."""


NO_WORKER = WorkerMark(colour=-1, pattern=0)


def marks_of(state: ClusterState) -> dict[WorkerId, WorkerMark]:
    """The mark of every worker on offer, and of those of a run that are no longer offered."""
    return _marks(state.offers, None if state.run is None else state.run.plan)


@kept
def _marks(offers: tuple[WorkerOffer, ...], run_plan: Plan | None) -> dict[WorkerId, WorkerMark]:
    ids = [offer.id for offer in offers]
    known = set(ids)
    if run_plan is not None:
        ids += [worker.id for worker in run_plan.workers if worker.id not in known]
    return {
        worker_id: WorkerMark(colour=place % N_COLOURS, pattern=(place + place // N_COLOURS) % N_PATTERNS)
        for place, worker_id in enumerate(ids)
    }


def offers_by_id(state: ClusterState) -> dict[WorkerId, WorkerOffer]:
    """Every offer known: those of the state, and those that the run was launched with."""
    return _by_id(state.offers, None if state.run is None else state.run.plan)


@kept
def _by_id(offers: tuple[WorkerOffer, ...], run_plan: Plan | None) -> dict[WorkerId, WorkerOffer]:
    found = {} if run_plan is None else {worker.id: worker.offer for worker in run_plan.workers}
    return found | {offer.id: offer for offer in offers}


def worker_name(offer: WorkerOffer, *, many_machines: bool) -> str:
    """``cuda:0`` on a single machine, ``lab-02 · cuda:0`` in a lab; the CPU in capitals, as people write it."""
    device = offer.device_name.upper() if offer.device_name.startswith("cpu") else offer.device_name
    return f"{offer.machine_name} · {device}" if many_machines else device


def with_names(note: str, offers: Iterable[WorkerOffer]) -> str:
    """The planner's words with the names that the window gives to workers: ``CPU-1`` and not ``this-machine/cpu-1``."""
    for offer in sorted(offers, key=lambda offer: len(offer.id), reverse=True):
        note = note.replace(offer.id, worker_name(offer, many_machines=False))
    return note
