"""``crossplyctl history``: every measured run, predicted beside measured."""

from __future__ import annotations

import argparse

from engine.cli.terminal import exit_codes
from engine.cli.terminal.options import add_json, positive
from engine.cli.terminal.output import print_json, print_line, print_table, printable, rate, say
from engine.open_session import real_outside
from engine.session.telling.measured_json import run_json
from engine.vocabulary.running.run_record import RunRecord

SHOWN = 50


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("history", help="measured runs, predicted beside measured")
    parser.add_argument("--model", metavar="NAME", help="only runs of models whose name contains this")
    parser.add_argument("--limit", type=positive, default=SHOWN, metavar="N", help=f"the newest N runs ({SHOWN})")
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read and print."""
    history = real_outside().history
    wanted = (arguments.model or "").lower()
    everything = history.runs(limit=arguments.limit if not wanted else 1_000_000)
    records = [record for record in everything if wanted in record.model.name.lower()][: arguments.limit]
    for notice in history.notices():
        say(notice)
    if arguments.json:
        print_json({"runs": [run_json(record) for record in records]})
    elif records:
        _print(records)
    else:
        print_line("No run was measured yet: crossplyctl up and crossplyctl bench measure.")
    return exit_codes.OK


def _print(records: list[RunRecord]) -> None:
    columns = ("run", "when (UTC)", "model", "workers", "split", "decode predicted", "measured", "error", "prefill", "error")
    print_table(columns, [_cells(record) for record in records], right=columns[5:])


def _cells(record: RunRecord) -> tuple[str, ...]:
    return (
        record.id,
        printable(record.at[:16].replace("T", " ")),
        printable(record.model.name),
        str(len(record.workers)),
        ",".join(map(str, record.tensor_split)),
        rate(record.decode_predicted),
        rate(record.decode_measured),
        error_text(record.decode_measured, record.decode_predicted),
        rate(record.prefill_measured),
        error_text(record.prefill_measured, record.prefill_predicted),
    )


def error_text(measured: float | None, predicted: float | None) -> str:
    """How far the prediction was off, of what was measured: ``+4.2 %`` = predicted too fast."""
    return "–" if not measured or predicted is None else f"{(predicted / measured - 1) * 100:+.1f} %"
