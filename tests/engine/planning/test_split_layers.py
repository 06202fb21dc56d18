"""The entry point: the worked example, the policies, refusals, and properties that always hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.llama_cpp.layer_assignment import assign_layers
from engine.planning.abstract_model import abstract_model
from engine.planning.offers import offers_of_machine
from engine.planning.split_layers import split_layers
from engine.vocabulary.machine import MachineId
from engine.vocabulary.model import KvFacts, LayerFacts, ModelFacts
from engine.vocabulary.plan import MAX_DEVICES, Plan, PlanRefused, PlanRequest, Policy, RunShape
from engine.vocabulary.worker import Layout, Link, WorkerOffer
from tests.engine.planning.planning_cases import GB, gpu, machine, model_of, offer

LAB = (offer("a"), offer("b"), offer("g", safe=10 * GB), offer("g", "cuda:0", safe=9_600_000_000))


def planned(request: PlanRequest) -> Plan:
    result = split_layers(request)
    assert isinstance(result, Plan), result
    return result


def refused(request: PlanRequest) -> PlanRefused:
    result = split_layers(request)
    assert isinstance(result, PlanRefused), result
    return result


def spans(plan: Plan) -> list[tuple[str, int | None, int | None]]:
    return [(worker.id, worker.first_layer, worker.last_layer) for worker in plan.used_workers]


def test_the_worked_example() -> None:
    plan = planned(PlanRequest(model=abstract_model(40), offers=LAB, policy=Policy.EVEN))
    assert spans(plan) == [("a/cpu", 0, 9), ("b/cpu", 10, 19), ("g/cpu", 20, 29), ("g/cuda:0", 30, 39)]
    assert plan.tensor_split == (10, 10, 10, 11)
    assert [worker.holds_output for worker in plan.workers] == [False, False, False, True]
    assert plan.notes == ()


def test_the_worked_example_with_real_sizes_fits_too() -> None:
    plan = planned(PlanRequest(model=abstract_model(40, layer_bytes=GB // 2, n_embd=4096), offers=LAB, policy=Policy.EVEN))
    assert plan.tensor_split == (10, 10, 10, 11)


def test_traditional_gives_three_workers() -> None:
    machines = (machine("a"), machine("b"), machine("g", gpu(0, total=12 * GB), ram=12_500_000_000))
    offers = tuple(o for m in machines for o in offers_of_machine(m, Layout.TRADITIONAL))
    plan = planned(PlanRequest(model=abstract_model(40), offers=offers, policy=Policy.EVEN, layout=Layout.TRADITIONAL))
    assert [worker.id for worker in plan.used_workers] == ["a/cpu", "b/cpu", "g/cuda:0"]
    assert plan.tensor_split == (14, 13, 14)


def test_two_cpu_nodes_beside_three_gpus_are_six_workers_on_three_machines() -> None:
    machines = (machine("a"), machine("b"), machine("g", gpu(0), gpu(1), gpu(2)))
    offers = tuple(o for m in machines for o in offers_of_machine(m, Layout.PER_DEVICE))
    plan = planned(PlanRequest(model=abstract_model(40), offers=offers, policy=Policy.EVEN))
    assert len(plan.used_workers) == 6
    assert len({worker.offer.machine_id for worker in plan.used_workers}) == 3


def test_even_gives_the_surplus_to_others_and_says_so() -> None:
    offers = (offer("a", safe=3), offer("b", safe=10), offer("c", safe=10))
    plan = planned(PlanRequest(model=model_of(*[1] * 12), offers=offers, policy=Policy.EVEN))
    assert plan.tensor_split[0] == 3
    assert sum(plan.tensor_split) == 13
    assert plan.notes == ("a/cpu takes 3 layers and not 4: more does not fit into its 1 MB of safe memory.",)


def test_memory_shares_in_proportion_and_counts_the_head() -> None:
    offers = (offer("a", safe=4 * GB), offer("b", safe=8 * GB))
    assert planned(PlanRequest(model=model_of(*[GB // 2] * 12), offers=offers, policy=Policy.MEMORY)).tensor_split == (4, 9)
    heavy = model_of(*[GB // 2] * 12, head=4 * GB)
    assert planned(PlanRequest(model=heavy, offers=offers, policy=Policy.MEMORY)).tensor_split == (6, 7)


def test_another_device_holds_the_head_when_the_last_one_cannot() -> None:
    offers = (offer("a", safe=10), offer("b", safe=4))
    plan = planned(PlanRequest(model=model_of(1, 1, 1, head=5), offers=offers, policy=Policy.EVEN))
    assert plan.used_workers[-1].id == "a/cpu"
    assert "a/cpu holds the output head: b/cpu has no room for it." in plan.notes


def test_the_coordinators_own_machine_stands_last_and_carries_llama_server() -> None:
    model = replace(abstract_model(4, layer_bytes=GB // 10, n_embd=512, n_vocab=1000), embedding_bytes=GB)
    offers = (offer("me", safe=3 * GB), offer("far", safe=3 * GB))
    request = PlanRequest(model=model, offers=offers, policy=Policy.EVEN, coordinator_machine=MachineId("me"))
    assert [worker.id for worker in planned(request).used_workers] == ["far/cpu", "me/cpu"]
    assert planned(request).coordinator_bytes > GB
    small = replace(request, offers=(offer("me", safe=GB),))
    assert "missing" in refused(small).reasons[0]
    assert planned(replace(small, coordinator_machine=None))


def test_fastest_leaves_out_what_slows_it_down_and_says_what_it_would_cost() -> None:
    offers = (offer("slow", gb_per_s=5), offer("fast", "cuda:0", gb_per_s=400))
    plan = planned(PlanRequest(model=model_of(*[GB // 10] * 10), offers=offers))
    assert [worker.id for worker in plan.used_workers] == ["fast/cuda:0"]
    assert plan.tensor_split == (11,)
    assert plan.notes[0].startswith("slow/cpu is left out: it would cost ")
    assert plan.notes[0].endswith(" tok/s.")


def test_fastest_uses_a_slow_worker_for_what_does_not_fit_elsewhere() -> None:
    offers = (offer("slow", gb_per_s=5), offer("fast", "cuda:0", gb_per_s=400, safe=GB))
    plan = planned(PlanRequest(model=model_of(*[GB // 8] * 10), offers=offers))
    assert spans(plan) == [("slow/cpu", 0, 1), ("fast/cuda:0", 2, 9)]


def test_fastest_puts_a_heavy_head_where_it_is_cheap() -> None:
    far = Link(rtt_seconds=0.0003, bytes_per_second=1e8)
    offers = (offer("fast", "cuda:0", gb_per_s=400, safe=6 * GB), offer("slow", gb_per_s=20, safe=6 * GB, link=far))
    plan = planned(PlanRequest(model=model_of(*[GB] * 6, head=GB, n_vocab=100_000), offers=offers))
    assert plan.used_workers[-1].id == "fast/cuda:0"


def test_without_speeds_fastest_shares_by_memory_and_says_so() -> None:
    offers = (offer("a", gb_per_s=5), offer("b"))
    model = model_of(*[1000] * 8)
    plan = planned(PlanRequest(model=model, offers=offers))
    by_memory = planned(PlanRequest(model=model, offers=offers, policy=Policy.MEMORY))
    assert plan.tensor_split == by_memory.tensor_split
    assert plan.notes[0].startswith("The speed of b/cpu is not known: layers are shared by memory.")
    assert plan.predicted.decode_tokens_per_second is None
    assert "b/cpu" in plan.predicted.basis


def test_layers_without_a_size_have_no_speed() -> None:
    plan = planned(PlanRequest(model=abstract_model(8), offers=(offer("a", gb_per_s=5),)))
    assert plan.notes[0].startswith("These layers have no size")
    assert plan.predicted.basis == "No prediction: these layers have no size."


@pytest.mark.parametrize("policy", Policy)
def test_at_most_fifteen_devices_the_best_ones(policy: Policy) -> None:
    offers = tuple(offer(f"m{i:02}", safe=(20 - i) * GB, gb_per_s=100 - i) for i in range(18))
    plan = planned(PlanRequest(model=model_of(*[2 * GB] * 60), offers=offers, policy=policy))
    assert len(plan.used_workers) <= MAX_DEVICES
    assert len(plan.workers) == 18
    if policy is not Policy.FASTEST:
        assert [worker.id for worker in plan.workers[15:]] == ["m15/cpu", "m16/cpu", "m17/cpu"]
        assert "m15/cpu, m16/cpu and m17/cpu are left out" in plan.notes[0]


def test_devices_of_one_machine_are_neighbours() -> None:
    offers = (offer("g", "cpu"), offer("x"), offer("g", "cuda:0"))
    plan = planned(PlanRequest(model=abstract_model(6), offers=offers, policy=Policy.EVEN, layout=Layout.PER_MACHINE))
    assert [worker.offer.machine_id for worker in plan.used_workers] == ["g", "g", "x"]


def test_a_single_device_may_hold_what_a_split_cannot() -> None:
    """Two devices keep four copies of every input; one alone does not."""
    model = model_of(*[1_000_000] * 2, n_embd=4096, n_vocab=1000)
    offers = (offer("a", safe=45_000_000), offer("b", safe=20_000_000))
    for policy in (Policy.EVEN, Policy.MEMORY):
        plan = planned(PlanRequest(model=model, offers=offers, policy=policy))
        assert [worker.id for worker in plan.used_workers] == ["a/cpu"]
        assert "Only a/cpu alone can hold the model" in plan.notes[0]


def test_no_worker_at_all_is_refused() -> None:
    reasons = refused(PlanRequest(model=abstract_model(4), offers=())).reasons
    assert reasons == ("There is no worker to plan for: switch one on or add a machine.",)


def test_a_refusal_says_what_is_missing_where_and_what_would_help() -> None:
    kv = KvFacts(k_elements_per_token=1024, v_elements_per_token=1024)
    layers = (LayerFacts(weights_bytes=GB, active_bytes=GB, kv=kv),) * 8
    model = replace(abstract_model(8), layers=layers, total_bytes=8 * GB)
    offers = (offer("a", safe=5 * GB), offer("b", safe=5 * GB))
    refusal = refused(PlanRequest(model=model, offers=offers, policy=Policy.EVEN, shape=RunShape(context_tokens=120_064)))
    total, first, second = refusal.shortfalls
    assert total.worker_id is None
    assert total.needed_bytes == 8 * GB + 8 * 120_064 * 4096
    assert total.sentence == refusal.reasons[0]
    assert "2.0 GB are missing over all workers." in refusal.reasons[0]
    assert [first.worker_id, second.worker_id] == ["a/cpu", "b/cpu"]
    assert first.sentence == "a/cpu: an even share of 4 layers needs 6.0 GB and 5.0 GB are safe: 968 MB missing."
    assert refusal.reasons[-1] == ("It would fit with a context of 60032 tokens.")


def test_every_change_that_helps_is_named() -> None:
    kv = KvFacts(k_elements_per_token=1024, v_elements_per_token=1024)
    model = replace(model_of(*[GB] * 8), layers=(LayerFacts(weights_bytes=GB, active_bytes=GB, kv=kv),) * 8)
    shape = RunShape(context_tokens=65_536, slots=4)
    refusal = refused(PlanRequest(model=model, offers=(offer("a", safe=9_500_000_000),), policy=Policy.EVEN, shape=shape))
    ways = ("a context of 32768 tokens", "one slot and its part of the context", "a KV cache of type q8_0")
    assert refusal.reasons[-1] == f"It would fit with {' or with '.join(ways)}."


def test_a_type_of_cache_that_the_model_cannot_have_is_no_advice() -> None:
    kv = KvFacts(k_elements_per_token=1120, v_elements_per_token=1120, k_head_elements=80, v_head_elements=80)
    model = replace(model_of(*[GB] * 8), layers=(LayerFacts(weights_bytes=GB, active_bytes=GB, kv=kv),) * 8)
    request = PlanRequest(model=model, offers=(offer("a", safe=9 * GB),), shape=RunShape(context_tokens=65_536))
    assert refused(request).reasons[-1] == "It would fit with a context of 16384 tokens."


def test_advice_that_does_not_help_is_not_given() -> None:
    refusal = refused(PlanRequest(model=model_of(*[GB] * 8), offers=(offer("a", safe=5 * GB),), policy=Policy.EVEN))
    assert refusal.reasons[-1].startswith("A smaller KV cache does not help")
    assert "the one worker has 5.0 GB of safe memory: 3.0 GB are missing" in refusal.reasons[0]


def test_enough_over_all_but_in_the_wrong_pieces() -> None:
    offers = (offer("a", safe=3 * GB), offer("b", safe=3 * GB))
    refusal = refused(PlanRequest(model=model_of(2 * GB, 2 * GB, 2 * GB), offers=offers, policy=Policy.EVEN))
    assert "whole layers and the output head do not fit into its pieces" in refusal.reasons[0]


sizes = st.integers(0, 12)


@st.composite
def requests(draw: st.DrawFn, *, speeds: bool = True, max_offers: int = 5) -> PlanRequest:
    n_machines = draw(st.integers(1, max_offers))
    offers: list[WorkerOffer] = []
    for index in range(n_machines):
        speed = draw(st.integers(1, 50)) if speeds else None
        link = Link(rtt_seconds=0.001 * draw(st.integers(0, 5)), bytes_per_second=1e8) if draw(st.booleans()) else None
        made = offer(f"m{index}", safe=draw(st.integers(0, 40)) * 100_000, gb_per_s=speed, tflops=1, link=link)
        offers.append(made)
    layers = draw(st.lists(st.integers(1, 9), min_size=1, max_size=12))
    model: ModelFacts = model_of(
        *(size * 100_000 for size in layers),
        head=draw(sizes) * 100_000,
        n_embd=draw(st.sampled_from((0, 64))),
        n_vocab=draw(st.sampled_from((10, 3000))),
    )
    coordinator = MachineId("m0") if draw(st.booleans()) and model.n_embd == 0 else None
    return PlanRequest(
        model=model,
        offers=tuple(offers),
        policy=draw(st.sampled_from(Policy)),
        coordinator_machine=coordinator,
        shape=RunShape(context_tokens=512, ubatch_tokens=32),
    )


@given(requests())
def test_every_layer_once_nobody_over_budget_and_exact_for_llama_cpp(request: PlanRequest) -> None:
    result = split_layers(request)
    if isinstance(result, PlanRefused):
        assert result.reasons
        assert all(shortfall.sentence for shortfall in result.shortfalls)
        return
    n_layers = request.model.n_layers
    assert sum(result.tensor_split) == n_layers + 1
    used = result.used_workers
    assert used == result.workers[: len(used)]
    owners = [used[index].id for index in assign_layers(n_layers, result.tensor_split) if index is not None]
    assert owners == [result.worker_of_layer(layer) for layer in range(n_layers + 1)]
    assert [worker.holds_output for worker in used] == [False] * (len(used) - 1) + [True]
    assert sum(worker.weights_bytes for worker in used) == request.model.total_bytes
    assert all(worker.needed_bytes <= worker.offer.safe_bytes for worker in result.workers)
    assert sorted(worker.id for worker in result.workers) == sorted(offer.id for offer in request.offers)


@given(requests(), st.integers(0, 4), st.integers(1, 20))
def test_more_memory_never_turns_yes_into_no(request: PlanRequest, index: int, more: int) -> None:
    if isinstance(split_layers(request), PlanRefused):
        return
    chosen = request.offers[index % len(request.offers)]
    richer = tuple(
        replace(offer, safe_bytes=offer.safe_bytes + more * 100_000) if offer is chosen else offer for offer in request.offers
    )
    assert isinstance(split_layers(replace(request, offers=richer)), Plan)


@given(requests())
def test_fastest_is_never_slower_than_the_other_policies(request: PlanRequest) -> None:
    fastest = split_layers(replace(request, policy=Policy.FASTEST))
    for policy in (Policy.EVEN, Policy.MEMORY):
        other = split_layers(replace(request, policy=policy))
        if isinstance(other, Plan):
            assert isinstance(fastest, Plan)
            here, there = fastest.predicted.decode_tokens_per_second, other.predicted.decode_tokens_per_second
            assert here is not None
            assert there is not None
            assert here >= there * (1 - 1e-9)


@given(requests())
@settings(max_examples=30)
def test_the_same_request_gives_the_same_answer(request: PlanRequest) -> None:
    assert split_layers(request) == split_layers(replace(request))
