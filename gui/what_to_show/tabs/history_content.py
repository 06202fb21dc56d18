"""The history tab: measured runs, newest first, predicted beside measured; one of them in full; all of them for a spreadsheet.

Rejected: a chart of errors over time (runs of different plans have nothing to do with each other).
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from engine.session.state import ClusterState
from engine.vocabulary.running.run_record import RecordedWorker, RunRecord
from gui.texts.engine_words import engine_word
from gui.texts.translation import mark, tr
from gui.what_to_show.formatting import (
    NOT_KNOWN,
    count_text,
    difference_text,
    held_text,
    percent_text,
    rate_text,
    round_trip_text,
)

COLUMNS = (
    mark("When (UTC)"),
    mark("Model"),
    mark("Plan"),
    mark("Decode, predicted"),
    mark("measured"),
    mark("error"),
    mark("Prefill, predicted"),
    mark("measured"),
    mark("error"),
    mark("Workers"),
    mark("Split"),
    "llama.cpp",
)
NUMBERS = range(3, 9)
"""Columns that hold numbers: tokens per second, and per cent."""
SHOWN_RUNS = 200

CSV_TITLES = (
    "run",
    "at_utc_iso8601",
    "model",
    "model_file",
    "model_hash",
    "layers",
    "policy",
    "layout",
    "context_tokens",
    "slots",
    "workers",
    "split",
    "decode_predicted_tokens_per_second",
    "decode_measured_tokens_per_second",
    "decode_error_fraction_of_measured",
    "prefill_predicted_tokens_per_second",
    "prefill_measured_tokens_per_second",
    "prefill_error_fraction_of_measured",
    "counted_requests",
    "llama_cpp_build",
    "llama_cpp_commit",
    "rpc_protocol",
    "crossply_version",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRowContent:
    """One run."""

    id: str
    model: str
    cells: tuple[str, ...]
    words: str
    """Everything of it, in lines."""
    reproduce: str
    """What runs it again, for a shell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryContent:
    """The tab."""

    rows: tuple[RunRowContent, ...]
    models: tuple[str, ...]
    """To choose from, each once, the newest first."""
    empty: str


def column_titles() -> tuple[str, ...]:
    """``COLUMNS`` in the person's language."""
    return tuple(tr(title) for title in COLUMNS)


def history_of(state: ClusterState) -> HistoryContent:
    """Everything in the history tab."""
    rows = tuple(_row(record) for record in state.history[:SHOWN_RUNS])
    return HistoryContent(
        rows=rows,
        models=tuple(dict.fromkeys(row.model for row in rows)),
        empty="" if rows else tr("Every launch is measured and kept here."),
    )


def history_csv_rows(records: tuple[RunRecord, ...]) -> tuple[tuple[str, ...], ...]:
    """A row per run under ``CSV_TITLES``."""
    return tuple(_csv_row(record) for record in records)


def history_as_text(rows: tuple[RunRowContent, ...]) -> str:
    """Tab-separated, for the clipboard."""
    return "\n".join("\t".join(cells) for cells in (column_titles(), *(row.cells for row in rows)))


def _row(record: RunRecord) -> RunRowContent:
    cells = (
        record.at[:16].replace("T", " "),
        record.model.name,
        f"{engine_word(record.plan_name)} · {engine_word(record.layout)}",
        rate_text(record.decode_predicted),
        rate_text(record.decode_measured),
        _error(record.decode_measured, record.decode_predicted),
        rate_text(record.prefill_predicted),
        rate_text(record.prefill_measured),
        _error(record.prefill_measured, record.prefill_predicted),
        ", ".join(_worker(worker) for worker in record.workers),
        ", ".join(map(str, record.tensor_split)),
        _build(record),
    )
    return RunRowContent(
        id=record.id,
        model=_printable(record.model.name),
        cells=tuple(map(_printable, cells)),
        words=_words(record),
        reproduce=_reproduce(record.id),
    )


def _reproduce(run_id: str) -> str:
    file = shlex.quote(f"run-{run_id}.json")
    return f"crossplyctl record {shlex.quote(run_id)} > {file} && crossplyctl reproduce {file}"


def _worker(worker: RecordedWorker) -> str:
    return f"{worker.machine_name} {worker.device_name}"


def _build(record: RunRecord) -> str:
    build = record.build
    number = "" if build.build_number is None else f"b{build.build_number}"
    return " ".join(part for part in (number, build.commit or "") if part) or NOT_KNOWN


def _error(measured: float | None, predicted: float | None) -> str:
    """How far the prediction was off, of what was measured."""
    return difference_text(predicted, measured) or NOT_KNOWN


def _words(record: RunRecord) -> str:
    samples = ", ".join(rate_text(rate) for rate in record.decode_rates)
    build = record.build.commit or tr("of unknown commit")
    shape = tr(
        "context {context_tokens}, {slots}",
        context_tokens=record.shape.context_tokens,
        slots=count_text(record.shape.slots, "slot"),
    )
    protocol = f", RPC {record.build.protocol}" if record.build.protocol else ""
    lines = [
        tr(
            "Run {id} of {at} UTC: {name}, {n_layers} layers",
            id=record.id,
            at=record.at[:19].replace("T", " "),
            name=record.model.name,
            n_layers=record.model.n_layers,
        ),
        f"{engine_word(record.plan_name)}, {engine_word(record.layout)}, {shape}",
        f"llama.cpp {build}{protocol}; Crossply {record.crossply_version}",
        tr(
            "Decode samples: {samples} tok/s; {basis}",
            samples=samples or tr("none"),
            basis=record.basis or tr("no prediction"),
        ),
        *(_worker_words(worker) for worker in record.workers),
        *(
            tr(
                "{name}: {cpu}, {busy} busy before",
                name=machine.name,
                cpu=machine.cpu,
                busy=percent_text(machine.cpu_busy_fraction),
            )
            for machine in record.machines
            if machine.cpu_busy_fraction is not None
        ),
    ]
    return "\n".join(map(_printable, lines))


def _worker_words(worker: RecordedWorker) -> str:
    link = "" if worker.rtt_seconds is None else tr(", {round_trip} away", round_trip=round_trip_text(worker.rtt_seconds))
    exposure = engine_word(worker.exposure)
    return f"{_worker(worker)}: {held_text(worker.n_layers, output=worker.holds_output)}, {exposure}{link}"


def _csv_row(record: RunRecord) -> tuple[str, ...]:
    build = record.build
    return tuple(
        map(
            _printable,
            (
                record.id,
                record.at,
                record.model.name,
                record.model.file_name,
                record.model.hash,
                str(record.model.n_layers),
                record.plan_name,
                record.layout,
                str(record.shape.context_tokens),
                str(record.shape.slots),
                "; ".join(_worker(worker) for worker in record.workers),
                ",".join(map(str, record.tensor_split)),
                *_csv_rates(record.decode_predicted, record.decode_measured),
                *_csv_rates(record.prefill_predicted, record.prefill_measured),
                str(len(record.counted)),
                "" if build.build_number is None else str(build.build_number),
                build.commit or "",
                build.protocol or "",
                record.crossply_version,
            ),
        )
    )


def _csv_rates(predicted: float | None, measured: float | None) -> tuple[str, str, str]:
    error = None if predicted is None or not measured else predicted / measured - 1
    return _number(predicted), _number(measured), _number(error)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _printable(text: str) -> str:
    """What machines say of themselves is shown, not obeyed."""
    return "".join(character if character.isprintable() else " " for character in text)
