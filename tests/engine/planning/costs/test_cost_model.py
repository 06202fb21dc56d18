"""Predictions that can be checked in the head, and against what was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.planning.costs.cost_model import (
    SAME_MACHINE_CPU_OVERLAP,
    batch_tokens_per_second,
    decode_seconds,
    first_token_seconds,
    layer_seconds,
    load_seconds,
    predict,
    prefill_seconds,
    read_bytes_per_layer,
    share_seconds,
)
from engine.planning.costs.layer_costs import HOST_SECONDS_PER_VOCABULARY_ENTRY, LOOPBACK_BYTES_PER_SECOND
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


def test_the_layers_of_a_worker_and_its_charge_are_its_share() -> None:
    model = replace(model_of(*[GB // 10 * n for n in range(1, 7)], head=GB // 5), n_vocab=1000)
    plan = even_plan(model, offer("a", gb_per_s=10, overhead=0.001), offer("b", gb_per_s=20, overhead=0.002))
    for worker, charge, places in zip(plan.used_workers, (0.001, 0.002), (range(3), range(3, 7)), strict=True):
        layers = [layer_seconds(worker, layer, model, plan.shape) for layer in places]
        back = 4000 / LOOPBACK_BYTES_PER_SECOND if worker.holds_output else 0.0
        assert sum(layers) + charge + back == pytest.approx(share_seconds(worker, model, plan.shape))
    assert layer_seconds(plan.used_workers[1], 6, model, plan.shape) == pytest.approx(0.2 / 20), "the output head"
    silent = even_plan(model, offer("a"))
    assert layer_seconds(silent.used_workers[0], 0, model, plan.shape) is None


def test_a_remote_worker_costs_a_round_trip_and_the_transfers() -> None:
    model = model_of(GB, GB, n_embd=1000, n_vocab=50_000)
    link = Link(rtt_seconds=0.004, bytes_per_second=1e6, receive_bytes_per_second=2e6)
    near, far = offer("a", gb_per_s=10, overhead=0.0), offer("b", gb_per_s=10, overhead=0.0, link=link)
    host = 50_000 * HOST_SECONDS_PER_VOCABULARY_ENTRY
    here = (4000 + 200_000) / LOOPBACK_BYTES_PER_SECOND + host
    assert seconds_per_token(even_plan(model, far, near)) == pytest.approx(0.2 + 0.004 + 4000 / 1e6 + 4000 / 2e6 + here)
    here = 8000 / LOOPBACK_BYTES_PER_SECOND + host
    assert seconds_per_token(even_plan(model, near, far)) == pytest.approx(0.2 + 0.004 + 4000 / 1e6 + 200_000 / 2e6 + here)


def test_an_old_protocol_waits_twice_and_never_overlaps() -> None:
    link = Link(rtt_seconds=0.01, bytes_per_second=1e9)
    offers = [offer(name, gb_per_s=1000, tflops=1, overhead=0.0, link=link) for name in "ab"]
    old = replace(SHAPE, asynchronous_rpc=False)
    workers = even_plan(PREFILL, *offers, shape=old).used_workers
    new_token, old_token = decode_seconds(workers, PREFILL, SHAPE), decode_seconds(workers, PREFILL, old)
    assert new_token is not None
    assert old_token == pytest.approx(new_token + 0.02)
    one, two = prefill_seconds(workers, PREFILL, old, 256), prefill_seconds(workers, PREFILL, old, 512)
    assert one is not None
    assert two == pytest.approx(2 * one, rel=1e-3)


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
    assert prefill_seconds(pair, PREFILL, SHAPE, 2048) == pytest.approx(walk + 7 * walk / SAME_MACHINE_CPU_OVERLAP)


def test_only_the_last_device_computes_beside_the_others() -> None:
    """Published for one to four devices over RPC (PR 18626): the second helps, the third and fourth do not."""
    walk = 2 * 0.8e9 * 256 / 1e12
    for count, period in ((2, 1 / 2), (4, 3 / 4), (8, 7 / 8)):
        workers = stages(*(offer(f"m{i}", gb_per_s=1000, tflops=1, overhead=0.0) for i in range(count)))
        assert prefill_seconds(workers, PREFILL, SHAPE, 2048) == pytest.approx(walk + 7 * walk * period)


def test_a_started_micro_batch_is_paid_in_part() -> None:
    workers = stages(offer("a", gb_per_s=1e6, tflops=1, overhead=0.0))
    assert prefill_seconds(workers, PREFILL, SHAPE, 300) == pytest.approx(2 * 0.8e9 * 300 / 1e12)


def test_nothing_overlaps_over_a_checkpoint() -> None:
    window = KvFacts(k_elements_per_token=1, v_elements_per_token=1, sliding_window_tokens=512)
    broken = replace(PREFILL, layers=tuple(replace(layer, kv=window) for layer in PREFILL.layers))
    two = stages(offer("a", gb_per_s=1e6, tflops=1, overhead=0.0), offer("b", gb_per_s=1e6, tflops=1, overhead=0.0))
    whole, pieces = prefill_seconds(two, PREFILL, SHAPE, 512), prefill_seconds(two, broken, SHAPE, 512)
    assert whole == pytest.approx(0.8e9 * 2 * 512 / 1e12 * 3 / 4)
    assert pieces == pytest.approx(0.8e9 * 2 * 512 / 1e12, rel=1e-3)


def test_the_first_token_comes_after_prompt_and_head() -> None:
    model = replace(PREFILL, head_bytes=GB)
    workers = even_plan(model, offer("a", gb_per_s=1000, tflops=1, overhead=0.0), shape=SHAPE).used_workers
    assert first_token_seconds(workers, model, SHAPE, 256) == pytest.approx(2 * 0.8e9 * 256 / 1e12 + 1 / 1000)


def test_slots_share_the_reading_of_weights_until_they_compute() -> None:
    workers = stages(offer("a", gb_per_s=100, tflops=1, overhead=0.0))
    alone, four, many = (batch_tokens_per_second(workers, PREFILL, SHAPE, slots) for slots in (1, 4, 64))
    assert alone == pytest.approx(1 / 0.008)
    assert four == pytest.approx(4 / 0.008)
    assert many == pytest.approx(1e12 / (2 * 0.8e9))


def test_loading_sends_every_share_over_its_link() -> None:
    link = Link(rtt_seconds=0.0, bytes_per_second=1e8)
    workers = stages(offer("a", gb_per_s=1, link=link), offer("b", gb_per_s=1, link=link))
    assert load_seconds(workers, read_bytes_per_second=1e12) == pytest.approx(8.0, rel=1e-3)


def test_nothing_is_predicted_for_nothing() -> None:
    assert prefill_seconds((), PREFILL, SHAPE, 2048) is None
    assert predict((), PREFILL, SHAPE).decode_tokens_per_second is None


def test_the_basis_says_how_much_was_measured() -> None:
    a, b = offer("a", gb_per_s=10), offer("b", gb_per_s=10)
    assert a.speed is not None
    measured = replace(a, speed=replace(a.speed, measured=True))
    assert even_plan(PREFILL, measured).predicted.basis == "measured on these workers"
    assert even_plan(PREFILL, measured, b).predicted.basis == "measured on 1 of 2 workers, given for the others"
    assert b.speed is not None
    published = replace(b, speed=replace(b.speed, source="published: 100 GB/s"))
    assert even_plan(PREFILL, published).predicted.basis == "published figures, not measured"
    basis = even_plan(PREFILL, measured, published).predicted.basis
    assert basis == "measured on 1 of 2 workers, published figures for the others"
    assert even_plan(PREFILL, published, a).predicted.basis == "given or published figures, not measured"
