"""Which way the coordinator's own devices are used, and that the fastest plan never gets slower by the choice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.planning.device_order import device_order
from engine.planning.fastest.native_or_rpc import TIE, fastest_way
from engine.planning.seats import budgets_of
from engine.planning.split_layers import split_layers
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.machine import MachineId
from engine.vocabulary.plan import GivenSplit, Plan, PlanRequest, Policy
from engine.vocabulary.worker import Layout, Link, WorkerOffer, native
from tests.engine.planning.planning_cases import GB, model_of, offer

HERE = MachineId("here")
MODEL = model_of(*[GB // 10] * 10, head=GB // 10)
CPU = offer("here", gb_per_s=10)
GPU = offer("here", "cuda:0", gb_per_s=100)
AWAY = offer("away", "cuda:0", gb_per_s=100, link=Link(rtt_seconds=0.001, bytes_per_second=1e8))


def itself(made: WorkerOffer, *, faster: float = 1.0, overhead: float = 0.0, measured: bool = False) -> WorkerOffer:
    """As llama-server would use it itself."""
    assert made.speed is not None
    speed = replace(
        made.speed,
        read_bytes_per_second=made.speed.read_bytes_per_second * faster,
        overhead_seconds=overhead,
        measured=measured,
    )
    return native(made, speed)


def request_of(*offers: WorkerOffer, natives: tuple[WorkerOffer, ...] = ()) -> PlanRequest:
    return PlanRequest(model=MODEL, offers=offers, native_offers=natives, coordinator_machine=HERE)


def planned(request: PlanRequest) -> Plan:
    plan = split_layers(request)
    assert isinstance(plan, Plan)
    return plan


def ways(plan: Plan) -> dict[str, bool]:
    return {worker.id: worker.offer.is_native for worker in plan.used_workers}


def test_one_cpu_is_used_natively_and_alone() -> None:
    plan = planned(request_of(CPU, natives=(itself(CPU),)))
    assert ways(plan) == {"here/cpu": True}
    assert plan.native_cpu is not None
    assert plan.tensor_split == (11,)
    assert plan.optimality is not None
    assert plan.optimality.proven
    before = planned(request_of(CPU)).predicted.decode_tokens_per_second
    assert before is not None
    assert 1 / (plan.predicted.decode_tokens_per_second or 0) == pytest.approx(1 / before - 0.0005)


def test_what_is_slower_natively_stays_behind_its_rpc_server() -> None:
    assert ways(planned(request_of(CPU, natives=(itself(CPU, faster=0.9),)))) == {"here/cpu": False}


def test_a_tie_goes_to_the_fewer_processes() -> None:
    assert ways(planned(request_of(CPU, natives=(itself(CPU, overhead=0.0005),)))) == {"here/cpu": True}


def test_a_gpu_is_used_natively_and_its_cpu_goes_on_through_an_rpc_server() -> None:
    gpu = replace(GPU, safe_bytes=GB // 2)
    plan = planned(request_of(CPU, gpu, natives=(itself(CPU), itself(gpu))))
    assert ways(plan) == {"here/cpu": False, "here/cuda:0": True}
    assert plan.native_cpu is None


def test_a_native_cpu_stands_beside_nothing() -> None:
    """It is much faster natively, yet the model needs both: llama.cpp cannot split so."""
    half = replace(CPU, safe_bytes=GB)
    plan = planned(request_of(half, AWAY, natives=(itself(half, faster=50),)))
    assert ways(plan) == {"away/cuda:0": False}
    small = replace(AWAY, safe_bytes=GB)
    plan = planned(request_of(half, small, natives=(itself(half, faster=50),)))
    assert ways(plan) == {"here/cpu": False, "away/cuda:0": False}


def test_the_others_are_left_out_in_words() -> None:
    slow = replace(AWAY, speed=replace(CPU.speed, read_bytes_per_second=1e9))  # type: ignore[type-var]
    plan = planned(request_of(CPU, slow, natives=(itself(CPU),)))
    (left_out,) = [worker for worker in plan.workers if not worker.used]
    assert left_out.id == "away/cuda:0"
    assert any("here/cpu alone, in llama-server itself" in note for note in plan.notes)


def test_figures_of_another_kind_are_not_compared() -> None:
    measured_over_rpc = replace(CPU, speed=replace(CPU.speed, measured=True))  # type: ignore[type-var]
    plan = planned(request_of(measured_over_rpc, natives=(itself(CPU, faster=2),)))
    assert ways(plan) == {"here/cpu": False}
    assert any("a calibration measures it" in note for note in plan.notes)
    both = request_of(measured_over_rpc, natives=(itself(CPU, measured=True),))
    assert ways(planned(both)) == {"here/cpu": True}
    assert planned(both).predicted.basis == "measured on these workers"
    assert planned(both).notes == ()
    assert ways(planned(request_of(CPU, natives=(native(CPU, None),)))) == {"here/cpu": False}


def test_a_device_that_is_switched_off_is_not_used_natively_either() -> None:
    assert ways(planned(request_of(AWAY, natives=(itself(CPU, faster=100),)))) == {"away/cuda:0": False}


def test_only_the_fastest_policy_per_device_looks_at_them() -> None:
    request = request_of(CPU, natives=(itself(CPU),))
    given = GivenSplit(name="given", seats=((CPU.id, 10),))
    others = [
        replace(request, layout=Layout.PER_MACHINE),
        replace(request, layout=Layout.TRADITIONAL),
        replace(request, policy=Policy.EVEN),
        replace(request, policy=Policy.MEMORY),
        replace(request, given=given),
    ]
    assert [ways(planned(other)) for other in others] == [{"here/cpu": False}] * 5


def test_a_given_split_uses_natively_what_it_says() -> None:
    request = request_of(CPU, natives=(itself(CPU),))
    given = GivenSplit(name="run 7", seats=((CPU.id, 10),), native=frozenset({CPU.id}))
    assert ways(planned(replace(request, given=given))) == {"here/cpu": True}
    assert ways(planned(replace(request, given=given, native_offers=()))) == {"here/cpu": False}


def test_prompts_count_in_every_way_or_in_none() -> None:
    """The native CPU reads faster and its compute speed is not known: it may not win by leaving prompts out."""
    cpu = offer("here", gb_per_s=10, tflops=1)
    assert cpu.speed is not None
    silent = replace(cpu.speed, compute_flops_per_second=None, read_bytes_per_second=2e10)
    request = replace(request_of(cpu, natives=(native(cpu, silent),)), prompt_share=0.5)
    assert ways(planned(request)) == {"here/cpu": False}
    assert ways(planned(replace(request, prompt_share=0.0))) == {"here/cpu": True}
    neither = replace(request_of(CPU, natives=(itself(CPU),)), prompt_share=0.5)
    assert ways(planned(neither)) == {"here/cpu": True}


def test_two_native_gpus_do_not_take_turns_as_those_of_one_server() -> None:
    gpus = [
        offer("here", f"cuda:{n}", gb_per_s=100, tflops=1, safe=GB * 7 // 10, endpoint=f"here:{50052 + n}") for n in range(2)
    ]
    natives = tuple(itself(gpu, overhead=0.0005) for gpu in gpus)
    apart = planned(replace(request_of(*gpus), prompt_share=1.0))
    plan = planned(replace(request_of(*gpus, natives=natives), prompt_share=1.0))
    assert all(ways(plan).values())
    assert plan.predicted.prefill_tokens_per_second == pytest.approx(apart.predicted.prefill_tokens_per_second, rel=1e-3)


@st.composite
def requests(draw: st.DrawFn) -> PlanRequest:
    own = [
        offer("here", device, safe=draw(st.sampled_from((GB // 3, GB, 4 * GB))), gb_per_s=draw(st.sampled_from((5, 20, 80))))
        for device in draw(st.sampled_from((("cpu",), ("cpu", "cuda:0"), ("cpu", "cuda:0", "cuda:1"))))
    ]
    natives = tuple(
        itself(made, faster=draw(st.sampled_from((0.7, 1.0, 1.2))), overhead=draw(st.sampled_from((0.0, 0.0005, 0.002))))
        for made in own
    )
    away = [AWAY] * draw(st.booleans())
    return request_of(*away, *own, natives=natives)


@given(requests())
@settings(max_examples=80, deadline=None)
def test_it_is_never_slower_than_over_rpc_alone(request: PlanRequest) -> None:
    over_rpc = split_layers(replace(request, native_offers=()))
    result = split_layers(request)
    assert isinstance(result, Plan) is isinstance(over_rpc, Plan)
    if not isinstance(result, Plan) or not isinstance(over_rpc, Plan):
        return
    before, now = over_rpc.predicted.decode_tokens_per_second, result.predicted.decode_tokens_per_second
    assert before is not None
    assert now is not None
    assert now >= before * (1 - 2 * TIE)
    if result.native_cpu is not None:
        assert len(result.used_workers) == 1
    assert all(worker.offer.machine_id == HERE for worker in result.used_workers if worker.offer.is_native)
    assert {worker.id for worker in result.workers} == {made.id for made in request.offers}


def test_the_way_holds_the_offers_as_it_uses_them() -> None:
    request = request_of(CPU, AWAY, natives=(itself(CPU, faster=100),))
    way = fastest_way(budgets_of(request), device_order(request))
    assert way is not None
    assert [made.is_native for made in way.budgets.request.offers] == [True, False]
    assert way.fastest.placement.seats[0][0].kind is DeviceKind.CPU
    tiny = replace(CPU, safe_bytes=1)
    nothing = request_of(tiny, natives=(itself(tiny),))
    assert fastest_way(budgets_of(nothing), device_order(nothing)) is None
