"""How fast a bed's workers are, measured by the steps that the application takes."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace

from engine.measuring import probes
from engine.measuring.bench_runs import BenchRuns
from engine.measuring.probe_files import ProbeFiles
from engine.planning.split_layers import split_layers
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import Plan, PlanRequest, Policy
from engine.vocabulary.worker import Speed
from tests.benchmarks.beds.bed_runs import SHAPE, Programs
from tests.benchmarks.beds.bed_workers import GB, BedWorker, RunningWorker

RUN_SECONDS = 300


class Calibrated:
    """Speeds of workers by how they are, measured once; and how long that took."""

    def __init__(self, programs: Programs, files: ProbeFiles) -> None:
        self.programs, self._files = programs, files
        self._parts: dict[tuple[BedWorker, str], Speed] = {}
        self._whole: dict[tuple[BedWorker, str], Speed] = {}
        self.seconds: list[float] = []

    def speed(self, worker: RunningWorker, model: ModelFacts) -> Speed:
        """By parts, then with the model itself: the same steps as ``session.working.measured.measure_worker``. What room a
        worker has says nothing of its speed, so one of each kind is measured."""
        kind = replace(worker.how, safe_bytes=BedWorker().safe_bytes)
        if (kind, model.name) not in self._whole:
            self._whole[kind, model.name] = self._measured(worker, kind, model)
        return self._whole[kind, model.name]

    def _measured(self, worker: RunningWorker, key: BedWorker, model: ModelFacts) -> Speed:
        started = time.monotonic()
        roomy = replace(worker.offer(None), safe_bytes=64 * GB, total_bytes=64 * GB)
        request = PlanRequest(model=model, offers=(roomy,), policy=Policy.MEMORY, shape=SHAPE, outputs_per_slot=True)
        plan = split_layers(request)
        assert isinstance(plan, Plan), plan.reasons
        runs = BenchRuns(
            program=self.programs.llama_bench,
            options=self.programs.bench_options,
            plan=plan,
            servers=(worker.server(),),
            files=self._files,
            run=bench_lines,
        )
        queries = probes.queries_per_key(model)
        calls = self._parts.get((key, f"calls {queries}")) or runs.calls(roomy, queries)
        self._parts[key, f"calls {queries}"] = calls
        types = probes.types_of(model)
        for kind in types:
            self._parts[key, kind] = self._parts.get((key, kind)) or runs.type_speed(kind, roomy, calls)
        speed = probes.combined(model, calls, {kind: self._parts[key, kind] for kind in types}, "")
        speed = runs.anchored(speed, roomy, model)
        self.seconds.append(time.monotonic() - started)
        return speed


def bench_lines(argv: tuple[str, ...]) -> tuple[str, ...]:
    """What llama-bench prints."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=RUN_SECONDS, check=True)
    return tuple(done.stdout.splitlines())
