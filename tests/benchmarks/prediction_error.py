"""Predicted against real: decode and prefill over test beds of 1 to 15 CPU workers, old ones and far ones among them.

``python -m tests.benchmarks.prediction_error [--rounds N] [--bed WORDS] [--model FILE] [--json FILE]``, as root on Linux.
Every kind of worker of a bed is calibrated alone, as the application does it (by types, and with the model itself), through
its relay where it has one; layers are shared evenly, and with the policy ``fastest``; llama-server then runs with the
application's own command line. Every round calibrates anew, as the speed of a shared machine drifts by more than what is
looked for; an error is the median over the rounds of prediction against real. Prints a table in Markdown, and every sample as
JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.measuring.probe_files import ProbeFiles
from engine.planning.costs.layer_costs import HEADLINE_DECODE_TOKENS, HEADLINE_PROMPT_TOKENS
from engine.planning.split_layers import split_layers
from engine.runtimes.demo_model import find_demo_model
from engine.runtimes.model_files import GgufModelFiles
from engine.settings.folders import find_folders
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import Plan, PlanRequest, Policy
from engine.vocabulary.running.throughput import RequestTimings
from engine.vocabulary.worker import Speed
from tests.benchmarks.beds.bed_calibration import Calibrated
from tests.benchmarks.beds.bed_runs import SHAPE, Programs, measured, planned_argv, programs_in
from tests.benchmarks.beds.bed_workers import BedWorker, RunningWorker, running_workers
from tests.fakes.llama_cpp.gguf_writer import write_llama

PROMPT_TOKENS, DECODE_TOKENS, REQUESTS = HEADLINE_PROMPT_TOKENS, HEADLINE_DECODE_TOKENS, 2
WHOLE, OLDER, OLD = BedWorker(), BedWorker(processor="sandybridge"), BedWorker(processor="x64")
BEDS: dict[str, tuple[BedWorker, ...]] = {
    "one": (WHOLE,),
    "two": (WHOLE, WHOLE),
    "four": (WHOLE,) * 4,
    "older, whole": (OLDER, WHOLE),
    "whole, old": (WHOLE, OLD),
    "whole, 2 ms away": (WHOLE, BedWorker(delay_ms=1)),
    "5 ms away, whole": (BedWorker(delay_ms=2.5), WHOLE),
    "20 ms away, older, whole": (BedWorker(delay_ms=10), OLDER, WHOLE),
    "three, 5 ms away each": (BedWorker(delay_ms=2.5),) * 3,
    "eight": (WHOLE,) * 8,
    "eight, every second 2 ms away": (WHOLE, BedWorker(delay_ms=1)) * 4,
    "fifteen": (WHOLE,) * 15,
}
LLAMA: dict[str, Any] = {"n_layers": 24, "n_embd": 1024, "n_ff": 2816, "n_head": 16, "n_head_kv": 8, "head_length": 64}
LLAMA |= {"n_vocab": 8000, "weights": "q8_0"}
RUN_SECONDS = 300


@dataclass(kw_only=True)
class Outcome:
    """One bed under one plan."""

    name: str
    split: str
    predicted: dict[str, list[float]] = field(default_factory=lambda: {"decode": [], "prefill": []})
    """One per round."""
    load: list[float] = field(default_factory=list)
    samples: dict[str, list[list[float]]] = field(default_factory=lambda: {"decode": [], "prefill": []})
    """Per round those of its requests."""

    def add(self, plan: Plan, timings: Sequence[RequestTimings]) -> None:
        """Keep what was predicted and measured in one round."""
        for what, rates in self.samples.items():
            rates.append([getattr(one, f"{what}_tokens_per_second") for one in timings])
            self.predicted[what].append(getattr(plan.predicted, f"{what}_tokens_per_second") or 0.0)
        self.load.append(os.getloadavg()[0])

    def error(self, what: str) -> float:
        """Signed: 0.1 = predicted 10 % too fast."""
        rounds = zip(self.predicted[what], self.samples[what], strict=True)
        return statistics.median(predicted / statistics.median(real) for predicted, real in rounds) - 1


def plans_of(workers: Sequence[RunningWorker], speeds: Sequence[Speed], model: ModelFacts) -> Iterator[Plan]:
    """Even, and the fastest if it is another one."""
    offers = tuple(worker.offer(speed) for worker, speed in zip(workers, speeds, strict=True))
    seen: set[object] = set()
    for policy in (Policy.EVEN, Policy.FASTEST):
        plan = split_layers(PlanRequest(model=model, offers=offers, policy=policy, shape=SHAPE, outputs_per_slot=True))
        assert isinstance(plan, Plan), plan.reasons
        split = tuple((worker.id, worker.n_layers) for worker in plan.used_workers)
        if split not in seen:
            seen.add(split)
            yield plan


@dataclass(kw_only=True)
class Laboratory:
    """What all rounds share."""

    folder: Path
    cache: Path
    programs: Programs
    known: Calibrated
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def one_round(self, name: str, model: ModelFacts) -> None:
        """Calibrate the kinds of workers that are new, run every plan once."""
        with running_workers(next(self.folder.glob("*rpc-server")), BEDS[name], self.cache) as workers:
            for plan in plans_of(workers, [self.known.speed(worker, model) for worker in workers], model):
                self._run(name, plan, workers)

    def _run(self, name: str, plan: Plan, workers: tuple[RunningWorker, ...]) -> None:
        split = ", ".join(f"{worker.offer.machine_name}: {worker.n_layers}" for worker in plan.used_workers)
        title = f"{plan.model.name}; {name}; {split}"
        outcome = self.outcomes.setdefault(title, Outcome(name=title, split=split))
        argv = planned_argv(self.programs, plan, workers)
        outcome.add(plan, measured(argv, REQUESTS, prompt_tokens=PROMPT_TOKENS, decode_tokens=DECODE_TOKENS))
        print(title, {what: f"{outcome.error(what):+.0%}" for what in outcome.samples}, file=sys.stderr, flush=True)


def report(outcomes: Sequence[Outcome], seconds: Sequence[float], json_file: str) -> None:
    """Table and samples."""
    print("| model; bed; layers | decode predicted | real | error | prefill predicted | real | error |")
    print("|---|---|---|---|---|---|---|")
    for outcome in outcomes:
        cells = []
        for what in ("decode", "prefill"):
            real = statistics.median(rate for rates in outcome.samples[what] for rate in rates)
            cells += [f"{statistics.median(outcome.predicted[what]):.1f}", f"{real:.1f}", f"{outcome.error(what):+.1%}"]
        print(f"| {outcome.name} | {' | '.join(cells)} |")
    for what in ("decode", "prefill"):
        errors = [abs(outcome.error(what)) for outcome in outcomes]
        print(f"\n{what}: mean error {statistics.fmean(errors):.1%}, worst {max(errors):.1%}, {len(errors)} runs")
    print(f"\ncalibration: {statistics.median(seconds):.1f} s a worker and model (median), {max(seconds):.1f} s at most")
    raw = [{"name": o.name, "predicted": o.predicted, "samples": o.samples, "load": o.load} for o in outcomes]
    text = json.dumps({"calibration_seconds": list(seconds), "runs": raw}, indent=1)
    if json_file:
        Path(json_file).write_text(text, encoding="utf-8")
    else:
        print(text)


def main(options: argparse.Namespace) -> None:
    """Measure and print."""
    folder = next(find_folders().data.glob("runtimes/*/bin/llama-server")).parent
    reader = GgufModelFiles(find_folders().models)
    with tempfile.TemporaryDirectory() as work, ProbeFiles() as files:
        models = [reader.read(options.model)]
        if not options.only_model:
            models.append(reader.read(str(write_llama(Path(work) / "llama.gguf", **LLAMA))))
        programs = programs_in(folder)
        lab = Laboratory(folder=folder, cache=Path(work), programs=programs, known=Calibrated(programs, files))
        seconds: list[float] = []
        for _ in range(options.rounds):
            lab.known = Calibrated(programs, files)
            for name in (name for name in BEDS if not options.bed or name in options.bed):
                for model in models:
                    lab.one_round(name, model)
            seconds += lab.known.seconds
    report(tuple(lab.outcomes.values()), seconds, options.json)


def arguments() -> argparse.Namespace:
    """Of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bed", action="append", help="only this one; may be given several times")
    parser.add_argument("--model", default=str(find_demo_model(find_folders()) or ""), help="the real model")
    parser.add_argument("--only-model", action="store_true", help="without the made-up llama")
    parser.add_argument("--json", default="", help="file for the samples; else they are printed")
    return parser.parse_args()


if __name__ == "__main__":
    main(arguments())
