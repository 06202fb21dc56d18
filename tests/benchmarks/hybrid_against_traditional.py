"""The fastest plan over all workers against the fastest over the GPUs alone: CPU workers must never cost anything.

``python -m tests.benchmarks.hybrid_against_traditional [ROUNDS]``, as root on Linux. There is no GPU here: some workers of a
bed are *called* GPUs (the planner knows a GPU by its kind; what it reckons with are measured speeds). Where both plans are the
same split nothing is measured; else both run in turn, the order changing from round to round. Prints a table in Markdown and
every sample as JSON; exit status 1 when the hybrid plan was below 0.97 of the traditional one, predicted or measured.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.measuring.probe_files import ProbeFiles
from engine.open_session import real_outside
from engine.planning.memory.memory_needs import memory_needs
from engine.planning.split_layers import split_layers
from engine.runtimes.demo_model import find_demo_model
from engine.settings.folders import find_folders
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import Plan, PlanRefused, PlanRequest, Policy
from engine.vocabulary.worker import WorkerOffer
from tests.benchmarks.against_default import (
    COMPUTE_BYTES,
    DECODE_TOKENS,
    PROMPT_TOKENS,
    REQUESTS,
    UNIFORM,
    new,
    old,
    older,
    rate_of,
)
from tests.benchmarks.beds.bed_calibration import Calibrated
from tests.benchmarks.beds.bed_runs import SHAPE, measured, planned_argv, programs_in
from tests.benchmarks.beds.bed_workers import BedWorker, RunningWorker, running_workers
from tests.fakes.llama_cpp.gguf_writer import write_llama

LEAST_RATIO = 0.97
Bed = tuple[tuple[BedWorker, DeviceKind], ...]


def gpu(worker: BedWorker) -> tuple[BedWorker, DeviceKind]:
    """One that is called a GPU."""
    return worker, DeviceKind.GPU


def cpu(worker: BedWorker) -> tuple[BedWorker, DeviceKind]:
    """One that is called what it is."""
    return worker, DeviceKind.CPU


def beds_of_demo() -> dict[str, Bed]:
    """The GPUs can hold the model."""
    return {
        "fast GPUs": (gpu(new()), gpu(new()), cpu(old())),
        "a far GPU": (gpu(new(10)), cpu(older())),
        "a slow GPU": (gpu(old()), cpu(new())),
    }


def beds_of_uniform(model: ModelFacts) -> dict[str, Bed]:
    """They hold 60 % of it each."""
    most = {"safe_bytes": int(0.6 * memory_needs(model, SHAPE, outputs_per_slot=True).total_bytes) + COMPUTE_BYTES}
    return {
        "two GPUs that are enough": (gpu(new(**most)), gpu(new(**most)), cpu(older(**most))),
        "one of two GPUs slow": (gpu(new(**most)), gpu(old(**most)), cpu(older(**most))),
        "one GPU that is too small": (gpu(new(**most)), cpu(older(**most))),
    }


@dataclass
class Outcome:
    """Of one bed."""

    name: str
    splits: dict[str, str]
    predicted: dict[str, float | None]
    samples: dict[str, list[float]] = field(default_factory=lambda: {"traditional": [], "hybrid": []})
    """Decode, the median of each round."""

    @property
    def ratio(self) -> float | None:
        """Hybrid to traditional, measured; ``None`` where there was nothing to compare."""
        pairs = list(zip(self.samples["hybrid"], self.samples["traditional"], strict=True))
        return statistics.median(ours / theirs for ours, theirs in pairs) if pairs else None

    @property
    def is_worse(self) -> bool:
        """Predicted or measured."""
        ours, theirs = self.predicted["hybrid"], self.predicted["traditional"]
        predicted_worse = ours is not None and theirs is not None and ours < theirs * (1 - 1e-9)
        return predicted_worse or (self.ratio is not None and self.ratio < LEAST_RATIO)


def plan_for(model: ModelFacts, offers: Sequence[WorkerOffer]) -> Plan | None:
    """The fastest, or none that fits."""
    request = PlanRequest(model=model, offers=tuple(offers), policy=Policy.FASTEST, shape=SHAPE, outputs_per_slot=True)
    plan = split_layers(request)
    return None if isinstance(plan, PlanRefused) else plan


def one_bed(name: str, bed: Bed, model: ModelFacts, workers: tuple[RunningWorker, ...], known: Calibrated, n: int) -> Outcome:
    """Plan both, and measure them in turn where they differ."""
    offers = [
        replace(worker.offer(known.speed(worker, model)), kind=kind) for worker, (_, kind) in zip(workers, bed, strict=True)
    ]
    plans = {"traditional": plan_for(model, [offer for offer in offers if offer.kind is DeviceKind.GPU])}
    plans["hybrid"] = plan_for(model, offers)
    assert plans["hybrid"] is not None
    outcome = Outcome(
        name,
        {side: words_of(plan) for side, plan in plans.items()},
        {side: plan.predicted.decode_tokens_per_second if plan else None for side, plan in plans.items()},
    )
    if plans["traditional"] is None or outcome.splits["traditional"] == outcome.splits["hybrid"]:
        return outcome
    for number in range(n):
        for side in ("traditional", "hybrid") if number % 2 == 0 else ("hybrid", "traditional"):
            argv = planned_argv(known.programs, plans[side], workers)
            timings = measured(argv, REQUESTS, prompt_tokens=PROMPT_TOKENS, decode_tokens=DECODE_TOKENS)
            outcome.samples[side].append(rate_of(timings, "decode"))
    return outcome


def words_of(plan: Plan | None) -> str:
    """Which worker has how many layers."""
    if plan is None:
        return "does not fit"
    return ", ".join(f"{w.offer.kind.value} {w.offer.machine_name}: {w.n_layers}" for w in plan.used_workers)


def report(outcomes: Sequence[Outcome]) -> int:
    """Table, samples, verdict."""
    print("| bed | GPUs alone | all workers | decode predicted | measured | ratio |\n|---|---|---|---|---|---|")
    for outcome in outcomes:
        medians = [statistics.median(each) if each else None for each in outcome.samples.values()]
        cells = [shown(list(outcome.predicted.values())), shown(medians)]
        ratio = "same plan" if outcome.ratio is None else f"{outcome.ratio:.2f}"
        ratio = "only hybrid fits" if outcome.predicted["traditional"] is None else ratio
        print(f"| {outcome.name} | {' | '.join([*outcome.splits.values(), *cells, ratio])} |")
    worse = [outcome.name for outcome in outcomes if outcome.is_worse]
    print(f"worse than the GPUs alone: {', '.join(worse) or 'none'}")
    print(json.dumps({o.name: {"predicted": o.predicted, "samples": o.samples} for o in outcomes}))
    return int(bool(worse))


def shown(rates: Sequence[float | None]) -> str:
    """Both sides in one cell."""
    return " / ".join("-" if rate is None else f"{rate:.1f}" for rate in rates)


def main(n_rounds: int) -> int:
    """Measure and print."""
    outside = real_outside()
    folder = next(find_folders().data.glob("runtimes/*/bin/llama-server")).parent
    model_path = find_demo_model(find_folders())
    if model_path is None:
        sys.exit("Run make test once: it fetches the small model.")
    outcomes = []
    with tempfile.TemporaryDirectory() as work, ProbeFiles() as files:
        known = Calibrated(programs_in(folder), files)
        uniform = outside.models.read(str(write_llama(Path(work) / "uniform.gguf", **UNIFORM)))
        demo = outside.models.read(str(model_path))
        for model, beds in ((demo, beds_of_demo()), (uniform, beds_of_uniform(uniform))):
            for name, bed in beds.items():
                with running_workers(next(folder.glob("*rpc-server")), [how for how, _ in bed], Path(work)) as workers:
                    outcomes.append(one_bed(name, bed, model, workers, known, n_rounds))
                print(f"{name}: {outcomes[-1].splits}", file=sys.stderr, flush=True)
    return report(outcomes)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 4))
