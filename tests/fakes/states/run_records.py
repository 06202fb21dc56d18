"""Records of runs that never were, with numbers that can be checked in the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.session.state import PlanVariant
from engine.vocabulary.comparison import Approach, Comparison, ComparisonRow, WorkerWorth
from engine.vocabulary.plan import Plan, RunShape
from engine.vocabulary.running.run_record import (
    RecordedBuild,
    RecordedMachine,
    RecordedModel,
    RecordedSample,
    RecordedWorker,
    RunRecord,
)


def a_worker(id_: str, n_layers: int, **changes: object) -> RecordedWorker:
    machine, _, device = id_.partition("/")
    worker = RecordedWorker(
        id=id_,
        machine_id=machine,
        machine_name=machine,
        kind="cpu" if device.startswith("cpu") else "gpu",
        device_name=device,
        description="EPYC",
        threads=2,
        n_layers=n_layers,
        holds_output=False,
        needed_bytes=100,
        safe_bytes=800,
        total_bytes=1000,
        exposure="this machine only",
    )
    return replace(worker, **changes)  # type: ignore[arg-type]


def a_sample(decode: float, prefill: float = 100.0, *, warm_up: bool = False) -> RecordedSample:
    """With these rates, in tokens per second."""
    return RecordedSample(
        prompt_tokens=512, prompt_seconds=512 / prefill, decoded_tokens=64, decode_seconds=64 / decode, warm_up=warm_up
    )


def a_record(*samples: float, **changes: object) -> RunRecord:
    """Two workers, 8 layers; ``samples`` are decode rates. Predicted 10 and 100 tokens per second."""
    record = RunRecord(
        crossply_version="0.1.0",
        build=RecordedBuild(runtime_id="fake", build_number=11434, commit="0c1e570", protocol="4.0.0", backends=("CPU",)),
        model=RecordedModel(
            name="m",
            file_name="m.gguf",
            size_label="8M",
            architecture="llama",
            n_layers=8,
            total_bytes=9 << 20,
            hash="abc",
        ),
        shape=RunShape(),
        policy="even",
        layout="per-device",
        workers=(a_worker("a/cpu-0", 4), a_worker("a/cpu-1", 4, holds_output=True)),
        tensor_split=(4, 5),
        machines=(
            RecordedMachine(
                id="a",
                name="a",
                os_name="Linux",
                architecture="x86_64",
                cpu="EPYC",
                ram_total_bytes=1000,
                cpu_busy_fraction=0.25,
                ram_available_bytes=900,
            ),
        ),
        decode_predicted=10.0,
        prefill_predicted=100.0,
        basis="measured on these workers",
        samples=tuple(a_sample(rate) for rate in samples),
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def a_comparison(plan: Plan, variants: Sequence[PlanVariant]) -> Comparison:
    """A row for each variant that is an approach, and a sentence for each worker."""
    rows = tuple(
        ComparisonRow(
            approach=variant.approach,
            result=variant.result,
            usable_bytes=40_000_000_000,
            largest_context_tokens=None if variant.approach is Approach.TRADITIONAL else 32768,
        )
        for variant in variants
        if variant.approach is not None
    )
    workers = tuple(
        WorkerWorth(
            worker_id=worker.id,
            used=True,
            adds_bytes=worker.offer.safe_bytes,
            gains_tokens_per_second=2.3,
            needed=False,
            sentence="adds 18.0 GB and makes decode 2.3 tokens/s faster",
        )
        for worker in plan.workers
    )
    return Comparison(rows=rows, workers=workers)
