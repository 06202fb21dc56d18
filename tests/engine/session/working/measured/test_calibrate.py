"""Measuring every worker with fakes of the real programs."""

import json
from dataclasses import replace

from engine.session import events
from engine.session.reducing.planned.replan import native_offers_of
from engine.session.reducing.reduce import reduce
from engine.session.working.machines.look import CALIBRATE
from engine.session.working.measured import calibrate
from engine.session.working.measured.serve_alone import Bench
from engine.vocabulary.machine import THIS_MACHINE, MachineLoad
from engine.vocabulary.worker import Speed
from tests.fakes.ports.fake_process_starter import FakeProgram
from tests.fakes.sessions.fake_outside import TWO_WORKERS, Fakes, FakeToken, planned_session

ROWS = [{"n_prompt": 256, "n_gen": 0, "avg_ts": 400.5}, {"n_prompt": 0, "n_gen": 24, "avg_ts": 50.5}]
BENCH = FakeProgram(lines=tuple(json.dumps(ROWS, indent=2).splitlines()), exit_code=0)


def calibrated(fakes, program=BENCH, *, busy=None, again=False, choices=TWO_WORKERS):
    session, _jobs = planned_session(fakes, choices)
    loads = () if busy is None else (machine_load(busy),)
    state = replace(session.snapshot(), loads=tuple((load.machine_id, load) for load in loads))
    fakes.starter.will_run("llama-bench", program)
    posted = []
    bench = Bench(outside=fakes.outside(), state=state, machine_of=session.remotes.machine, token=FakeToken())
    calibrate.calibrate(bench, posted.append, again=again)
    assert posted[-1] == events.ActivityEnded(id=CALIBRATE)
    assert fakes.starter.running() == ()
    return session.snapshot(), posted


def machine_load(busy):
    return MachineLoad(
        machine_id=THIS_MACHINE,
        taken_at_seconds=0.0,
        cpu_busy_fraction=busy,
        ram_available_bytes=None,
        gpu_busy_fractions=(0.0,),
    )


def test_every_worker_is_measured_and_kept():
    fakes = Fakes()
    state, posted = calibrated(fakes)
    measured = [event.speeds[0] for event in posted if isinstance(event, events.SpeedsMeasured)]
    assert [id_ for id_, _speed in measured] == [offer.id for offer in state.offers]
    assert all(speed.measured for _id, speed in measured)
    assert calibrate.stored_speeds(fakes.outside(), state) == tuple(measured)


def test_what_is_known_is_not_measured_again():
    fakes = Fakes()
    calibrated(fakes)
    n = len(fakes.starter.started)
    calibrated(fakes)
    assert len(fakes.starter.started) == n


def test_what_was_measured_under_another_load_is_measured_again():
    fakes = Fakes()
    calibrated(fakes, busy=0.05)
    n = len(fakes.starter.started)
    calibrated(fakes, busy=0.2)
    assert len(fakes.starter.started) == n
    _state, posted = calibrated(fakes, busy=0.8)
    measured = dict(event.speeds[0] for event in posted if isinstance(event, events.SpeedsMeasured))
    assert {speed.busy_fraction for id_, speed in measured.items() if "cpu" in id_} == {0.8}
    assert len(fakes.starter.started) > n


def test_whoever_asks_when_all_are_known_has_all_measured_again():
    fakes = Fakes()
    state, _posted = calibrated(fakes)
    n = len(fakes.starter.started)
    calibrated(fakes, again=True)
    assert len(fakes.starter.started) >= n + 2 * len(state.offers)


def test_a_failure_is_told_per_worker_and_the_others_are_tried():
    state, posted = calibrated(Fakes(), FakeProgram(lines=("error: out of memory",), exit_code=1))
    problems = [event.problem for event in posted if isinstance(event, events.ProblemHappened)]
    assert [problem.where for problem in problems] == [offer.id for offer in state.offers]
    assert all("out of memory" in problem.happened for problem in problems)


def test_a_worker_that_was_never_measured_has_a_published_figure_until_then():
    fakes = Fakes()
    state, _posted = calibrated(fakes, FakeProgram(lines=("error",), exit_code=1))
    speeds = [offer.speed for offer in state.offers]
    assert all(speed is not None and not speed.measured and speed.source.startswith("published") for speed in speeds)
    calibrated(fakes)
    again = dict(calibrate.stored_speeds(fakes.outside(), state))
    assert all(again[offer.id].measured for offer in state.offers)


def measured_for(state):
    """The state with a measured speed of every worker that no calibration of the model, build and workers of now left."""
    speed = Speed(read_bytes_per_second=1e9, measured=True, source="measured with another model")
    return reduce(state, events.SpeedsMeasured(speeds=tuple((offer.speed_id, speed) for offer in state.offers)))


def test_what_was_measured_with_something_else_is_replaced_by_what_is_published():
    fakes = Fakes()
    state = measured_for(planned_session(fakes)[0].snapshot())
    assert state.plan.predicted.basis == "measured on these workers"
    found = calibrate.stored_speeds(fakes.outside(), state)
    assert {id_ for id_, _speed in found} == {offer.speed_id for offer in state.offers}
    assert all(speed.source.startswith("published") for _id, speed in found)
    state = reduce(state, events.SpeedsMeasured(speeds=found))
    assert state.plan.predicted.basis == "published figures, not measured"


def test_where_nothing_is_published_either_nothing_is_known(monkeypatch):
    monkeypatch.setattr(calibrate, "published_speed", lambda _offer: None)
    fakes = Fakes()
    state = measured_for(planned_session(fakes)[0].snapshot())
    state = reduce(state, events.SpeedsMeasured(speeds=calibrate.stored_speeds(fakes.outside(), state)))
    assert [offer.speed for offer in state.offers] == [None] * len(state.offers)
    assert calibrate.stored_speeds(fakes.outside(), state) == ()


NATIVE = replace(TWO_WORKERS, cpu_workers=1, native=True)


def test_the_coordinators_devices_are_measured_both_ways():
    fakes = Fakes()
    state, posted = calibrated(fakes, choices=NATIVE)
    measured = dict(event.speeds[0] for event in posted if isinstance(event, events.SpeedsMeasured))
    (offer,) = state.offers
    (itself,) = native_offers_of(state)
    assert set(measured) == {offer.id, itself.speed_id}
    assert measured[offer.id].overhead_seconds > measured[itself.speed_id].overhead_seconds == 0.0
    lines = [process.spec.argv for process in fakes.starter.started if "llama-bench" in process.spec.argv[0]]
    assert any("--rpc" in argv for argv in lines)
    assert all("none" in argv for argv in lines if "--rpc" not in argv)
    assert dict(calibrate.stored_speeds(fakes.outside(), state)) == measured, "kept under keys of their own"


def test_a_published_figure_is_the_same_without_the_call():
    fakes = Fakes()
    state, _posted = calibrated(fakes, FakeProgram(lines=("error",), exit_code=1), choices=NATIVE)
    (offer,) = state.offers
    (itself,) = native_offers_of(state)
    assert (offer.speed.overhead_seconds, itself.speed.overhead_seconds) == (0.0005, 0.0)
    assert itself.speed.read_bytes_per_second == offer.speed.read_bytes_per_second


def test_both_ways_of_a_device_are_measured_one_after_the_other():
    fakes = Fakes()
    state, _posted = calibrated(fakes, choices=NATIVE)
    (offer,) = state.offers
    (itself,) = native_offers_of(state)
    state = replace(state, offers=(offer, replace(offer, id="this-machine/other")))
    posted = []
    bench = Bench(outside=fakes.outside(), state=state, machine_of=lambda _id: None, token=FakeToken())
    calibrate.calibrate(bench, posted.append)
    measured = [event.speeds[0][0] for event in posted if isinstance(event, events.SpeedsMeasured)]
    assert measured == [offer.id, itself.speed_id, "this-machine/other"]
