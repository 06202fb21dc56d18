"""``crossplyctl bench``: run the plans for real, one after the other, and show measured beside predicted."""

from __future__ import annotations

import argparse
import statistics
from dataclasses import replace
from typing import Any

from engine.cli.terminal import exit_codes
from engine.cli.terminal.foreground import Foreground, PlanIsRefused, in_foreground, plan_or_refusal
from engine.cli.terminal.gather import gathered
from engine.cli.terminal.machine_options import add_copying, add_machines
from engine.cli.terminal.options import add_json, add_planning, choices_of, positive
from engine.cli.terminal.output import print_json, print_line, print_table, rate, say
from engine.cli.up import calibrated
from engine.open_session import open_session, real_outside
from engine.session.state import ClusterState
from engine.session.working.watch_coordinator import BENCHMARK_DECODE_TOKENS, BENCHMARK_PROMPT_TOKENS
from engine.vocabulary.plan import Plan, Policy
from engine.vocabulary.throughput import RequestTimings
from engine.vocabulary.worker import Layout


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("bench", help="measure plans for real, beside what was predicted")
    parser.add_argument("model", metavar="MODEL", help="a GGUF file")
    parser.add_argument("--all", action="store_true", help="every policy and layout, not only the chosen one")
    parser.add_argument("--repetitions", type=positive, default=3, metavar="N", help="standard requests per plan (3)")
    add_machines(parser)
    add_copying(parser)
    add_planning(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    rows: list[dict[str, Any]] = []
    with in_foreground(open_session(choices_of(arguments))) as foreground:
        foreground.wait_until_planned()
        gathered(foreground, arguments)
        state = calibrated(foreground)
        for policy, layout in _pairs(state, every=arguments.all):
            rows.append(_measured(foreground, policy, layout, arguments.repetitions))
    if arguments.json:
        print_json({"model": arguments.model, "runs": rows})
    else:
        _print(rows)
    return exit_codes.OK if all(row["map_matches"] in (True, None) for row in rows) else exit_codes.MAP_DIFFERS


def _pairs(state: ClusterState, *, every: bool) -> list[tuple[Policy, Layout]]:
    if not every:
        return [(state.choices.policy, state.choices.layout)]
    return [(variant.policy, variant.layout) for variant in state.variants]


def _measured(foreground: Foreground, policy: Policy, layout: Layout, repetitions: int) -> dict[str, Any]:
    session = foreground.session
    session.choose(replace(session.snapshot().choices, policy=policy, layout=layout))
    wanted = (policy, layout)
    state = foreground.wait_for(lambda state: (state.choices.policy, state.choices.layout) == wanted, "Planning")
    row: dict[str, Any] = {"policy": policy.value, "layout": layout.value, "map_matches": None, "refused": None}
    try:
        plan = plan_or_refusal(state)
    except PlanIsRefused as refused:
        return row | {"refused": list(refused.reasons)}
    say(f"Measuring {policy}, {layout}: {len(plan.used_workers)} workers")
    state = foreground.launch()
    timings = _repeat(state, repetitions)
    foreground.stop()
    return row | _figures(plan, state, timings)


def _repeat(state: ClusterState, repetitions: int) -> list[RequestTimings]:
    if state.run is None:
        return []
    client = real_outside().coordinator_client(state.run.api_url)
    n_more = range(max(0, repetitions - 1))
    more = [client.measure(prompt_tokens=BENCHMARK_PROMPT_TOKENS, decode_tokens=BENCHMARK_DECODE_TOKENS) for _ in n_more]
    return [*([state.run.benchmark] if state.run.benchmark else []), *more]


def _figures(plan: Plan, state: ClusterState, timings: list[RequestTimings]) -> dict[str, Any]:
    decode = [t.decode_tokens_per_second for t in timings if t.decode_tokens_per_second]
    prefill = [t.prefill_tokens_per_second for t in timings if t.prefill_tokens_per_second]
    return {
        "workers": [worker.id for worker in plan.used_workers],
        "tensor_split": list(plan.tensor_split),
        "map_matches": state.run.layer_map.matches if state.run else None,
        "pipelined": state.run.pipelined if state.run else None,
        "decode_predicted": plan.predicted.decode_tokens_per_second,
        "decode_measured": statistics.median(decode) if decode else None,
        "decode_samples": decode,
        "prefill_predicted": plan.predicted.prefill_tokens_per_second,
        "prefill_measured": statistics.median(prefill) if prefill else None,
        "prefill_samples": prefill,
    }


def _print(rows: list[dict[str, Any]]) -> None:
    print_table(
        ("policy", "layout", "split", "decode predicted", "measured", "prefill predicted", "measured", "map"),
        [
            (row["policy"], row["layout"], "refused", "", "", "", "", "")
            if row["refused"]
            else (
                row["policy"],
                row["layout"],
                ",".join(str(count) for count in row["tensor_split"]),
                rate(row["decode_predicted"]),
                rate(row["decode_measured"]),
                rate(row["prefill_predicted"]),
                rate(row["prefill_measured"]),
                "as planned" if row["map_matches"] else "DIFFERS",
            )
            for row in rows
        ],
    )
    n_samples = max((len(row.get("decode_samples", ())) for row in rows), default=0)
    print_line(
        f"Medians of {n_samples} requests of {BENCHMARK_PROMPT_TOKENS} prompt and {BENCHMARK_DECODE_TOKENS} generated "
        "tokens each, timed by llama-server."
    )
