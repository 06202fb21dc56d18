"""One worker measured with the real programs: made-up models for each unknown, then the model in question if it is small.

What was measured of a worker before (a type, its calls) is loaded and not measured again. A run that fails is no reason to
know nothing: the whole model alone then gives coarser figures, and the speed's ``source`` says so.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from engine.errors import RuntimeUnavailable
from engine.llama_cpp.command_lines import server_options_of
from engine.measuring import calibration, probes
from engine.measuring.bench_runs import BenchRuns
from engine.measuring.probe_files import ProbeFiles
from engine.session.outside import Outside
from engine.session.working.measured.serve_alone import Bench, fits_alone, served_alone
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import Plan
from engine.vocabulary.running.process import ProcessId, ProcessSpec
from engine.vocabulary.runtime import Runtime
from engine.vocabulary.worker import Exposure, RpcServerSpec, Speed, WorkerOffer

logger = logging.getLogger(__name__)

LARGEST_QUICK_BYTES = 1_500_000_000
"""A larger model takes too long to send to every worker: it is not run itself."""
LARGEST_ON_NEAR_GPU_BYTES = 6_000_000_000
"""The same for a GPU of the coordinator's machine, where made-up models say least: each is over before a quick card is at
work. On an H100 they made prefill of a model of 4.0 GB 8 to 12 times too slow (one of 1.1 GB that was run itself was within
2 % over an rpc-server). To load that model took 4 s in llama-server itself and 14 s over an rpc-server of the same machine."""
ONE_RUN_SECONDS = 90.0
"""A worker that is 20 times slower than it should be is told as a problem and not waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Which worker is measured, with which build, for which model, and what stands in where that one cannot be run."""

    offer: WorkerOffer
    runtime: Runtime
    model: ModelFacts
    stand_in: ModelFacts | None
    """A model small enough to be run whole; ``None`` when there is none."""
    busy_fraction: float | None = None
    """How busy the device is with other work; parts that were measured under quite another load are measured again."""
    again: bool = False
    """Measure everything, whatever is stored."""


def largest_bytes(offer: WorkerOffer) -> int:
    """The largest model that is run itself on this worker."""
    is_near = offer.exposure in (Exposure.NATIVE, Exposure.LOOPBACK)
    return LARGEST_ON_NEAR_GPU_BYTES if is_near and offer.kind is DeviceKind.GPU else LARGEST_QUICK_BYTES


def is_told_apart(model: ModelFacts) -> bool:
    """Whether llama-bench can be given its file: a comma means "and then" there, and there is no way to quote it."""
    return bool(model.path) and "," not in (model.path or "")


def calls_part(model: ModelFacts) -> str:
    """Under which name the figures of calls, and of caches such as the model's, are kept."""
    return f"calls, {probes.queries_per_key(model)} queries per key"


def type_part(kind: str) -> str:
    """Under which name the figures of a type are kept."""
    return f"type {kind}"


def stored_speed(outside: Outside, offer: WorkerOffer, runtime: Runtime, model: ModelFacts) -> Speed | None:
    """What earlier calibrations left: for this very model, or put together from the types that it consists of."""
    whole = outside.speeds.load(calibration.speed_key(offer, runtime, model))
    if whole is not None:
        return whole
    calls, by_type = _stored_parts(outside, offer, runtime, model)
    if calls is None or not by_type or set(by_type) != set(probes.types_of(model)):
        return None
    return probes.combined(model, calls, by_type, calls.source)


def measured_speed(bench: Bench, subject: Subject, files: ProbeFiles) -> Speed:
    """Measure it. Raises ``EngineError`` when nothing at all could be measured, and ``Cancelled``."""
    try:
        return _by_parts(bench, subject, files)
    except RuntimeUnavailable as error:
        logger.info("%s: measured as a whole, because by parts: %s", subject.offer.id, error.happened)
        return _as_a_whole(bench, subject)


def _by_parts(bench: Bench, subject: Subject, files: ProbeFiles) -> Speed:
    offer, model = subject.offer, subject.model
    types = probes.types_of(model)
    if not types:
        raise RuntimeUnavailable(f"{model.name} does not say of which types it is.", advice="")
    is_quick = model.total_bytes <= largest_bytes(offer) and is_told_apart(model)
    whole = model if is_quick and fits_alone(offer, model) else None
    calls, by_type = _usable_parts(bench.outside, subject)
    with served_alone(bench, offer, whole or files.facts(probes.reader(types[0]))) as (plan, servers):
        runs = _runs(bench, subject.runtime, plan, servers, files)
        if calls is None:
            fresh = runs.calls(offer, probes.queries_per_key(model))
            fresh = replace(fresh, source=_source(subject.runtime), busy_fraction=subject.busy_fraction)
            calls = _kept(bench, subject, calls_part(model), fresh)
        for kind in types:
            if kind not in by_type:
                by_type[kind] = _kept(bench, subject, type_part(kind), runs.type_speed(kind, offer, calls))
        speed = probes.combined(model, calls, by_type, _source(subject.runtime))
        return speed if whole is None else runs.anchored(speed, offer, whole)


def _as_a_whole(bench: Bench, subject: Subject) -> Speed:
    if subject.stand_in is None:
        raise RuntimeUnavailable(
            "There is no model small enough to measure the workers with.",
            advice="Choose a model under 1.5 GB once, or let Crossply fetch its demo model (crossplyctl demo).",
        )
    with served_alone(bench, subject.offer, subject.stand_in) as (plan, servers), ProbeFiles() as none:
        prefill, decode = _runs(bench, subject.runtime, plan, servers, none).rates(subject.stand_in)
    source = f"{_source(subject.runtime)} with {subject.stand_in.name} as a whole, not by type"
    overhead = 0.0 if subject.offer.is_native else calibration.LOOPBACK_OVERHEAD_SECONDS
    speed = calibration.speed_of(prefill, decode, subject.stand_in, source, overhead_seconds=overhead)
    return replace(speed, busy_fraction=subject.busy_fraction)


def _source(runtime: Runtime) -> str:
    return f"measured {datetime.now(UTC).date().isoformat()} with build {runtime.commit or runtime.id}"


def _stored_parts(
    outside: Outside, offer: WorkerOffer, runtime: Runtime, model: ModelFacts
) -> tuple[Speed | None, dict[str, Speed]]:
    def load(part: str) -> Speed | None:
        return outside.speeds.load(calibration.part_key(offer, runtime, part))

    found = {kind: load(type_part(kind)) for kind in probes.types_of(model)}
    return load(calls_part(model)), {kind: speed for kind, speed in found.items() if speed is not None}


def _usable_parts(outside: Outside, subject: Subject) -> tuple[Speed | None, dict[str, Speed]]:
    """What is stored and was measured under about the load that there is now."""
    if subject.again:
        return None, {}
    calls, by_type = _stored_parts(outside, subject.offer, subject.runtime, subject.model)
    if calls is not None and calibration.is_outdated(calls, subject.busy_fraction):
        calls = None
    return calls, {kind: speed for kind, speed in by_type.items() if not calibration.is_outdated(speed, subject.busy_fraction)}


def _kept(bench: Bench, subject: Subject, part: str, speed: Speed) -> Speed:
    bench.outside.speeds.save(calibration.part_key(subject.offer, subject.runtime, part), speed)
    return speed


def _runs(bench: Bench, runtime: Runtime, plan: Plan, servers: tuple[RpcServerSpec, ...], files: ProbeFiles) -> BenchRuns:
    if runtime.llama_bench is None:
        raise RuntimeUnavailable("This runtime has no llama-bench, so workers cannot be measured.", advice="Build llama.cpp.")
    options = server_options_of(bench.outside.finder.bench_help_text(runtime))

    def run(argv: tuple[str, ...]) -> tuple[str, ...]:
        return run_bench(bench, argv)

    return BenchRuns(program=runtime.llama_bench, options=options, plan=plan, servers=servers, files=files, run=run)


def run_bench(bench: Bench, argv: tuple[str, ...]) -> tuple[str, ...]:
    """All that llama-bench prints. Raises ``RuntimeUnavailable`` when it takes too long, ``Cancelled``."""
    lines: list[str] = []
    ended = threading.Event()
    spec = ProcessSpec(id=ProcessId("llama-bench"), argv=argv)
    process = bench.outside.starter.start(spec, lines.append, lambda _outcome: ended.set())
    deadline = bench.outside.clock.now_seconds() + ONE_RUN_SECONDS
    try:
        while not ended.is_set():
            if bench.outside.clock.now_seconds() > deadline:
                raise RuntimeUnavailable(
                    f"llama-bench took longer than {ONE_RUN_SECONDS:.0f} s on one worker.",
                    advice="The device may be too slow for this model, or busy.",
                )
            bench.token.wait(0.05)
    finally:
        process.stop(grace_seconds=2.0)
    return tuple(lines)
