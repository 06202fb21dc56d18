"""The calibration job: every worker measured alone, through the very path it will be used on, with the real programs.

One worker: start its rpc-server, run ``llama-bench`` on it with the whole model, stop it, keep the speed. A few seconds each
for a small model; cancellable between and inside the runs; what was measured before on the same build is not measured again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from engine.errors import EngineError, RuntimeUnavailable
from engine.llama_cpp.command_lines import llama_bench_argv, server_options_of
from engine.measuring import calibration
from engine.session import events
from engine.session.jobs import Token
from engine.session.outside import Outside
from engine.session.state import ClusterState
from engine.session.working.look import CALIBRATE, problem_of
from engine.session.working.serve_alone import Bench, served_alone
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.problem import ProblemKind
from engine.vocabulary.process import ProcessId, ProcessSpec
from engine.vocabulary.runtime import Runtime
from engine.vocabulary.worker import Speed, WorkerId, WorkerOffer

Post = Callable[[events.Event], None]

LARGEST_QUICK_BYTES = 1_500_000_000
"""A larger model takes too long to send to every worker: the smallest model in the models folder stands in for it."""

ONE_WORKER_SECONDS = 90.0


def calibrate(bench: Bench, post: Post) -> None:
    """Measure every worker that has no stored speed yet; post ``SpeedsMeasured``. Always ends in ``ActivityEnded``."""
    try:
        if bench.state.runtime is not None:
            _measure_all(bench, bench.state.runtime, post)
    except EngineError as error:
        post(events.ProblemHappened(problem=problem_of(error, ProblemKind.WORKER, "calibration")))
    finally:
        post(events.ActivityEnded(id=CALIBRATE))


def _measure_all(bench: Bench, runtime: Runtime, post: Post) -> None:
    state = bench.state
    model = _model_to_measure(bench.outside, state)
    for index, offer in enumerate(state.offers):
        title, detail = "Measuring the workers", f"{offer.device_name} of {offer.machine_name} with {model.name}"
        fraction = index / len(state.offers)
        post(events.ActivityProgressed(id=CALIBRATE, title=title, fraction=fraction, detail=detail))
        try:
            speed = _stored_or_measured(bench, runtime, offer, model)
        except EngineError as error:  # a small GPU that cannot hold the model alone must not keep the others unmeasured
            post(events.ProblemHappened(problem=problem_of(error, ProblemKind.WORKER, offer.id)))
            continue
        post(events.SpeedsMeasured(speeds=((offer.id, speed),)))


def stored_speeds(outside: Outside, state: ClusterState) -> tuple[tuple[WorkerId, Speed], ...]:
    """Speeds that earlier calibrations of these workers left, for the model in question or the stand-in."""
    if state.runtime is None or state.model is None:
        return ()
    try:
        model = _model_to_measure(outside, state)
    except EngineError:
        return ()  # nothing could have been measured
    found = []
    for offer in state.offers:
        speed = outside.speeds.load(calibration.speed_key(offer, state.runtime.id, model))
        if speed is not None:
            found.append((offer.id, speed))
    return tuple(found)


def _model_to_measure(outside: Outside, state: ClusterState) -> ModelFacts:
    if state.model is not None and state.model.total_bytes <= LARGEST_QUICK_BYTES:
        return state.model
    models = [outside.models.read(path) for path in outside.models.found()]
    small = [model for model in models if model.total_bytes <= LARGEST_QUICK_BYTES]
    if not small:
        raise RuntimeUnavailable(
            "There is no model small enough to measure the workers with.",
            advice="Choose a model under 1.5 GB once, or let Crossply fetch its demo model (crossplyctl demo).",
        )
    return min(small, key=lambda model: model.total_bytes)


def _stored_or_measured(bench: Bench, runtime: Runtime, offer: WorkerOffer, model: ModelFacts) -> Speed:
    key = calibration.speed_key(offer, runtime.id, model)
    speed = bench.outside.speeds.load(key)
    if speed is None:
        speed = _measure(bench, runtime, offer, model)
        bench.outside.speeds.save(key, speed)
    return speed


def _measure(bench: Bench, runtime: Runtime, offer: WorkerOffer, model: ModelFacts) -> Speed:
    if runtime.llama_bench is None:
        raise RuntimeUnavailable("This runtime has no llama-bench, so workers cannot be measured.", advice="Build llama.cpp.")
    with served_alone(bench, offer, model) as (plan, server):
        options = server_options_of(bench.outside.finder.bench_help_text(runtime))
        command = llama_bench_argv(
            plan,
            (server,),
            program=runtime.llama_bench,
            options=options,
            prompt_tokens=calibration.PROMPT_TOKENS,
            decode_tokens=calibration.DECODE_TOKENS,
            repetitions=calibration.REPETITIONS,
        )
        lines = _run_bench(bench.outside, command.argv, bench.token)
    prefill, decode = calibration.rates_in(lines)
    return calibration.speed_of(prefill, decode, model)


def _run_bench(outside: Outside, argv: tuple[str, ...], token: Token) -> tuple[str, ...]:
    lines: list[str] = []
    ended = threading.Event()
    spec = ProcessSpec(id=ProcessId("llama-bench"), argv=argv)
    bench = outside.starter.start(spec, lines.append, lambda _outcome: ended.set())
    deadline = outside.clock.now_seconds() + ONE_WORKER_SECONDS
    try:
        while not ended.is_set():
            if outside.clock.now_seconds() > deadline:
                raise RuntimeUnavailable(
                    f"llama-bench took longer than {ONE_WORKER_SECONDS:.0f} s on one worker.",
                    advice="The device may be too slow for this model, or busy.",
                )
            token.wait(0.05)
    finally:
        bench.stop(grace_seconds=2.0)
    return tuple(lines)
