"""Why a worker is in the plan or left out of it, with the numbers; and its process and command line."""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.state import ClusterState, CommandShown
from engine.vocabulary.plan import PlannedWorker, PlanRefused
from engine.vocabulary.worker import WorkerOffer
from gui.texts.engine_words import engine_word
from gui.texts.translation import number, tr
from gui.what_to_show.cards.placed import Placed, placed_of
from gui.what_to_show.formatting import (
    NOT_KNOWN,
    bytes_text,
    held_text,
    layers_text,
    percent_text,
    round_trip_text,
)
from gui.what_to_show.worker_marks import offers_by_id, with_names, worker_name


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyContent:
    """An answer."""

    title: str
    sentences: tuple[str, ...]
    figures: tuple[tuple[str, str], ...]
    """Name and value."""


def why_of(state: ClusterState, worker_id: str) -> WhyContent | None:
    """``None`` when there is no such worker any more."""
    offer = next((offer for known, offer in offers_by_id(state).items() if known == worker_id), None)
    if offer is None:
        return None
    placed = placed_of(state)
    return WhyContent(
        title=worker_name(offer, many_machines=True),
        sentences=tuple(_sentences_of(state, placed, offer)),
        figures=tuple(_figures_of(state, placed, offer)),
    )


def process_of_worker(state: ClusterState, worker_id: str) -> str | None:
    """The process whose log is the worker's."""
    return next((process.id for process in state.processes if worker_id in process.worker_ids), None)


def command_of_worker(state: ClusterState, worker_id: str) -> str | None:
    """Its rpc-server's command line, ready for a shell on its machine; ``None`` when the plan starts none for it."""
    offer = next((offer for known, offer in offers_by_id(state).items() if known == worker_id), None)
    found = () if offer is None else (command for command in state.commands if _is_for(command, offer))
    return next((command.shell for command in found), None)


def _is_for(command: CommandShown, offer: WorkerOffer) -> bool:
    """A command says its machine by name and its port as an argument: together they are one rpc-server."""
    port = (offer.listens_on or offer.endpoint).rpartition(":")[2]
    return command.title.startswith("rpc-server") and command.machine_name == offer.machine_name and port in command.argv


def _sentences_of(state: ClusterState, placed: Placed, offer: WorkerOffer) -> list[str]:
    sentences = [_place_sentence(state, placed, offer)]
    worths = () if state.comparison is None else state.comparison.workers
    sentences += [worth.sentence for worth in worths if worth.worker_id == offer.id]
    if isinstance(state.plan, PlanRefused):
        sentences += [short.sentence for short in state.plan.shortfalls if short.worker_id == offer.id]
    names = (offer.id.lower(), worker_name(offer, many_machines=True).lower(), f"{offer.device_name.lower()}:")
    notes = () if placed.plan is None else placed.plan.notes
    sentences += [with_names(note, (offer,)) for note in notes if any(name in note.lower() for name in names)]
    return list(dict.fromkeys(sentences))


def _place_sentence(state: ClusterState, placed: Placed, offer: WorkerOffer) -> str:
    if offer.id in state.choices.left_out and placed.runs_on(offer.id):
        return tr("You switched it off for the next run; this one still has layers on it.")
    if offer.id in state.choices.left_out:
        return tr("You switched it off, so it holds nothing.")
    worker = placed.planned.get(offer.id)
    if worker is None:
        return (
            tr("Nothing is planned yet: choose a model first.")
            if placed.plan is None
            else tr("It came after this plan was made.")
        )
    if not worker.used:
        return tr("The plan places nothing on it.")
    if not worker.n_layers:
        return tr("It holds the output head.")
    layers = layers_text(worker.first_layer, worker.last_layer, output=False)
    return tr("It holds {layers}: {which}.", layers=held_text(worker.n_layers, output=worker.holds_output), which=layers)


def _figures_of(state: ClusterState, placed: Placed, offer: WorkerOffer) -> list[tuple[str, str]]:
    worker = placed.planned.get(offer.id)
    share = placed.time_shares.get(offer.id)
    speed = offer.speed
    figures = [
        (tr("Memory in all"), bytes_text(offer.total_bytes)),
        (tr("Used by others"), bytes_text(offer.used_by_others_bytes)),
        (tr("Kept in reserve"), tr("{reserve} of it all", reserve=percent_text(state.choices.reserve_fraction))),
        (tr("Safe to use"), bytes_text(offer.safe_bytes)),
        *_planned_figures(worker),
        (tr("Time per token, predicted"), NOT_KNOWN if share is None else f"{number(share.seconds * 1000, '.1f')} ms"),
        (tr("Share of a token"), NOT_KNOWN if share is None else percent_text(share.fraction)),
        (
            tr("Reads weights at"),
            tr("not measured yet") if speed is None else f"{number(speed.read_bytes_per_second / 1e9, '.1f')} GB/s",
        ),
    ]
    if speed is not None:
        figures.append((tr("Known from"), speed.source or (tr("measured") if speed.measured else tr("as given"))))
    if offer.link is not None and offer.link.rtt_seconds is not None:
        figures.append((tr("Round trip"), round_trip_text(offer.link.rtt_seconds)))
    return [*figures, (tr("Its port"), engine_word(offer.exposure))]


def _planned_figures(worker: PlannedWorker | None) -> list[tuple[str, str]]:
    if worker is None or not worker.used:
        return []
    return [
        (tr("Weights, planned"), bytes_text(worker.weights_bytes)),
        (tr("KV cache, planned"), bytes_text(worker.kv_bytes)),
        (tr("Compute buffers, planned"), bytes_text(worker.compute_bytes)),
    ]
