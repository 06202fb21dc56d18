"""The fastest plan against llama.cpp's own split on uneven test beds, and what was predicted against what came out.

``python -m tests.benchmarks.against_default [MODEL [ROUNDS [BED]]]``, as root on Linux. Per bed and round: llama-server with
its default split over all workers in the order listed, then with the plan of policy ``fastest``, the order changing from round
to round; in each, one warm-up and two requests of 256 + 48 tokens. Ratios are of the medians of a round. Prints a table in
Markdown and every sample as JSON. The bed that is even is there to see that nothing is lost.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.measuring.probe_files import ProbeFiles
from engine.open_session import real_outside
from engine.planning.memory.memory_needs import memory_needs
from engine.planning.split_layers import split_layers
from engine.runtimes.demo_model import find_demo_model
from engine.settings.folders import find_folders
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import Plan, PlanRequest, Policy
from engine.vocabulary.running.throughput import RequestTimings
from tests.benchmarks.beds.bed_calibration import Calibrated
from tests.benchmarks.beds.bed_runs import SHAPE, default_argv, measured, planned_argv, programs_in
from tests.benchmarks.beds.bed_workers import BedWorker, RunningWorker, running_workers
from tests.fakes.llama_cpp.gguf_writer import write_llama

PROMPT_TOKENS, DECODE_TOKENS, REQUESTS = 256, 48, 2
UNIFORM: dict[str, Any] = {"n_layers": 24, "n_embd": 1024, "n_ff": 2816, "n_head": 16, "n_head_kv": 8, "head_length": 64}
UNIFORM |= {"n_vocab": 8000, "weights": "q8_0"}
"""About 310 MB in equal layers; a small head."""
COMPUTE_BYTES = 45_000_000


def new(delay_ms: float = 0.0, **more: int) -> BedWorker:
    """A worker as fast as this machine is, in few words."""
    return BedWorker(delay_ms=delay_ms, **more)


def older(**more: int) -> BedWorker:
    """A somewhat slower one."""
    return BedWorker(processor="sandybridge", **more)


def old(**more: int) -> BedWorker:
    """A slow one."""
    return BedWorker(processor="x64", **more)


def beds_of_demo() -> dict[str, tuple[BedWorker, ...]]:
    """For a model that fits everywhere: which workers to take, and in which order."""
    return {
        "new, old": (new(), old()),
        "old, new": (old(), new()),
        "new, new, old": (new(), new(), old()),
        "new, new 20 ms away": (new(), new(10)),
        "older, new, old, old": (older(), new(), old(), old()),
        "8 workers, every second older": (new(), older()) * 4,
    }


def beds_of_uniform(model: ModelFacts) -> dict[str, tuple[BedWorker, ...]]:
    """For a model that no machine can hold alone, as large models are: each has room for 60 % of it (or 30 %)."""
    all_bytes = memory_needs(model, SHAPE, outputs_per_slot=True).total_bytes
    most, some = ({"safe_bytes": int(share * all_bytes) + COMPUTE_BYTES} for share in (0.6, 0.3))
    return {
        "two with room, one old": (new(**most), new(**most), old(**most)),
        "old first, new 2 ms away": (old(**most), new(**most), new(1.0, **most)),
        "six of two speeds": (older(**some), new(**some)) * 3,
        "five, one far": (new(10, **some), new(**some), older(**some), new(**some), new(**some)),
        "even pair": (new(**most), new(**most)),
    }


@dataclass
class Outcome:
    """What came of one bed."""

    name: str
    split: str
    predicted: tuple[float | None, float | None]
    default: list[list[RequestTimings]] = field(default_factory=list)
    planned: list[list[RequestTimings]] = field(default_factory=list)

    def ratio(self, what: str) -> float:
        """Median over the rounds of planned / default."""
        pairs = zip(self.planned, self.default, strict=True)
        return statistics.median(rate_of(ours, what) / rate_of(theirs, what) for ours, theirs in pairs)

    def error(self, what: str) -> float | None:
        """Of the prediction, signed: 0.1 = 10 % too high."""
        predicted = self.predicted[what == "prefill"]
        return None if predicted is None else predicted / statistics.median(rate_of(r, what) for r in self.planned) - 1


def rate_of(timings: Sequence[RequestTimings], what: str) -> float:
    """Median tokens per second."""
    return statistics.median(getattr(one, f"{what}_tokens_per_second") or math.nan for one in timings)


def one_bed(name: str, model: ModelFacts, workers: tuple[RunningWorker, ...], known: Calibrated, n_rounds: int) -> Outcome:
    """Plan with what is known of each kind of worker, and measure both sides in turn."""
    programs = known.programs
    offers = tuple(worker.offer(known.speed(worker, model)) for worker in workers)
    plan = split_layers(PlanRequest(model=model, offers=offers, policy=Policy.FASTEST, shape=SHAPE, outputs_per_slot=True))
    assert isinstance(plan, Plan), plan.reasons
    split = ", ".join(f"{worker.offer.machine_name}: {worker.n_layers}" for worker in plan.used_workers)
    predicted = (plan.predicted.decode_tokens_per_second, plan.predicted.prefill_tokens_per_second)
    outcome = Outcome(name, split, predicted)
    for number in range(n_rounds):
        for side in ("default", "planned") if number % 2 == 0 else ("planned", "default"):
            argv = default_argv(programs, model, workers) if side == "default" else planned_argv(programs, plan, workers)
            tokens = {"prompt_tokens": PROMPT_TOKENS, "decode_tokens": DECODE_TOKENS}
            getattr(outcome, side).append(measured(argv, REQUESTS, **tokens))
    return outcome


def report(outcomes: list[Outcome]) -> None:
    """Tables and samples."""
    print("| bed | layers | decode, default | fastest | ratio | prefill ratio | decode error | prefill error |")
    print("|---|---|---|---|---|---|---|---|")
    for outcome in outcomes:
        default = statistics.median(rate_of(timings, "decode") for timings in outcome.default)
        planned = statistics.median(rate_of(timings, "decode") for timings in outcome.planned)
        errors = [outcome.error(what) for what in ("decode", "prefill")]
        words = [f"{error:+.0%}" if error is not None else "-" for error in errors]
        ratios = f"{outcome.ratio('decode'):.2f} | {outcome.ratio('prefill'):.2f}"
        print(f"| {outcome.name} | {outcome.split} | {default:.1f} | {planned:.1f} | {ratios} | {words[0]} | {words[1]} |")
    for what in ("decode", "prefill"):
        mean = math.exp(statistics.fmean(math.log(outcome.ratio(what)) for outcome in outcomes))
        worst = min(outcome.ratio(what) for outcome in outcomes)
        errors = [abs(error) for outcome in outcomes if (error := outcome.error(what)) is not None]
        print(
            f"{what}: {mean:.2f}x over the default (geometric mean of {len(outcomes)} beds), worst bed {worst:.2f}x; ", end=""
        )
        print(f"prediction off by {statistics.fmean(errors):.1%} on average, {max(errors):.1%} at worst")
    print(json.dumps({outcome.name: samples_of(outcome) for outcome in outcomes}))


def samples_of(outcome: Outcome) -> dict[str, object]:
    """Raw."""

    def rates(rounds: list[list[RequestTimings]]) -> list[list[tuple[float | None, float | None]]]:
        return [[(one.decode_tokens_per_second, one.prefill_tokens_per_second) for one in timings] for timings in rounds]

    return {"predicted": outcome.predicted, "default": rates(outcome.default), "planned": rates(outcome.planned)}


def main(model_path: str, n_rounds: int, only: str = "") -> None:
    """Measure and print."""
    outside = real_outside()
    folder = next(find_folders().data.glob("runtimes/*/bin/llama-server")).parent
    programs = programs_in(folder)
    outcomes = []
    with tempfile.TemporaryDirectory() as work, ProbeFiles() as files:
        known = Calibrated(programs, files)
        uniform = outside.models.read(str(write_llama(Path(work) / "uniform.gguf", **UNIFORM)))
        demo = outside.models.read(model_path)
        beds = [(demo, beds_of_demo()), (uniform, beds_of_uniform(uniform))]
        for model, name, bed in ((model, name, bed) for model, named in beds for name, bed in named.items() if only in name):
            with running_workers(next(folder.glob("*rpc-server")), bed, Path(work)) as workers:
                outcomes.append(one_bed(name, model, workers, known, n_rounds))
            print(f"{name}: {outcomes[-1].split}", file=sys.stderr, flush=True)
    report(outcomes)


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else find_demo_model(find_folders())
    if chosen is None:
        sys.exit("Name a model, or run make test once: it fetches the small one.")
    main(str(chosen), int(sys.argv[2]) if len(sys.argv) > 2 else 3, *sys.argv[3:4])
