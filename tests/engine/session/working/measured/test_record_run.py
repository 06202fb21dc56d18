"""A launched run is in the history, with everything, and a history that cannot be used ends nothing."""

from dataclasses import replace

import pytest

from engine.errors import HistoryUnusable
from engine.measuring.refine import Refinement
from engine.session import events
from engine.session.state import RunPhase
from engine.session.working.measured.record_run import read_history, record_of, record_run
from engine.settings.history.record_json import record_from_json, record_to_json
from engine.vocabulary.machine import THIS_MACHINE, MachineLoad
from engine.vocabulary.plan import GivenSplit
from engine.vocabulary.worker import Speed
from tests.fakes.sessions.fake_outside import MODEL, TIMINGS, TWO_WORKERS, Fakes, planned_session, settle
from tests.fakes.states.run_records import a_record


def launched(fakes, **load):
    session, _jobs = planned_session(fakes)
    state = session.snapshot()
    speeds = tuple((offer.id, Speed(read_bytes_per_second=1e9, compute_flops_per_second=1e12)) for offer in state.offers)
    session.drain(events.SpeedsMeasured(speeds=speeds))
    busy = MachineLoad(machine_id=THIS_MACHINE, taken_at_seconds=1.0, cpu_busy_fraction=0.75, ram_available_bytes=7)
    session.drain(events.LoadSampled(load=busy))
    session.launch()
    return settle(session)


def test_what_ran_is_kept_with_everything_that_a_person_would_ask():
    fakes = Fakes()
    state = launched(fakes)
    (record,) = fakes.history.kept
    assert state.run_phase is RunPhase.READY
    assert state.run.record_id == record.id
    assert state.history == (record,)
    assert record.seats == (("this-machine/cpu-0", 4), ("this-machine/cpu-1", 4))
    assert record.tensor_split == (4, 5)
    assert record.model.hash == f"hash of {MODEL}"
    assert (record.model.file_name, record.model.n_layers) == ("m.gguf", 8)
    assert (record.build.commit, record.build.build_number, record.build.protocol) == ("0c1e570", 11434, "4.0.0")
    assert record.decode_measured == TIMINGS.decode_tokens_per_second
    assert record.decode_predicted == state.run.plan.predicted.decode_tokens_per_second
    assert [round(worker.decode_share, 2) for worker in record.workers] == pytest.approx([0.47, 0.53], abs=0.1)
    assert sum(worker.decode_share for worker in record.workers) == pytest.approx(1.0)
    (machine,) = record.machines
    assert (machine.cpu_busy_fraction, machine.ram_available_bytes) == (0.75, 7)
    assert record.map_matches is True


def test_a_split_that_was_given_is_called_what_it_is_called():
    fakes = Fakes()
    state = launched(fakes)
    (record,) = fakes.history.kept
    assert (record.given, record.plan_name) == ("", "even")
    split = GivenSplit(name="Your split", seats=record.seats)
    by_hand = replace(state, choices=replace(state.choices, given=split))
    assert record_of(state.run, by_hand, "", ()).plan_name == "Your split"
    other = replace(state, choices=replace(state.choices, given=replace(split, seats=record.seats[:1])))
    assert record_of(state.run, other, "", ()).plan_name == "even"


def test_shares_are_not_made_up_where_a_speed_is_missing():
    state = launched(Fakes())
    first, *others = state.run.plan.workers
    silent = (replace(first, offer=replace(first.offer, speed=None)), *others)
    run = replace(state.run, plan=replace(state.run.plan, workers=silent))
    assert record_of(run, state, "", ()).workers[0].decode_share is None
    assert record_of(run, state, "", ()).workers[1].decode_share is None


def test_each_launch_is_recorded_once():
    fakes = Fakes()
    session, _jobs = planned_session(fakes)
    for _ in range(2):
        session.launch()
        settle(session)
        session.stop()
        settle(session)
    assert len(fakes.history.kept) == 2


def test_a_history_that_cannot_be_used_is_told_and_the_run_goes_on():
    fakes = Fakes()
    fakes.history.fails = HistoryUnusable("The history of runs cannot be used: disk full.")
    state = launched(fakes)
    assert state.run_phase is RunPhase.READY
    assert state.run.record_id is None
    assert "disk full" in " ".join(problem.happened for problem in state.problems)


def test_what_was_set_aside_is_told():
    fakes = Fakes()
    fakes.history.told = ["The history of runs was damaged."]
    state = planned_session(fakes)[0].snapshot()
    assert [problem.happened for problem in state.problems] == ["The history of runs was damaged."]


def test_reading_is_for_the_model_that_is_chosen():
    fakes = Fakes()
    fakes.history.kept = [a_record(9.0, id="1")]
    session, _jobs = planned_session(fakes, replace(TWO_WORKERS))
    posted = []
    read_history(fakes.outside(), session.snapshot(), posted.append)
    assert posted == [
        events.HistoryRead(path=MODEL, model_hash=f"hash of {MODEL}", runs=(fakes.history.kept[0],)),
    ]


def test_nothing_is_recorded_before_anything_is_measured():
    fakes = Fakes()
    session, _jobs = planned_session(fakes)
    posted = []
    record_run(fakes.outside(), session.snapshot(), posted.append)
    assert posted == []
    assert fakes.history.kept == []


def test_a_folder_is_no_part_of_a_record():
    fakes = Fakes()
    state = launched(fakes)
    windows = replace(state.run.plan.model, path=r"C:\models\m.gguf")
    run = replace(state.run, plan=replace(state.run.plan, model=windows), runtime=None)
    record = record_of(run, state, "", ())
    assert record.model.file_name == "m.gguf"
    assert record.build.commit is None


def test_a_run_is_recorded_as_it_was_planned_whatever_is_chosen_while_it_loads():
    fakes = Fakes()
    state = launched(fakes)
    (before,) = fakes.history.kept
    assert before.cpu_workers == 2
    other = Refinement(decode=0.5, prefill=0.5, n_runs=3)
    edited = replace(
        state,
        choices=replace(state.choices, cpu_workers=1),
        refinements=tuple((offer.speed_id, other) for offer in state.offers),
    )
    record = record_of(state.run, edited, before.model.hash, (TIMINGS,))
    assert replace(record, id=before.id, at=before.at) == before


def test_a_file_name_that_is_no_text_is_recorded_all_the_same():
    state = launched(Fakes())
    model = replace(state.run.plan.model, path="/models/m\udcff.gguf")
    record = record_of(replace(state.run, plan=replace(state.run.plan, model=model)), state, "abc", (TIMINGS,))
    assert record_from_json(record_to_json(record), "it").model.file_name == "m?.gguf"
