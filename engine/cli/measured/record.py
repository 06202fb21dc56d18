"""``crossplyctl record RUN_ID > run.json``: all of one run, to be run again here or in another lab."""

from __future__ import annotations

import argparse
import sys

from engine.cli.terminal import exit_codes
from engine.cli.terminal.output import say
from engine.errors import BadInput
from engine.open_session import real_outside
from engine.settings.history.record_json import record_to_json

NEWEST = "newest"


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("record", help="print all of one measured run as JSON, for crossplyctl reproduce")
    parser.add_argument("run_id", metavar="RUN_ID", help=f"as crossplyctl history shows it, its beginning, or {NEWEST}")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print it. Raises ``BadInput`` for a run that is not there."""
    history = real_outside().history
    newest = history.runs(limit=1) if arguments.run_id == NEWEST else ()
    record = newest[0] if newest else history.load(arguments.run_id)
    for notice in history.notices():
        say(notice)
    if record is None:
        raise BadInput(f"There is no one run '{arguments.run_id}'.", advice="crossplyctl history lists them.")
    sys.stdout.write(record_to_json(record))
    return exit_codes.OK
