"""The history tab: measured runs, newest first, predicted beside measured.

Rejected: a chart of errors over time (runs of different plans have nothing to do with each other).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.state import ClusterState
from engine.vocabulary.run_record import RecordedWorker, RunRecord
from gui.what_to_show.formatting import NOT_KNOWN, difference_text, rate_text

COLUMNS = (
    "When (UTC)",
    "Model",
    "Workers",
    "Split",
    "Decode, predicted",
    "Measured",
    "Error",
    "Prefill, predicted",
    "Measured",
    "Error",
)
FIRST_NUMBER = 4
"""Columns from here on hold numbers."""
SHOWN_RUNS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRowContent:
    """One run."""

    id: str
    cells: tuple[str, ...]
    words: str
    """Everything else of it: build, machines, samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryContent:
    """The tab."""

    rows: tuple[RunRowContent, ...]
    empty: str


def history_of(state: ClusterState) -> HistoryContent:
    """Everything in the history tab."""
    rows = tuple(_row(record) for record in state.history[:SHOWN_RUNS])
    return HistoryContent(rows=rows, empty="" if rows else "Every launch is measured and kept here.")


def _row(record: RunRecord) -> RunRowContent:
    cells = (
        record.at[:16].replace("T", " "),
        record.model.name,
        ", ".join(_worker(worker) for worker in record.workers),
        ", ".join(map(str, record.tensor_split)),
        rate_text(record.decode_predicted),
        rate_text(record.decode_measured),
        _error(record.decode_measured, record.decode_predicted),
        rate_text(record.prefill_predicted),
        rate_text(record.prefill_measured),
        _error(record.prefill_measured, record.prefill_predicted),
    )
    return RunRowContent(id=record.id, cells=tuple(map(_printable, cells)), words=_words(record))


def _worker(worker: RecordedWorker) -> str:
    return f"{worker.machine_name} {worker.device_name}"


def _error(measured: float | None, predicted: float | None) -> str:
    """How far the prediction was off, of what was measured."""
    return difference_text(predicted, measured) or NOT_KNOWN


def _words(record: RunRecord) -> str:
    samples = ", ".join(rate_text(rate) for rate in record.decode_rates)
    build = record.build.commit or "of unknown commit"
    shape = f"context {record.shape.context_tokens}, {record.shape.slots} slots"
    lines = [
        f"Run {record.id}: {record.policy}, {record.layout}, {shape}, llama.cpp {build}",
        f"Decode samples: {samples or 'none'} tok/s; {record.basis or 'no prediction'}",
        *(
            f"{machine.name}: {machine.cpu}, {machine.cpu_busy_fraction:.0%} busy before"
            for machine in record.machines
            if machine.cpu_busy_fraction is not None
        ),
    ]
    return "\n".join(map(_printable, lines))


def _printable(text: str) -> str:
    """What machines say of themselves is shown, not obeyed."""
    return "".join(character if character.isprintable() else " " for character in text)


def history_as_text(content: HistoryContent) -> str:
    """Tab-separated, for the clipboard."""
    return "\n".join("\t".join(cells) for cells in (COLUMNS, *(row.cells for row in content.rows)))
