"""What runs say about a worker's speed, and when they say nothing."""

from dataclasses import replace

import pytest

from engine.measuring.refine import Refinement, refined_speed, refined_speeds, refinements, words_of
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.machine import MachineId
from engine.vocabulary.worker import Exposure, Speed, WorkerId, WorkerOffer, native
from tests.fakes.states.run_records import a_record, a_sample, a_worker

WORKER = WorkerId("a/cpu")
OFFER = WorkerOffer(
    id=WORKER,
    machine_id=MachineId("a"),
    machine_name="a",
    kind=DeviceKind.CPU,
    device_name="cpu",
    runtime_name="CPU",
    description="EPYC",
    total_bytes=1000,
    used_by_others_bytes=0,
    safe_bytes=800,
    endpoint="127.0.0.1:50052",
    threads=2,
)
COMMIT = "0c1e570"


def run(decode, prefill=100.0, share=1.0, **worker):
    part = a_worker("a/cpu", 8, holds_output=True, decode_share=share, **worker)
    return a_record(workers=(part,), samples=(a_sample(decode, prefill),))


def found(*records, offer=OFFER, commit=COMMIT):
    return dict(refinements(records, (offer,), commit))


def test_the_median_of_measured_over_predicted():
    factor = found(run(12.0, 90.0), run(8.0, 80.0), run(9.0, 50.0))[WORKER]
    assert factor.decode == pytest.approx(0.9)
    assert factor.prefill == pytest.approx(0.8)
    assert factor.n_runs == 3


def test_two_runs_are_too_few():
    assert found(run(9.0), run(9.0)) == {}


def test_a_wild_run_is_bounded():
    assert found(*[run(100.0)] * 3)[WORKER].decode == 2.0
    assert found(*[run(0.1)] * 3)[WORKER].decode == 0.5


def test_only_the_latest_eight_count():
    assert found(*[run(9.0)] * 8, *[run(20.0)] * 50)[WORKER] == Refinement(
        decode=pytest.approx(0.9), prefill=pytest.approx(1.0), n_runs=8
    )


def test_a_run_counts_by_the_part_of_the_time_that_was_spent_here():
    factor = found(run(9.0, share=0.2), run(9.0, share=0.2), run(14.0, share=0.9))[WORKER]
    assert factor.decode == pytest.approx(1.4)
    assert found(*[run(9.0, share=0.05)] * 5) == {}
    assert found(*[run(9.0, share=None)] * 5) == {}


def test_a_refined_prediction_is_refined_further_and_a_right_one_stays():
    assert found(*[run(9.0, refined_decode=0.8)] * 3)[WORKER].decode == pytest.approx(0.72)
    assert found(*[run(10.0, refined_decode=0.8)] * 3)[WORKER].decode == pytest.approx(0.8)


@pytest.mark.parametrize("other", [{"threads": 4}, {"description": "Xeon"}, {"id": WorkerId("b/cpu")}])
def test_another_device_says_nothing(other):
    assert found(*[run(9.0)] * 3, offer=replace(OFFER, **other)) == {}


def test_another_build_or_no_prediction_says_nothing():
    assert found(*[run(9.0)] * 3, commit="abcdef0") == {}
    assert found(*[replace(run(9.0), decode_predicted=None)] * 3) == {}
    assert found(*[replace(run(9.0), samples=())] * 3) == {}
    assert found(*[replace(run(9.0), prefill_predicted=None)] * 3)[WORKER].prefill == 1.0


def test_every_figure_of_a_speed_is_scaled_but_not_its_overhead():
    speed = Speed(
        read_bytes_per_second=10.0,
        compute_flops_per_second=100.0,
        overhead_seconds=0.5,
        read_bytes_per_second_by_type=(("q4_K", 20.0),),
        kv_bytes_per_second=30.0,
        compute_by_ubatch=((256, 200.0),),
        measured=True,
    )
    refined = refined_speed(speed, Refinement(decode=0.5, prefill=2.0, n_runs=3))
    assert refined == Speed(
        read_bytes_per_second=5.0,
        compute_flops_per_second=200.0,
        overhead_seconds=0.5,
        read_bytes_per_second_by_type=(("q4_K", 10.0),),
        kv_bytes_per_second=15.0,
        compute_by_ubatch=((256, 400.0),),
        measured=True,
    )
    bare = refined_speed(Speed(read_bytes_per_second=10.0), Refinement(decode=0.5, prefill=2.0, n_runs=3))
    assert bare == Speed(read_bytes_per_second=5.0)


def test_speeds_without_a_refinement_stay_and_words_say_the_runs():
    speeds = {WORKER: Speed(read_bytes_per_second=10.0), WorkerId("b"): Speed(read_bytes_per_second=7.0)}
    refined = Refinement(decode=2.0, prefill=1.0, n_runs=4)
    after = refined_speeds(speeds, ((WORKER, refined), (WorkerId("gone"), refined)))
    assert {id_: speed.read_bytes_per_second for id_, speed in after.items()} == {WORKER: 20.0, WorkerId("b"): 7.0}
    assert words_of((refined,)) == "refined from 4 runs"
    assert words_of(()) == ""


def test_runs_over_rpc_say_nothing_about_the_device_in_llama_server_itself():
    offer = native(OFFER, None)
    natively = {"exposure": Exposure.NATIVE.value}
    assert found(*[run(9.0)] * 3, offer=offer) == {}
    assert found(*[run(9.0, **natively)] * 3) == {}
    factor = found(*[run(9.0, **natively)] * 3, offer=offer)[offer.speed_id]
    assert factor.decode == pytest.approx(0.9)
    assert offer.speed_id != OFFER.speed_id == WORKER
