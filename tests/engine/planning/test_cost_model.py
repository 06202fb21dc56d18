"""Predictions that can be checked in the head, and against what was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.planning.cost_model import decode_seconds, predict, prefill_seconds, read_bytes_per_layer
from engine.planning.split_layers import split_layers
from engine.vocabulary.model import KvFacts, LayerFacts, ModelFacts
from engine.vocabulary.plan import Plan, PlannedWorker, PlanRequest, Policy, RunShape
from engine.vocabulary.worker import Link, WorkerOffer
from tests.engine.planning.planning_cases import GB, model_of, offer


def even_plan(model: ModelFacts, *offers: WorkerOffer, shape: RunShape | None = None) -> Plan:
    plan = split_layers(PlanRequest(model=model, offers=offers, policy=Policy.EVEN, shape=shape or RunShape()))
    assert isinstance(plan, Plan)
    return plan


def seconds_per_token(plan: Plan) -> float:
    assert plan.predicted.decode_tokens_per_second is not None
    return 1 / plan.predicted.decode_tokens_per_second


def test_decode_reads_every_weight_once_and_pays_for_every_worker() -> None:
    model = model_of(*[GB // 10] * 10, head=GB // 5)
    plan = even_plan(model, offer("a", gb_per_s=10, overhead=0.001), offer("b", gb_per_s=20, overhead=0.002))
    assert seconds_per_token(plan) == pytest.approx(0.5 / 10 + 0.001 + 0.7 / 20 + 0.002)


def test_a_remote_worker_costs_a_round_trip_and_the_transfers() -> None:
    model = model_of(GB, GB, n_embd=1000, n_vocab=50_000)
    link = Link(rtt_seconds=0.004, bytes_per_second=1e6)
    near, far = offer("a", gb_per_s=10, overhead=0.0), offer("b", gb_per_s=10, overhead=0.0, link=link)
    assert seconds_per_token(even_plan(model, far, near)) == pytest.approx(0.2 + 0.004 + 2 * 4000 / 1e6)
    assert seconds_per_token(even_plan(model, near, far)) == pytest.approx(0.2 + 0.004 + (4000 + 200_000) / 1e6)


def test_an_unmeasured_link_is_assumed_and_said_so() -> None:
    plan = even_plan(model_of(GB), offer("a", gb_per_s=10, overhead=0.0, link=Link()))
    assert seconds_per_token(plan) == pytest.approx(0.1 + 0.0003)
    assert plan.predicted.basis == "speeds as given, not measured; links assumed 1 Gbit/s with 0.3 ms"


def test_the_measured_loopback_hops_are_met() -> None:
    """Measured with gemma-3-270m, one thread per worker: 23.2, 24.1, 24.4, 28.2, 31.1 ms for 1, 2, 4, 8, 15 workers."""
    measured = {1: 23.2, 2: 24.1, 4: 24.4, 8: 28.2, 15: 31.1}
    model = model_of(*[2_000_000] * 18, head=199_000_000)
    speed = 235e6 / 0.0227 / 1e9
    for count, milliseconds in measured.items():
        plan = even_plan(model, *(offer(f"w{i:02}", gb_per_s=speed, overhead=0.00055) for i in range(count)))
        assert seconds_per_token(plan) * 1000 == pytest.approx(milliseconds, rel=0.05)


def test_the_context_so_far_is_read_too() -> None:
    kv = KvFacts(k_elements_per_token=1000, v_elements_per_token=1000)
    model = replace(model_of(1000), layers=(LayerFacts(weights_bytes=1000, active_bytes=1000, kv=kv),))
    shape = RunShape(context_tokens=8192, slots=4)
    assert read_bytes_per_layer(model, shape, 256) == (1000 + 256 * 4000,)
    assert read_bytes_per_layer(model, shape, 1024) == (1000 + 1024 * 4000,)
    assert read_bytes_per_layer(model, shape, 10**9) == (1000 + 8192 * 4000,)


def test_experts_that_sleep_cost_memory_and_no_time() -> None:
    layer = LayerFacts(weights_bytes=GB, active_bytes=GB // 10)
    model = replace(model_of(GB), layers=(layer,), n_experts=16, n_experts_used=1)
    assert seconds_per_token(even_plan(model, offer("a", gb_per_s=10, overhead=0.0))) == pytest.approx(0.01)


def test_one_unknown_speed_and_there_is_no_prediction() -> None:
    plan = even_plan(model_of(GB, GB), offer("a", gb_per_s=10), offer("b"))
    assert plan.predicted.decode_tokens_per_second is None
    assert plan.predicted.prefill_tokens_per_second is None
    assert plan.predicted.basis == "No prediction: the speed of b/cpu is not known."
    assert decode_seconds(plan.workers, plan.model, plan.shape) is None


def test_without_compute_speed_decode_is_predicted_and_prefill_is_not() -> None:
    plan = even_plan(model_of(GB, GB), offer("a", gb_per_s=10))
    assert plan.predicted.decode_tokens_per_second is not None
    assert plan.predicted.prefill_tokens_per_second is None


PREFILL = replace(model_of(*[GB // 10] * 8), n_parameters=8 * GB // 10)
"""One parameter per byte: 2 flops per byte and token."""
SHAPE = RunShape(context_tokens=2048, ubatch_tokens=256)


def stages(*offers: WorkerOffer) -> tuple[PlannedWorker, ...]:
    return even_plan(PREFILL, *offers, shape=SHAPE).used_workers


def test_one_worker_computes_its_micro_batches_in_turn() -> None:
    workers = stages(offer("a", gb_per_s=1000, tflops=1, overhead=0.0))
    assert prefill_seconds(workers, PREFILL, SHAPE, 2048) == pytest.approx(2 * 0.8e9 * 2048 / 1e12)


def test_workers_of_two_machines_overlap() -> None:
    one = stages(offer("a", gb_per_s=1000, tflops=1, overhead=0.0))
    two = stages(offer("a", gb_per_s=1000, tflops=1, overhead=0.0), offer("b", gb_per_s=1000, tflops=1, overhead=0.0))
    alone, shared = prefill_seconds(one, PREFILL, SHAPE, 2048), prefill_seconds(two, PREFILL, SHAPE, 2048)
    assert alone is not None
    assert shared == pytest.approx(alone * 9 / 16)
    assert prefill_seconds(two, PREFILL, SHAPE, 256) == pytest.approx(alone / 8)


def test_devices_of_one_server_never_overlap() -> None:
    shared = (
        offer("a", "cuda:0", gb_per_s=1000, tflops=1, overhead=0.0, endpoint="a:1"),
        offer("a", "cuda:1", gb_per_s=1000, tflops=1, overhead=0.0, endpoint="a:1"),
    )
    assert prefill_seconds(stages(*shared), PREFILL, SHAPE, 2048) == pytest.approx(2 * 0.8e9 * 2048 / 1e12)


def test_cpu_workers_of_one_machine_overlap_in_part() -> None:
    pair = stages(
        offer("a", "cpu-0", gb_per_s=1000, tflops=1, overhead=0.0), offer("a", "cpu-1", gb_per_s=1000, tflops=1, overhead=0.0)
    )
    walk = 2 * 0.8e9 * 256 / 1e12
    pair = tuple(replace(worker, offer=replace(worker.offer, endpoint=worker.id)) for worker in pair)
    assert prefill_seconds(pair, PREFILL, SHAPE, 2048) == pytest.approx(walk + 7 * walk / 1.46)


def test_no_more_than_four_micro_batches_are_in_flight() -> None:
    eight = stages(*(offer(f"m{i}", gb_per_s=1000, tflops=1, overhead=0.0) for i in range(8)))
    walk = 2 * 0.8e9 * 256 / 1e12
    assert prefill_seconds(eight, PREFILL, SHAPE, 2048) == pytest.approx(walk + 7 * walk / 4)


def test_nothing_is_predicted_for_nothing() -> None:
    assert prefill_seconds((), PREFILL, SHAPE, 2048) is None
    assert predict((), PREFILL, SHAPE).decode_tokens_per_second is None


def test_the_basis_says_how_much_was_measured() -> None:
    a, b = offer("a", gb_per_s=10), offer("b", gb_per_s=10)
    assert a.speed is not None
    measured = replace(a, speed=replace(a.speed, measured=True))
    assert even_plan(PREFILL, measured).predicted.basis == "measured on these workers"
    assert even_plan(PREFILL, measured, b).predicted.basis == "measured on 1 of 2 workers, given for the others"
