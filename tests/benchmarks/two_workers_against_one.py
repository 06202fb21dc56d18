"""One CPU worker against two on this machine, one thread each: paired and interleaved, medians with their spread.

``python -m tests.benchmarks.two_workers_against_one [MODEL [ROUNDS]]``. Every worker gets one thread, so two workers have
twice the processor. Prefill may gain from it (micro-batches overlap); decode cannot: it goes through one after the other.
The order within a pair changes from round to round, so that a load that comes and goes meets both.
"""

from __future__ import annotations

import statistics
import sys
import threading
from dataclasses import dataclass

from engine.open_session import real_outside
from engine.ports import CoordinatorClient
from engine.runtimes.demo_model import find_demo_model
from engine.session.session import Session
from engine.session.state import Choices, ClusterState, RunPhase
from engine.settings.folders import find_folders
from engine.vocabulary.plan import Policy, RunShape
from engine.vocabulary.running.throughput import RequestTimings

PROMPT_TOKENS, DECODE_TOKENS = 2048, 64
SHAPE = RunShape(context_tokens=4096, ubatch_tokens=256)
FIRST_API_PORT = 18080


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: it stays loaded for all rounds."""

    name: str
    session: Session
    client: CoordinatorClient
    samples: list[RequestTimings]

    def measure(self) -> None:
        """One request."""
        self.samples.append(self.client.measure(prompt_tokens=PROMPT_TOKENS, decode_tokens=DECODE_TOKENS))


def waited_for(session: Session, reached) -> ClusterState:
    """The first state that is as wanted."""
    while not reached(state := session.snapshot()):
        if state.run_phase is RunPhase.FAILED or state.model_problem is not None:
            sys.exit(f"It failed: {[problem.happened for problem in state.problems] or state.model_problem}")
        threading.Event().wait(0.05)
    return state


def begun(name: str, model: str, n_workers: int) -> Side:
    """Started and warmed up. Two are offered in both cases, so that each has one thread; with one, the other is off."""
    left_out = frozenset() if n_workers == 2 else frozenset({"this-machine/cpu-1"})
    choices = Choices(
        model_path=model, policy=Policy.EVEN, cpu_workers=2, shape=SHAPE, left_out=left_out, api_port=FIRST_API_PORT
    )
    session = Session(real_outside(), choices)
    session.start()
    waited_for(session, lambda state: state.plan is not None)
    session.launch()
    state = waited_for(session, lambda state: state.run is not None and state.run.benchmark is not None)
    workers = [(worker.id, worker.n_layers, worker.offer.threads) for worker in state.run.plan.used_workers]
    print(f"{name}: (worker, layers, threads) {workers}, pipelined {state.run.pipelined}")
    return Side(name, session, real_outside().coordinator_client(state.run.coordinator_url), [])


def row(side: Side, rate) -> str:
    """Median, quartiles and range."""
    values = sorted(rate(sample) for sample in side.samples)
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{side.name:12} median {middle:8.1f}  quartiles {low:8.1f} {high:8.1f}  range {values[0]:8.1f} {values[-1]:8.1f}"


def main(model: str, rounds: int) -> None:
    """Measure and print."""
    sides: list[Side] = []
    try:
        sides += [begun("one worker", model, 1)]
        sides += [begun("two workers", model, 2)]
        for number in range(rounds):
            for side in sides if number % 2 == 0 else reversed(sides):
                side.measure()
    finally:
        for side in sides:
            side.session.close()
        for side in sides:
            side.session.join()
    one, two = sides
    for word in ("prefill", "decode"):

        def rate(timings: RequestTimings, word: str = word) -> float:
            return getattr(timings, f"{word}_tokens_per_second")

        ratios = [rate(b) / rate(a) for a, b in zip(one.samples, two.samples, strict=True)]
        print(f"{word}, tok/s ({PROMPT_TOKENS} + {DECODE_TOKENS} tokens, {rounds} pairs)")
        print(f"  {row(one, rate)}\n  {row(two, rate)}")
        print(f"  two / one    median {statistics.median(ratios):8.2f}  range {min(ratios):.2f} {max(ratios):.2f}")


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else find_demo_model(find_folders())
    if chosen is None:
        sys.exit("Name a model, or run make test once: it fetches the small one.")
    main(str(chosen), int(sys.argv[2]) if len(sys.argv) > 2 else 7)
