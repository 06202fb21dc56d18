"""From a machine to its workers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.planning.memory.safe_memory import CUDA_PROCESSES_BYTES
from engine.planning.offers import Reach, offers_of_machine, why_no_offer
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.machine import Machine
from engine.vocabulary.worker import Exposure, Layout, Link, Speed, WorkerId
from tests.engine.planning.planning_cases import GB, gpu, machine


def ports(made: Machine, layout: Layout, **options: Any) -> list[tuple[str, str]]:
    return [(o.id, o.endpoint.rpartition(":")[2]) for o in offers_of_machine(made, layout, **options)]


def test_the_cpu_comes_first_and_every_device_has_a_port_of_its_own() -> None:
    assert ports(machine("m", gpu(0), gpu(1)), Layout.PER_DEVICE) == [
        ("m/cpu", "50052"),
        ("m/cuda:0", "50053"),
        ("m/cuda:1", "50054"),
    ]


def test_one_server_per_machine_shares_its_endpoint() -> None:
    assert {port for _, port in ports(machine("m", gpu(0), gpu(1)), Layout.PER_MACHINE, reach=Reach(first_port=40000))} == {
        "40000"
    }


def test_traditional_takes_the_gpu_with_most_safe_memory() -> None:
    assert ports(machine("m", gpu(0), gpu(1, total=24 * GB)), Layout.TRADITIONAL) == [("m/cuda:1", "50052")]
    assert ports(machine("m"), Layout.TRADITIONAL) == [("m/cpu", "50052")]


def test_switching_a_worker_off_does_not_move_the_ports_of_the_others() -> None:
    left_out = frozenset({WorkerId("m/cuda:0")})
    assert ports(machine("m", gpu(0), gpu(1)), Layout.PER_DEVICE, left_out=left_out) == [
        ("m/cpu", "50052"),
        ("m/cuda:1", "50054"),
    ]
    assert ports(machine("m", gpu(0)), Layout.TRADITIONAL, left_out=left_out) == [("m/cpu", "50052")]


def test_safe_memory_is_a_fifth_less_and_never_more_than_is_free() -> None:
    cpu, card = offers_of_machine(machine("m", gpu(0, free=3 * GB)), Layout.PER_DEVICE)
    assert cpu.safe_bytes == 8 * GB
    assert card.safe_bytes == 3 * GB - CUDA_PROCESSES_BYTES
    assert card.used_by_others_bytes == 7 * GB


def test_what_cudas_processes_take_beside_the_plan_is_left_free() -> None:
    """An H100 whose 81,079 MiB were free had no room for a plan of 80,687 MiB that kept no reserve."""
    total = 81_079 << 20
    _, card = offers_of_machine(machine("m", gpu(0, total=total, free=total)), Layout.PER_DEVICE, reserve_fraction=0.0)
    assert card.safe_bytes == total - CUDA_PROCESSES_BYTES < 80_687 << 20
    _, usual = offers_of_machine(machine("m", gpu(0, total=total, free=total)), Layout.PER_DEVICE)
    assert usual.safe_bytes == round(0.8 * total), "the usual reserve is more than that"


def test_several_cpu_workers_divide_cores_and_ram() -> None:
    offers = offers_of_machine(machine("m"), Layout.PER_DEVICE, cpu_workers=3)
    assert [offer.id for offer in offers] == ["m/cpu-0", "m/cpu-1", "m/cpu-2"]
    assert [offer.threads for offer in offers] == [2, 2, 1]
    assert sum(offer.safe_bytes for offer in offers) <= 8 * GB


def test_there_is_at_least_one_thread_and_none_is_invented() -> None:
    assert [o.threads for o in offers_of_machine(machine("m"), Layout.PER_DEVICE, cpu_workers=7)] == [1] * 7
    unknown = machine("m")
    unknown = replace(unknown, cpu=replace(unknown.cpu, physical_cores=None, logical_cores=None))
    assert offers_of_machine(unknown, Layout.PER_DEVICE)[0].threads is None


def test_a_software_gpu_and_the_cpu_worker_are_not_promised_the_same_ram() -> None:
    cpu, renderer = offers_of_machine(machine("m", gpu(0, software=True)), Layout.PER_DEVICE)
    assert renderer.kind is DeviceKind.GPU
    assert cpu.safe_bytes + renderer.safe_bytes <= 8 * GB
    assert cpu.safe_bytes == renderer.safe_bytes == 4 * GB


def test_a_gpu_that_the_runtime_does_not_list_is_no_offer_and_says_why() -> None:
    hidden = replace(gpu(0), runtime_name=None, why_no_runtime_name="This runtime has no CUDA.")
    nameless = replace(gpu(1), runtime_name=None)
    blind = replace(gpu(2, total=None), why_no_memory="The driver does not say.")
    silent = gpu(3, total=None)
    assert [offer.id for offer in offers_of_machine(machine("m", hidden, nameless, blind, silent), Layout.PER_DEVICE)] == [
        "m/cpu"
    ]
    assert why_no_offer(hidden) == "This runtime has no CUDA."
    assert why_no_offer(nameless) == "RTX 1 is not listed by this llama.cpp runtime."
    assert why_no_offer(blind) == "The driver does not say."
    assert "memory of RTX 3 is not known" in (why_no_offer(silent) or "")
    assert why_no_offer(gpu(4)) is None


def test_speeds_are_handed_on_by_worker() -> None:
    speed = Speed(read_bytes_per_second=1e9)
    cpu, card = offers_of_machine(machine("m", gpu(0)), Layout.PER_DEVICE, speeds={WorkerId("m/cuda:0"): speed})
    assert cpu.speed is None
    assert card.speed is speed


def test_only_another_machine_has_a_link() -> None:
    assert offers_of_machine(machine("m"), Layout.PER_DEVICE)[0].link is None
    lan = Reach(exposure=Exposure.LAN, address="10.0.0.7", link=Link())
    far = offers_of_machine(machine("m", address="10.0.0.7"), Layout.PER_DEVICE, reach=lan)[0]
    assert far.link == Link()
    assert (far.endpoint, far.listens_on, far.exposure) == ("10.0.0.7:50052", None, Exposure.LAN)


def test_behind_a_tunnel_every_worker_has_a_port_at_both_ends() -> None:
    reach = Reach(exposure=Exposure.TUNNEL, first_port=51072, link=Link(rtt_seconds=0.001))
    offers = offers_of_machine(machine("m", gpu(0)), Layout.PER_DEVICE, reach=reach)
    ends = [("127.0.0.1:51072", "127.0.0.1:50052"), ("127.0.0.1:51073", "127.0.0.1:50053")]
    assert [(offer.endpoint, offer.listens_on) for offer in offers] == ends
    assert {(offer.exposure, offer.link) for offer in offers} == {(Exposure.TUNNEL, Link(rtt_seconds=0.001))}
