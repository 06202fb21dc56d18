"""``crossplyctl reproduce run.json``: the same split on machines of the same names, measured again, and what differs."""

from __future__ import annotations

import argparse
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from engine.cli.measured.history import error_text
from engine.cli.terminal import exit_codes
from engine.cli.terminal.foreground import Foreground, PlanIsRefused, in_foreground, plan_or_refusal
from engine.cli.terminal.gather import gathered
from engine.cli.terminal.machine_options import add_copying, add_machines
from engine.cli.terminal.options import add_json, add_runtime, choices_of, model_path, positive
from engine.cli.terminal.output import print_json, print_line, print_table, printable, rate
from engine.errors import BadInput, BadModelFile
from engine.measuring.reproduce import Reproduction, reproduction_of, was_native
from engine.open_session import open_session, real_outside
from engine.session.outside import Outside
from engine.session.plan_runs.measure_plans import keep, measured_requests
from engine.session.state import Choices, ClusterState
from engine.session.telling.measured_json import run_json
from engine.session.working.measured.record_run import sample_of
from engine.settings.history.record_json import read_record
from engine.vocabulary.plan import Policy
from engine.vocabulary.running.run_record import RunRecord
from engine.vocabulary.worker import Layout


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("reproduce", help="run a recorded run again, here, or say what differs")
    parser.add_argument("record", metavar="RUN.JSON", help="what crossplyctl record printed")
    parser.add_argument("--model", dest="model_file", metavar="GGUF", help="the model file (else the one of this hash)")
    parser.add_argument("--repetitions", type=positive, default=3, metavar="N", help="counted requests (3)")
    parser.add_argument("--only-compare", action="store_true", help="say what differs; start nothing")
    add_machines(parser)
    add_copying(parser)
    add_runtime(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, run, print."""
    record = read_record(Path(arguments.record))
    outside = real_outside()
    choices = _choices(arguments, record, outside)
    with in_foreground(open_session(choices)) as foreground:
        foreground.wait_until_planned()
        state = gathered(foreground, arguments)
        found = _reproduction(record, state, outside)
        if not arguments.json:
            for sentence in (*found.differences, *found.missing):
                print_line(printable(sentence))
            if not found.differences and not found.missing:
                print_line("Nothing differs from the recorded run.")
        if found.split is None:
            raise PlanIsRefused(found.missing)
        again = None if arguments.only_compare else _again(foreground, outside, record, found, arguments.repetitions)
    _print(record, found, again, as_json=arguments.json)
    return exit_codes.MAP_DIFFERS if again is not None and again.map_matches is False else exit_codes.OK


def _choices(arguments: argparse.Namespace, record: RunRecord, outside: Outside) -> Choices:
    """Everything as it was recorded. Raises ``BadInput`` for words that mean nothing, or without the model."""
    try:
        policy, layout = Policy(record.policy), Layout(record.layout)
    except ValueError as error:
        raise BadInput(f"{arguments.record}: {error}.", advice="Record the run again.") from None
    path = model_path(arguments.model_file) if arguments.model_file else _model_of(record, outside)
    return replace(
        choices_of(arguments),
        model_path=path,
        shape=record.shape,
        policy=policy,
        layout=layout,
        cpu_workers=record.cpu_workers,
        native=any(was_native(worker) for worker in record.workers),
        left_out=frozenset(),
    )


def _model_of(record: RunRecord, outside: Outside) -> str:
    for path in outside.models.found():
        with suppress(BadModelFile):  # one damaged file beside it is no reason not to find the model
            if record.model.hash and outside.models.hash_of(outside.models.read(path)) == record.model.hash:
                return path
    raise BadInput(
        f"The model of the run, {record.model.name} ({record.model.file_name}), is not among the models here.",
        advice="Name it with --model.",
    )


def _reproduction(record: RunRecord, state: ClusterState, outside: Outside) -> Reproduction:
    model_hash = outside.models.hash_of(state.model) if state.model else ""
    return reproduction_of(record, runtime=state.runtime, model_hash=model_hash, machines=state.machines, offers=state.offers)


def _again(
    foreground: Foreground, outside: Outside, record: RunRecord, found: Reproduction, repetitions: int
) -> RunRecord | None:
    """Launch the split and measure; the record of it, or ``None`` when it could not be kept."""
    state = foreground.choose(given=found.split)
    plan_or_refusal(state)
    state = foreground.launch()
    if state.run is None:
        return None
    timings = measured_requests(outside, state.run, repetitions)
    ids: list[str] = []
    keep(outside, foreground, timings, ids.append)
    foreground.stop()
    kept = outside.history.load(ids[0]) if ids else None
    if kept is not None:
        return kept
    plan = state.run.plan
    return replace(
        record,
        id="",
        at="",
        decode_predicted=plan.predicted.decode_tokens_per_second,
        prefill_predicted=plan.predicted.prefill_tokens_per_second,
        map_matches=state.run.layer_map.matches,
        samples=tuple(sample_of(one) for one in timings),
    )


def _print(record: RunRecord, found: Reproduction, again: RunRecord | None, *, as_json: bool) -> None:
    if as_json:
        here = None if again is None else run_json(again)
        print_json({"recorded": run_json(record), "here": here, "differences": list(found.differences)})
    elif again is not None:
        rows = [
            (name, rate(one.decode_measured), rate(one.prefill_measured), rate(one.decode_predicted))
            for name, one in (("recorded", record), ("here", again))
        ]
        print_table(("", "decode", "prefill", "decode predicted"), rows, right=("decode", "prefill", "decode predicted"))
        print_line(f"Recorded decode against here: {error_text(again.decode_measured, record.decode_measured)}.")
