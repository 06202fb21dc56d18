"""The calibration job: every worker measured alone, through the very path it will be used on, with the real programs.

Well under 20 s a worker; cancellable between and inside the runs; what was measured before on the same build is not measured
again.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import EngineError
from engine.measuring import calibration
from engine.measuring.probe_files import ProbeFiles
from engine.measuring.published import published_speed
from engine.session import events
from engine.session.outside import Outside
from engine.session.state import ClusterState
from engine.session.working.look import CALIBRATE, problem_of
from engine.session.working.measure_worker import LARGEST_QUICK_BYTES, Subject, measured_speed, stored_speed
from engine.session.working.serve_alone import Bench
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.problem import ProblemKind
from engine.vocabulary.runtime import Runtime
from engine.vocabulary.worker import Speed, WorkerId

Post = Callable[[events.Event], None]


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
    stand_in = _stand_in(bench.outside, state)
    model = state.model or stand_in
    if model is None:
        return
    with ProbeFiles() as files:
        for index, offer in enumerate(state.offers):
            title, detail = "Measuring the workers", f"{offer.device_name} of {offer.machine_name} for {model.name}"
            fraction = index / len(state.offers)
            post(events.ActivityProgressed(id=CALIBRATE, title=title, fraction=fraction, detail=detail))
            subject = Subject(offer=offer, runtime=runtime, model=model, stand_in=stand_in)
            try:
                speed = _stored_or_measured(bench, subject, files)
            except EngineError as error:  # a small GPU that cannot hold the model must not keep the others unmeasured
                post(events.ProblemHappened(problem=problem_of(error, ProblemKind.WORKER, offer.id)))
                continue
            post(events.SpeedsMeasured(speeds=((offer.id, speed),)))


def stored_speeds(outside: Outside, state: ClusterState) -> tuple[tuple[WorkerId, Speed], ...]:
    """Speeds that earlier calibrations of these workers left, for the model in question; what data sheets say of those that
    were never measured, unless somebody gave a speed."""
    if state.runtime is None or state.model is None:
        return ()
    found = []
    for offer in state.offers:
        speed = stored_speed(outside, offer, state.runtime, state.model)
        if speed is None and offer.speed is None:
            speed = published_speed(offer)
        if speed is not None:
            found.append((offer.id, speed))
    return tuple(found)


def _stand_in(outside: Outside, state: ClusterState) -> ModelFacts | None:
    """A model to be run whole where measuring by parts fails: the one in question, or the smallest that there is."""
    if state.model is not None and state.model.total_bytes <= LARGEST_QUICK_BYTES:
        return state.model
    try:
        models = [outside.models.read(path) for path in outside.models.found()]
    except EngineError:  # a damaged file in the models folder: then there is no stand-in
        return None
    small = [model for model in models if model.total_bytes <= LARGEST_QUICK_BYTES]
    return min(small, key=lambda model: model.total_bytes, default=None)


def _stored_or_measured(bench: Bench, subject: Subject, files: ProbeFiles) -> Speed:
    speed = stored_speed(bench.outside, subject.offer, subject.runtime, subject.model)
    if speed is None:
        speed = measured_speed(bench, subject, files)
        bench.outside.speeds.save(calibration.speed_key(subject.offer, subject.runtime.id, subject.model), speed)
    return speed
