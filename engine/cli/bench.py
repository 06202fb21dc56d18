"""``crossplyctl bench``: run the best plans for real, interleaved, and show measured beside predicted. All is kept."""

from __future__ import annotations

import argparse
import statistics
from typing import Any

from engine.cli.terminal import exit_codes
from engine.cli.terminal.foreground import PlanIsRefused, in_foreground
from engine.cli.terminal.gather import gathered
from engine.cli.terminal.machine_options import add_copying, add_machines
from engine.cli.terminal.options import add_json, add_planning, choices_of, positive
from engine.cli.terminal.output import print_json, print_line, print_table, rate
from engine.cli.up import calibrated
from engine.open_session import open_session, real_outside
from engine.session.plan_runs.measure_plans import Subject, best_subjects, measure_interleaved, spread
from engine.session.working.watch_coordinator import BENCHMARK_DECODE_TOKENS, BENCHMARK_PROMPT_TOKENS

TOP = 3


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("bench", help="measure plans for real, beside what was predicted")
    parser.add_argument("model", metavar="MODEL", help="a GGUF file")
    parser.add_argument("--all", action="store_true", help="every plan of the comparison, not only the best")
    parser.add_argument(
        "--top", type=positive, default=TOP, metavar="N", help=f"the chosen plan and the best predicted, N in all ({TOP})"
    )
    parser.add_argument("--rounds", type=positive, default=2, metavar="N", help="every plan is launched once a round (2)")
    parser.add_argument("--repetitions", type=positive, default=3, metavar="N", help="counted requests per launch (3)")
    add_machines(parser)
    add_copying(parser)
    add_planning(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    with in_foreground(open_session(choices_of(arguments))) as foreground:
        foreground.wait_until_planned()
        gathered(foreground, arguments)
        subjects = best_subjects(calibrated(foreground), None if arguments.all else arguments.top)
        if subjects and not any(subject.plan for subject in subjects):
            raise PlanIsRefused(subjects[0].refused)
        measure_interleaved(foreground, real_outside(), subjects, rounds=arguments.rounds, repetitions=arguments.repetitions)
    if arguments.json:
        print_json({"model": arguments.model, "runs": [_row(subject) for subject in subjects]})
    else:
        _print(subjects)
    return exit_codes.OK if all(subject.map_matches in (True, None) for subject in subjects) else exit_codes.MAP_DIFFERS


def _row(subject: Subject) -> dict[str, Any]:
    plan = subject.plan
    predicted = plan.predicted if plan else None
    return {
        "plan": subject.title,
        "policy": subject.policy.value,
        "layout": subject.layout.value,
        "refused": list(subject.refused) if plan is None else None,
        "workers": [worker.id for worker in plan.used_workers] if plan else [],
        "tensor_split": list(plan.tensor_split) if plan else [],
        "map_matches": subject.map_matches,
        "pipelined": subject.pipelined,
        "decode_predicted": predicted.decode_tokens_per_second if predicted else None,
        "decode_measured": _median(subject.decode),
        "decode_spread": spread(subject.decode),
        "decode_samples": subject.decode,
        "prefill_predicted": predicted.prefill_tokens_per_second if predicted else None,
        "prefill_measured": _median(subject.prefill),
        "prefill_spread": spread(subject.prefill),
        "prefill_samples": subject.prefill,
        "run_ids": subject.run_ids,
    }


def _median(rates: list[float]) -> float | None:
    return statistics.median(rates) if rates else None


def _print(subjects: list[Subject]) -> None:
    columns = ("plan", "split", "decode predicted", "measured", "spread", "prefill predicted", "measured", "spread", "map")
    print_table(columns, [_cells(subject) for subject in subjects])
    n_samples = max((len(subject.timings) for subject in subjects), default=0)
    print_line(
        f"Medians of {n_samples} requests of {BENCHMARK_PROMPT_TOKENS} prompt and {BENCHMARK_DECODE_TOKENS} generated "
        "tokens each, after a warm-up, timed by llama-server, the plans in turn. All samples: crossplyctl history."
    )


def _cells(subject: Subject) -> tuple[str, ...]:
    if subject.plan is None:
        return (subject.title, "refused", *[""] * 7)
    predicted = subject.plan.predicted
    return (
        subject.title,
        ",".join(str(count) for count in subject.plan.tensor_split),
        rate(predicted.decode_tokens_per_second),
        rate(_median(subject.decode)),
        _percent(spread(subject.decode)),
        rate(predicted.prefill_tokens_per_second),
        rate(_median(subject.prefill)),
        _percent(spread(subject.prefill)),
        "as planned" if subject.map_matches else "DIFFERS",
    )


def _percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{fraction * 100:.0f} %"
