"""``crossplyctl compare``: traditional, hybrid, llama.cpp's own split and fastest side by side; what each worker is worth."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from engine.cli.measured.advice import print_advice
from engine.cli.terminal import exit_codes
from engine.cli.terminal.gather import gathered, looked_once, looking_foreground, refuse_unknown_workers
from engine.cli.terminal.machine_options import add_machines, read_cluster_file
from engine.cli.terminal.options import add_json, add_planning, choices_of
from engine.cli.terminal.output import complain, gigabytes, print_json, print_line, print_table, printable, rate
from engine.errors import BadInput
from engine.open_session import real_outside
from engine.planning.comparing.compare import compare
from engine.session.reducing.planned.replan import request_of
from engine.session.state import Choices, ClusterState
from engine.session.telling.measured_json import comparison_json
from engine.session.working.measured.compare_plans import comparison_of
from engine.settings.cluster_files.cluster_file import coordinator_of_cluster, offers_of_cluster
from engine.vocabulary.comparison import Approach, Comparison, ComparisonRow
from engine.vocabulary.plan import Plan, PlanRefused, PlanRequest, Policy, RunShape
from engine.vocabulary.worker import Layout, WorkerId, WorkerOffer


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("compare", help="what hybrid, traditional and llama.cpp's split are worth; starts nothing")
    parser.add_argument("model", metavar="MODEL", help="a GGUF file")
    parser.add_argument("--cluster", metavar="FILE", help="machines from a TOML file instead of this one (what-if)")
    parser.add_argument("--advise", action="store_true", help="also which machines are enough, and what every worker brings")
    add_machines(parser)
    add_planning(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare and print."""
    if arguments.cluster and arguments.machine:
        raise BadInput("--cluster plans without looking at machines, --machine looks at one.", advice="Give one of them.")
    choices = choices_of(arguments)
    asked = _on_cluster(arguments, choices) if arguments.cluster else _here(arguments, choices)
    comparison = asked.comparison
    if arguments.json:
        document = {"model": choices.model_path, "context_tokens": choices.shape.context_tokens, "slots": choices.shape.slots}
        print_json(document | comparison_json(comparison))
    else:
        print_comparison(comparison, choices.shape)
        if arguments.advise:
            print_advice(asked.request, asked.left_out)
    fastest = comparison.row(Approach.FASTEST).result
    return exit_codes.REFUSED if isinstance(fastest, PlanRefused) else exit_codes.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What was compared, and the workers that could be added to it."""

    comparison: Comparison
    request: PlanRequest
    left_out: tuple[WorkerOffer, ...]


def _here(arguments: argparse.Namespace, choices: Choices) -> _Asked:
    state = _looked(arguments, choices)
    if state.model_problem is not None:
        raise BadInput(state.model_problem.happened, advice=state.model_problem.advice)
    refuse_unknown_workers(arguments, state.offers)
    comparison = comparison_of(state)
    request = request_of(state, Policy.FASTEST, Layout.PER_DEVICE)
    if comparison is None or isinstance(request, PlanRefused):
        reasons = state.plan.reasons if isinstance(state.plan, PlanRefused) else ("There is nothing to compare.",)
        raise BadInput(" ".join(reasons), advice="See crossplyctl plan.")
    left_out = tuple(offer for offer in state.offers if offer.id in state.choices.left_out)
    return _Asked(comparison=comparison, request=request, left_out=left_out)


def _looked(arguments: argparse.Namespace, choices: Choices) -> ClusterState:
    outside = real_outside()
    if not choices.targets:
        return looked_once(outside, choices)
    with looking_foreground(outside, choices) as foreground:
        foreground.wait_until_planned()
        return gathered(foreground, arguments)


def _on_cluster(arguments: argparse.Namespace, choices: Choices) -> _Asked:
    machines = read_cluster_file(Path(arguments.cluster)).machine

    def offers(layout: Layout, left_out: frozenset[WorkerId]) -> tuple[WorkerOffer, ...]:
        return offers_of_cluster(machines, layout, choices.reserve_fraction, left_out=left_out)

    request = PlanRequest(
        model=real_outside().models.read(str(choices.model_path)),
        offers=offers(Layout.PER_DEVICE, choices.left_out),
        shape=choices.shape,
        prompt_share=choices.prompt_share,
        coordinator_machine=coordinator_of_cluster(machines),
    )
    every = offers(Layout.PER_DEVICE, frozenset())
    refuse_unknown_workers(arguments, every)
    return _Asked(
        comparison=compare(request, offers(Layout.TRADITIONAL, choices.left_out)),
        request=request,
        left_out=tuple(offer for offer in every if offer.id in choices.left_out),
    )


def print_comparison(comparison: Comparison, shape: RunShape) -> None:
    """For people."""
    columns = ("approach", "workers", "usable", "largest context", "decode", "measured", "prefill", "measured", "split")
    print_table(columns, [_cells(row) for row in comparison.rows], right=columns[1:8])
    print_line()
    for row in comparison.rows:
        if isinstance(row.result, PlanRefused):
            complain(f"{row.approach}: {row.result.reasons[0]}")
    fastest = comparison.row(Approach.FASTEST).result
    if isinstance(fastest, Plan):
        basis = fastest.predicted.basis.rstrip(".")
        print_line(f"Context {shape.context_tokens} tokens. Decode and prefill as predicted: {basis}.")
    for worth in comparison.workers:
        print_line(printable(f"{worth.worker_id}: {worth.sentence}."))


def _cells(row: ComparisonRow) -> tuple[str, ...]:
    context = "–" if row.largest_context_tokens is None else f"{row.largest_context_tokens}"
    measured = (rate(row.measured_decode_tokens_per_second), rate(row.measured_prefill_tokens_per_second))
    if isinstance(row.result, PlanRefused):
        return (
            row.approach.value,
            "–",
            gigabytes(row.usable_bytes),
            context,
            "–",
            measured[0],
            "–",
            measured[1],
            "does not fit",
        )
    predicted = row.result.predicted
    return (
        row.approach.value,
        str(len(row.result.used_workers)),
        gigabytes(row.usable_bytes),
        context,
        rate(predicted.decode_tokens_per_second),
        measured[0],
        rate(predicted.prefill_tokens_per_second),
        measured[1],
        ",".join(map(str, row.result.tensor_split)),
    )
