"""This machine's CPU in llama-server itself against the same CPU through an rpc-server, and beside plain llama-server.

``python -m tests.benchmarks.native_against_rpc [MODEL [ROUNDS]]``. Both ways are launched by a session of the application,
with the command lines that a person gets from ``up`` and from ``up --native never``; beside them ``llama-server -m MODEL`` as
typed by hand, with that program's own defaults. All three stay loaded, requests are measured in turn, the order changing from
round to round. Prints a table in Markdown, the ratios of paired rounds and all samples.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from engine.open_session import real_outside
from engine.ports import CoordinatorClient
from engine.runtimes.demo_model import find_demo_model
from engine.session.session import Session
from engine.session.state import Choices
from engine.settings.folders import find_folders
from engine.vocabulary.plan import RunShape
from engine.vocabulary.running.throughput import RequestTimings
from tests.benchmarks.app_against_hand import rates, waited_for
from tests.benchmarks.beds.bed_runs import serving
from tests.benchmarks.beds.bed_workers import LOOPBACK, free_port

PROMPT_TOKENS, DECODE_TOKENS, REQUESTS = 512, 64, 2
SHAPE = RunShape(context_tokens=2048, ubatch_tokens=256)
API_PORT = 18080
NATIVE, RPC, PLAIN = "native", "over RPC", "plain llama-server"

Samples = dict[str, list[list[RequestTimings]]]


@contextmanager
def by_app(model: str, *, native: bool) -> Iterator[CoordinatorClient]:
    """Launched by the application; ends the benchmark where the plan is not the way that is meant."""
    choices = Choices(model_path=model, native=native, shape=SHAPE, api_port=API_PORT)
    session = Session(real_outside(), choices)
    session.start()
    try:
        waited_for(session, lambda state: state.plan is not None and bool(state.speeds))
        session.launch()
        state = waited_for(session, lambda state: state.run is not None and state.run.benchmark is not None)
        assert state.run is not None
        if (state.run.plan.native_cpu is not None) is not native or not state.run.layer_map.matches:
            sys.exit(f"Planned otherwise: {[(w.id, w.offer.exposure.value) for w in state.run.plan.used_workers]}")
        print(" ".join(state.processes[-1].argv), file=sys.stderr)
        yield real_outside().coordinator_client(state.run.coordinator_url)
    finally:
        session.close()
        session.join()


def measured(model: str, n_rounds: int) -> Samples:
    """Per side and round its requests."""
    program = str(next(find_folders().data.glob("runtimes/*/bin/llama-server")))
    plain = [program, "-m", model, "--host", LOOPBACK, "--port", str(free_port())]
    samples: Samples = {NATIVE: [], RPC: [], PLAIN: []}
    with ExitStack() as stack:
        sides = [
            (NATIVE, stack.enter_context(by_app(model, native=True))),
            (RPC, stack.enter_context(by_app(model, native=False))),
            (PLAIN, stack.enter_context(serving(plain))),
        ]
        sides[-1][1].measure(prompt_tokens=PROMPT_TOKENS, decode_tokens=DECODE_TOKENS)  # the application has warmed up
        for number in range(n_rounds):
            for side, client in sides[number % 3 :] + sides[: number % 3]:
                requests = [client.measure(prompt_tokens=PROMPT_TOKENS, decode_tokens=DECODE_TOKENS) for _ in range(REQUESTS)]
                samples[side].append(requests)
    return samples


def report(samples: Samples) -> None:
    """Medians, ratios of paired rounds, samples."""
    print("| | decode, tokens/s | range | prefill, tokens/s | range |\n|---|---|---|---|---|")
    for side, rounds in samples.items():
        cells = []
        for what in ("decode", "prefill"):
            values = rates(rounds, what)
            cells += [f"{statistics.median(values):.1f}", f"{min(values):.1f}-{max(values):.1f}"]
        print(f"| {side} | {' | '.join(cells)} |")
    for other in (RPC, PLAIN):
        for what in ("decode", "prefill"):
            pairs = zip(rates(samples[NATIVE], what), rates(samples[other], what), strict=True)
            ratios = [ours / theirs for ours, theirs in pairs]
            middle, low, high = statistics.median(ratios), min(ratios), max(ratios)
            print(f"\n{what}: native / {other} {middle:.3f} ({low:.3f}-{high:.3f}, {len(ratios)} rounds)")
    print(
        json.dumps({side: {what: rates(rounds, what) for what in ("decode", "prefill")} for side, rounds in samples.items()})
    )


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else find_demo_model(find_folders())
    if chosen is None:
        sys.exit("Name a model, or run make test once: it fetches the small one.")
    report(measured(str(chosen), int(sys.argv[2]) if len(sys.argv) > 2 else 9))
