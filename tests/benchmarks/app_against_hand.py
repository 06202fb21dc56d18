"""The same split started by Crossply and typed by hand, and what every further worker on the loopback costs.

``python -m tests.benchmarks.app_against_hand [MODEL [ROUNDS]]``. For 1 to 4 CPU workers (one alone has all cores, on two cores
each of more has one thread): a session of the application launches an even split; by hand the same llama.cpp programs are
started with the same devices, threads and ``-ts``, without what Crossply adds (``-lv 5`` and ``--log-jsonl``, which prove the
layer map; leashes; the supervision beside them). Both stay loaded, requests are measured in turn, the order changing from
round to round. Prints a table in Markdown and all samples.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from engine.open_session import real_outside
from engine.ports import CoordinatorClient
from engine.runtimes.demo_model import find_demo_model
from engine.session.session import Session
from engine.session.state import Choices, ClusterState, RunPhase
from engine.settings.folders import find_folders
from engine.vocabulary.plan import Plan, Policy, RunShape
from engine.vocabulary.running.throughput import RequestTimings
from tests.benchmarks.beds.bed_runs import serving
from tests.benchmarks.beds.bed_workers import LOOPBACK, free_port, wait_until_listening

PROMPT_TOKENS, DECODE_TOKENS, REQUESTS = 512, 64, 2
MOST_WORKERS = 4
SHAPE = RunShape(context_tokens=2048, ubatch_tokens=256)
START_SECONDS = 180.0
API_PORT = 18080

Samples = dict[tuple[int, str], list[list[RequestTimings]]]


@contextmanager
def by_app(model: str, n_workers: int) -> Iterator[tuple[CoordinatorClient, Plan]]:
    """Serving, and what was planned."""
    choices = Choices(model_path=model, policy=Policy.EVEN, cpu_workers=n_workers, shape=SHAPE, api_port=API_PORT)
    session = Session(real_outside(), choices)
    session.start()
    try:
        waited_for(session, lambda state: state.plan is not None)
        session.launch()
        state = waited_for(session, lambda state: state.run is not None and state.run.benchmark is not None)
        assert state.run is not None
        assert state.run is not None
        yield real_outside().coordinator_client(state.run.coordinator_url), state.run.plan
    finally:
        session.close()
        session.join()


def waited_for(session: Session, reached: Callable[[ClusterState], bool]) -> ClusterState:
    """The first state that is as wanted; ends the benchmark when the run fails or it takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not reached(state := session.snapshot()):
        if state.run_phase is RunPhase.FAILED or time.monotonic() > deadline:
            sys.exit(f"It failed: {[problem.happened for problem in state.problems]}")
        time.sleep(0.05)
    return state


@contextmanager
def by_hand(plan: Plan, folder: Path, cache: Path) -> Iterator[CoordinatorClient]:
    """The same devices and shares, as a person would type them."""
    with ExitStack() as stack:
        threads = {worker.offer.threads for worker in plan.used_workers}
        endpoints = [stack.enter_context(_rpc_server(folder, cache, max(filter(None, threads)))) for _ in plan.used_workers]
        line = [str(folder / "llama-server"), "-m", str(plan.model.path), "--rpc", ",".join(endpoints), "-ngl", "999"]
        line += ["-dev", ",".join(f"RPC{index}" for index in range(len(endpoints)))]
        line += ["-ts", ",".join(str(count) for count in plan.tensor_split if count)]
        line += ["-c", str(SHAPE.context_tokens), "-np", "1", "-b", str(SHAPE.batch_tokens), "-ub", str(SHAPE.ubatch_tokens)]
        line += ["--cache-ram", "0", "-fit", "off", "--host", LOOPBACK, "--port", str(free_port())]
        yield stack.enter_context(serving(line))


@contextmanager
def _rpc_server(folder: Path, cache: Path, threads: int) -> Iterator[str]:
    port = free_port()
    argv = [str(next(folder.glob("*rpc-server"))), "-H", LOOPBACK, "-p", str(port), "-d", "CPU", "-t", str(threads), "-c"]
    environment = {"LLAMA_CACHE": str(cache), "PATH": "/usr/bin:/bin", "HOME": str(cache)}
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        wait_until_listening(port, process)
        yield f"{LOOPBACK}:{port}"
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def measured(model: str, n_rounds: int) -> Samples:
    """Per count of workers and side, per round its requests."""
    folder = next(find_folders().data.glob("runtimes/*/bin/llama-server")).parent
    samples: Samples = {}
    for n_workers in range(1, MOST_WORKERS + 1):
        with (
            tempfile.TemporaryDirectory() as cache,
            by_app(model, n_workers) as (app, plan),
            by_hand(plan, folder, Path(cache)) as hand,
        ):
            sides = [("app", app), ("hand", hand)]
            hand.measure(prompt_tokens=PROMPT_TOKENS, decode_tokens=DECODE_TOKENS)  # the application has warmed up
            for number in range(n_rounds):
                for side, client in sides if number % 2 == 0 else reversed(sides):
                    requests = [
                        client.measure(prompt_tokens=PROMPT_TOKENS, decode_tokens=DECODE_TOKENS) for _ in range(REQUESTS)
                    ]
                    samples.setdefault((n_workers, side), []).append(requests)
        print(f"{n_workers} workers done", file=sys.stderr, flush=True)
    return samples


def rates(rounds: list[list[RequestTimings]], what: str) -> list[float]:
    """Median tokens per second of each round."""
    return [statistics.median(getattr(one, f"{what}_tokens_per_second") for one in requests) for requests in rounds]


def report(samples: Samples) -> None:
    """Tables and samples."""
    print(
        "| workers | decode, app | by hand | app / hand | prefill, app | by hand | app / hand |\n|---|---|---|---|---|---|---|"
    )
    all_ratios: dict[str, list[float]] = {"decode": [], "prefill": []}
    for n_workers in range(1, MOST_WORKERS + 1):
        cells = []
        for what, ratios in all_ratios.items():
            app, hand = (rates(samples[n_workers, side], what) for side in ("app", "hand"))
            pairs = [ours / theirs for ours, theirs in zip(app, hand, strict=True)]
            ratios += pairs
            spread = f"{statistics.median(pairs):.2f} ({min(pairs):.2f}-{max(pairs):.2f})"
            cells += [f"{statistics.median(app):.1f}", f"{statistics.median(hand):.1f}", spread]
        print(f"| {n_workers} | {' | '.join(cells)} |")
    for what, ratios in all_ratios.items():
        print(f"\n{what}: app / hand {statistics.median(ratios):.3f} (median of {len(ratios)} pairs)")
    for side in ("app", "hand"):
        counts = range(2, MOST_WORKERS + 1)  # of as many threads each
        ms = {n: 1000 / statistics.median(rates(samples[n, side], "decode")) for n in counts}
        slope = statistics.linear_regression(list(ms), list(ms.values())).slope
        print(f"\n{side}: {slope:.2f} ms per added worker and token ({', '.join(f'{value:.1f}' for value in ms.values())} ms)")
    words = {f"{n} {side}": {what: rates(rounds, what) for what in all_ratios} for (n, side), rounds in samples.items()}
    print(json.dumps(words))


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else find_demo_model(find_folders())
    if chosen is None:
        sys.exit("Name a model, or run make test once: it fetches the small one.")
    report(measured(str(chosen), int(sys.argv[2]) if len(sys.argv) > 2 else 7))
