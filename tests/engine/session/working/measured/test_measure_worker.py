"""One worker measured by parts, with fakes of the real programs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.errors import Cancelled, RuntimeUnavailable
from engine.measuring import calibration, probes
from engine.measuring.probe_files import ProbeFiles
from engine.session.working.measured import measure_worker
from engine.session.working.measured.measure_worker import Subject, calls_part, measured_speed, run_bench, stored_speed
from engine.session.working.measured.serve_alone import Bench
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.model import LayerFacts
from engine.vocabulary.worker import Exposure
from tests.fakes.llama_cpp.bench_program import bench_output
from tests.fakes.ports.fake_process_starter import FakeProgram
from tests.fakes.sessions.fake_outside import RUNTIME, Fakes, FakeToken, a_model, planned_session

MIB = 1 << 20
LAYER = LayerFacts(weights_bytes=MIB, active_bytes=MIB, active_bytes_by_type=(("q8_0", MIB),))
TYPED = replace(a_model(), layers=(LAYER,) * 8, head_type="f16", total_bytes=9 * MIB)


def bench_with(fakes):
    session, _jobs = planned_session(fakes)

    def answer(spec):
        if spec.argv[0].endswith("llama-bench"):
            fakes.starter.will_run("llama-bench", FakeProgram(lines=bench_output(spec.argv), exit_code=0))

    fakes.starter.while_starting = answer
    state = session.snapshot()
    token = FakeToken(waits=100)
    return Bench(outside=fakes.outside(), state=state, machine_of=session.remotes.machine, token=token), state.offers[0]


def measured(bench, offer, model, stand_in=None):
    with ProbeFiles() as files:
        return measured_speed(bench, Subject(offer=offer, runtime=RUNTIME, model=model, stand_in=stand_in), files)


def benches(fakes):
    return [process.spec.argv for process in fakes.starter.started if process.spec.argv[0].endswith("llama-bench")]


def test_types_calls_and_the_model_itself_are_measured_and_parts_are_kept():
    fakes = Fakes()
    bench, offer = bench_with(fakes)
    speed = measured(bench, offer, TYPED)
    assert dict(speed.read_bytes_per_second_by_type).keys() == {"q8_0", "f16"}
    assert speed.source.startswith("measured ")
    assert speed.source.endswith("with build 0c1e570")
    assert len(benches(fakes)) == 2 + 2 * 3 + 2
    assert benches(fakes)[-1][2] == TYPED.path
    assert fakes.starter.running() == ()
    parts = {key.rpartition("|")[2] for key in fakes.speeds.speeds}
    assert parts == {calls_part(TYPED), "type q8_0", "type f16"}


def test_another_model_of_the_same_types_needs_only_its_own_run():
    fakes = Fakes()
    bench, offer = bench_with(fakes)
    measured(bench, offer, TYPED)
    before = len(benches(fakes))
    measured(bench, offer, replace(TYPED, path="/models/b.gguf", name="b"))
    assert len(benches(fakes)) == before + 2  # a prompt, and tokens at two depths


def test_a_model_whose_path_llama_bench_would_take_for_two_is_not_run_itself():
    fakes = Fakes()
    bench, offer = bench_with(fakes)
    comma = replace(TYPED, path="/models/a, b.gguf")
    speed = measured(bench, offer, comma)
    assert all("a, b" not in part for argv in benches(fakes) for part in argv)
    assert dict(speed.read_bytes_per_second_by_type).keys() == {"q8_0", "f16"}


def test_a_large_model_is_not_run_itself():
    fakes = Fakes()
    bench, offer = bench_with(fakes)
    large = replace(TYPED, total_bytes=measure_worker.LARGEST_QUICK_BYTES + 1)
    speed = measured(bench, offer, large)
    assert all(large.path not in argv for argv in benches(fakes))
    assert speed == stored_speed(fakes.outside(), offer, RUNTIME, large)


def test_a_gpu_of_the_coordinators_machine_runs_larger_ones():
    fakes = Fakes()
    bench, offer = bench_with(fakes)
    large = replace(TYPED, total_bytes=measure_worker.LARGEST_QUICK_BYTES + 1)
    card = replace(offer, kind=DeviceKind.GPU, safe_bytes=100 * large.total_bytes)
    measured(bench, card, large)
    assert any(large.path in argv for argv in benches(fakes))
    tunnelled = replace(card, exposure=Exposure.TUNNEL)
    assert measure_worker.largest_bytes(tunnelled) == measure_worker.largest_bytes(offer) < measure_worker.largest_bytes(card)


def test_what_is_stored_for_the_very_model_counts_first():
    fakes = Fakes()
    bench, offer = bench_with(fakes)
    assert stored_speed(fakes.outside(), offer, RUNTIME, TYPED) is None
    speed = measured(bench, offer, TYPED)
    fakes.speeds.save(calibration.speed_key(offer, RUNTIME, TYPED), replace(speed, read_bytes_per_second=7.0))
    assert stored_speed(fakes.outside(), offer, RUNTIME, TYPED).read_bytes_per_second == 7.0
    assert stored_speed(fakes.outside(), offer, RUNTIME, replace(TYPED, name="other", head_type="q2_0")) is None


def test_a_model_without_types_is_measured_as_a_whole_and_the_source_says_so():
    fakes = Fakes()
    bench, offer = bench_with(fakes)
    speed = measured(bench, offer, a_model(), stand_in=a_model())
    assert speed.source.endswith("with /models/m.gguf as a whole, not by type")
    assert speed.read_bytes_per_second_by_type == ()


def test_runs_by_type_that_fail_leave_the_whole_model(monkeypatch):
    fakes = Fakes()
    bench, offer = bench_with(fakes)
    monkeypatch.setattr(probes, "type_speed", lambda *_args: None)
    assert measured(bench, offer, TYPED, stand_in=TYPED).source.endswith("as a whole, not by type")
    with pytest.raises(RuntimeUnavailable, match="no model small enough"):
        measured(bench, offer, TYPED)
    assert fakes.starter.running() == ()


def test_a_runtime_without_llama_bench_is_told():
    fakes = Fakes()
    bench, offer = bench_with(fakes)
    subject = Subject(offer=offer, runtime=replace(RUNTIME, llama_bench=None), model=TYPED, stand_in=TYPED)
    with ProbeFiles() as files, pytest.raises(RuntimeUnavailable, match="no llama-bench"):
        measured_speed(bench, subject, files)


def test_a_run_ends_when_it_is_cancelled_or_takes_too_long():
    fakes = Fakes()
    bench, _offer = bench_with(fakes)
    fakes.starter.while_starting = lambda _spec: None
    fakes.starter.will_run("llama-bench", FakeProgram())
    with pytest.raises(Cancelled):
        run_bench(replace(bench, token=FakeToken(waits=2)), ("llama-bench",))
    fakes.clock.step = measure_worker.ONE_RUN_SECONDS
    with pytest.raises(RuntimeUnavailable, match="took longer than 90 s"):
        run_bench(bench, ("llama-bench",))
    assert fakes.starter.running() == ()
