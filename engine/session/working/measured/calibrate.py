"""The calibration job: every worker measured alone, through the very path it will be used on, with the real programs.

This machine's devices are measured a second time as llama-server itself uses them, where that is wanted. About 14 s a worker
and way (22 s on a processor without AVX); cancellable between and inside the runs. What was measured before on
the same build, with the device about as busy as it is now, is not measured again, unless that is all there is to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.errors import EngineError
from engine.measuring import calibration
from engine.measuring.probe_files import ProbeFiles
from engine.measuring.published import published_speed
from engine.session import events
from engine.session.outside import Outside
from engine.session.reducing.planned.replan import native_offers_of
from engine.session.state import ClusterState
from engine.session.working.machines.look import CALIBRATE, problem_of
from engine.session.working.measured.measure_worker import (
    LARGEST_QUICK_BYTES,
    Subject,
    is_told_apart,
    measured_speed,
    stored_speed,
)
from engine.session.working.measured.serve_alone import Bench
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.running.problem import ProblemKind
from engine.vocabulary.runtime import Runtime
from engine.vocabulary.worker import Speed, WorkerId, WorkerOffer

Post = Callable[[events.Event], None]


def calibrate(bench: Bench, post: Post, *, again: bool = False) -> None:
    """Measure every worker that has no stored speed yet, or whose load changed since; post ``SpeedsMeasured``. ``again``:
    where there is no such worker, all of them. Always ends in ``ActivityEnded``."""
    try:
        if bench.state.runtime is not None:
            _measure_all(bench, bench.state.runtime, post, again=again)
    except EngineError as error:
        post(events.ProblemHappened(problem=problem_of(error, ProblemKind.WORKER, "calibration")))
    finally:
        post(events.ActivityEnded(id=CALIBRATE))


def _measure_all(bench: Bench, runtime: Runtime, post: Post, *, again: bool) -> None:
    state = bench.state
    stand_in = _stand_in(bench.outside, state)
    model = state.model or stand_in
    if model is None:
        return
    offers = _both_ways(state)
    subjects = [_subject(state, offer, runtime, model, stand_in) for offer in offers]
    stored = [_usable_speed(bench.outside, subject) for subject in subjects]
    again = again and None not in stored
    with ProbeFiles() as files:
        for index, (subject, known) in enumerate(zip(subjects, stored, strict=True)):
            offer = subject.offer
            where = f" {offer.exposure.value}" if offer.is_native else ""
            title, detail = "Measuring the workers", f"{offer.device_name} of {offer.machine_name}{where} for {model.name}"
            fraction = index / len(offers)
            post(events.ActivityProgressed(id=CALIBRATE, title=title, fraction=fraction, detail=detail))
            try:
                speed = known if known and not again else _measured(bench, replace(subject, again=again), files)
            except EngineError as error:  # a small GPU that cannot hold the model must not keep the others unmeasured
                post(events.ProblemHappened(problem=problem_of(error, ProblemKind.WORKER, offer.id)))
                continue
            post(events.SpeedsMeasured(speeds=((offer.speed_id, speed),)))


def _both_ways(state: ClusterState) -> tuple[WorkerOffer, ...]:
    """Every worker, and right after it the same device as llama-server would use it itself: the two are compared, and another
    minute may have another load."""
    offers = (*state.offers, *native_offers_of(state))
    order = list(dict.fromkeys(offer.id for offer in offers))
    return tuple(sorted(offers, key=lambda offer: order.index(offer.id)))


def stored_speeds(outside: Outside, state: ClusterState) -> tuple[tuple[WorkerId, Speed | None], ...]:
    """Speeds that earlier calibrations of these workers left, for the model in question; what data sheets say of those that
    were never measured. What the state has as measured and is not stored was measured of something else (another model,
    build, number of threads or way to the worker): it is replaced, by ``None`` where nothing is known."""
    if state.runtime is None or state.model is None:
        return ()
    found = []
    for offer in (*state.offers, *native_offers_of(state)):
        speed = stored_speed(outside, offer, state.runtime, state.model)
        is_of_another = offer.speed is not None and offer.speed.measured
        if speed is None and (offer.speed is None or is_of_another):
            speed = published_speed(offer)
        if speed is not None or is_of_another:
            found.append((offer.speed_id, speed))
    return tuple(found)


def _stand_in(outside: Outside, state: ClusterState) -> ModelFacts | None:
    """A model to be run whole where measuring by parts fails: the one in question, or the smallest that there is."""
    if state.model is not None and state.model.total_bytes <= LARGEST_QUICK_BYTES and is_told_apart(state.model):
        return state.model
    try:
        models = [outside.models.read(path) for path in outside.models.found()]
    except EngineError:  # a damaged file in the models folder: then there is no stand-in
        return None
    small = [model for model in models if model.total_bytes <= LARGEST_QUICK_BYTES and is_told_apart(model)]
    return min(small, key=lambda model: model.total_bytes, default=None)


def _subject(
    state: ClusterState, offer: WorkerOffer, runtime: Runtime, model: ModelFacts, stand_in: ModelFacts | None
) -> Subject:
    machine = next((each for each in state.machines if each.id == offer.machine_id), None)
    busy = calibration.busy_fraction(offer, machine, dict(state.loads).get(offer.machine_id))
    return Subject(offer=offer, runtime=runtime, model=model, stand_in=stand_in, busy_fraction=busy)


def _usable_speed(outside: Outside, subject: Subject) -> Speed | None:
    """What is stored, unless it was measured under quite another load."""
    speed = stored_speed(outside, subject.offer, subject.runtime, subject.model)
    return None if speed is None or calibration.is_outdated(speed, subject.busy_fraction) else speed


def _measured(bench: Bench, subject: Subject, files: ProbeFiles) -> Speed:
    speed = measured_speed(bench, subject, files)
    bench.outside.speeds.save(calibration.speed_key(subject.offer, subject.runtime, subject.model), speed)
    return speed
