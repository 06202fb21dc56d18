"""The cluster file: what it means, and every way to get it wrong said in one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadClusterFile
from engine.planning.abstract_model import abstract_model
from engine.planning.split_layers import split_layers
from engine.settings.cluster_files.cluster_file import coordinator_of_cluster, offers_of_cluster, read_cluster_file
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.plan import Plan, PlanRequest, Policy
from engine.vocabulary.worker import Layout, Link, Speed, WorkerId

LAB = """
[[machine]]
name = "node-a"
cpu = { safe_mb = 8000 }

[[machine]]
name = "node-b"
cpu = { total_mb = 10000 }

[[machine]]
name = "gpu-node"
address = "10.0.0.7"
user = "lab"
port = 22
coordinator = true
link = { rtt_ms = 0.3, mbit_per_s = 1000 }
cpu  = { total_mb = 12500, safe_mb = 10000, threads = 8, bandwidth_gb_per_s = 40, tflops = 1.0, overhead_ms = 0.6 }
gpus = [ { device = "cuda:0", name = "RTX 3060", total_mb = 12000, safe_mb = 9600, bandwidth_gb_per_s = 360, tflops = 25 } ]
"""


def test_the_worked_example_comes_out_of_the_file() -> None:
    machines = read_cluster_file(LAB, "lab.toml").machine
    offers = offers_of_cluster(machines, Layout.PER_DEVICE)
    plan = split_layers(PlanRequest(model=abstract_model(40), offers=offers, policy=Policy.EVEN))
    assert isinstance(plan, Plan)
    assert [(worker.id, worker.first_layer, worker.last_layer) for worker in plan.used_workers] == [
        ("node-a/cpu", 0, 9),
        ("node-b/cpu", 10, 19),
        ("gpu-node/cpu", 20, 29),
        ("gpu-node/cuda:0", 30, 39),
    ]
    assert len(offers_of_cluster(machines, Layout.TRADITIONAL)) == 3


def test_one_figure_of_memory_is_enough() -> None:
    a, b, *_ = offers_of_cluster(read_cluster_file(LAB, "lab.toml").machine, Layout.PER_DEVICE)
    assert (a.total_bytes, a.safe_bytes) == (10_000_000_000, 8_000_000_000)
    assert (b.total_bytes, b.safe_bytes) == (10_000_000_000, 8_000_000_000)
    half = offers_of_cluster(read_cluster_file(LAB, "lab.toml").machine, Layout.PER_DEVICE, 0.5)
    assert [offer.safe_bytes for offer in half][:3] == [8_000_000_000, 5_000_000_000, 10_000_000_000]


def test_everything_that_is_said_arrives() -> None:
    *_, cpu, card = offers_of_cluster(read_cluster_file(LAB, "lab.toml").machine, Layout.PER_DEVICE)
    assert cpu.speed == Speed(read_bytes_per_second=40e9, compute_flops_per_second=1e12, overhead_seconds=0.0006)
    assert card.speed == Speed(read_bytes_per_second=360e9, compute_flops_per_second=25e12)
    assert cpu.threads == 8
    assert cpu.link == Link(rtt_seconds=0.0003, bytes_per_second=125e6)
    assert (cpu.endpoint, card.endpoint) == ("10.0.0.7:50052", "10.0.0.7:50053")
    assert (card.runtime_name, card.description, card.kind) == ("CUDA0", "RTX 3060", DeviceKind.GPU)
    assert coordinator_of_cluster(read_cluster_file(LAB, "lab.toml").machine) == "gpu-node"


def test_a_name_stands_in_for_an_address_and_silence_means_unknown() -> None:
    first = offers_of_cluster(read_cluster_file(LAB, "lab.toml").machine, Layout.PER_DEVICE)[0]
    assert first.endpoint == "node-a:50052"
    assert first.speed is None
    assert first.link is None
    assert coordinator_of_cluster(read_cluster_file('[[machine]]\nname="a"\ncpu={safe_mb=1}', "x").machine) is None


def test_workers_can_be_left_out() -> None:
    left_out = frozenset({WorkerId("gpu-node/cpu")})
    offers = offers_of_cluster(
        read_cluster_file(LAB, "lab.toml").machine, Layout.PER_DEVICE, left_out=left_out, first_port=6000
    )
    assert [offer.endpoint for offer in offers] == ["node-a:6000", "node-b:6000", "10.0.0.7:6001"]


WRONG = {
    "[[machine]": "lab.toml is not valid TOML: ",
    "": "lab.toml: it missing required field machine.",
    "machine = []": "lab.toml describes no machine.",
    "machine = 3": "lab.toml: ",
    "[[machin]]\nname='a'": "lab.toml: unknown key 'machin'. Did you mean 'machine'?",
    "[[machine]]\ncpu={safe_mb=1}": "lab.toml, machine number 1: it missing required field name.",
    "[[machine]]\nname='a'\ncpus={safe_mb=1}": "lab.toml, machine 'a': unknown key 'cpus'. Did you mean 'cpu'?",
    "[[machine]]\nname='a'\ncpu={save_mb=1}": "lab.toml, machine 'a': unknown key 'save_mb' in cpu. Did you mean 'safe_mb'?",
    "[[machine]]\nname='a'\ncpu={x=1}": (
        "lab.toml, machine 'a': unknown key 'x' in cpu. Known keys: bandwidth_gb_per_s, name, overhead_ms, "
        "safe_mb, tflops, threads, total_mb."
    ),
    "[[machine]]\nname='a'\ngpus=[{device='cuda:0', total=1}]": (
        "lab.toml, machine 'a': unknown key 'total' in gpus. Did you mean 'total_mb'?"
    ),
    "[[machine]]\nname='a'\nlink={rtt=1}\ncpu={safe_mb=1}": (
        "lab.toml, machine 'a': unknown key 'rtt' in link. Did you mean 'rtt_ms'?"
    ),
    "[[machine]]\nname='a'\ncpu={safe_mb='8 GB'}": "lab.toml, machine 'a': cpu.safe_mb: expected float | null, got str.",
    "[[machine]]\nname='a'\ncpu=8": "lab.toml, machine 'a': cpu: expected ",
    "[[machine]]\nname='a'\ngpus=[{safe_mb=1}]": "lab.toml, machine 'a': gpus[0]: it missing required field device.",
    "[[machine]]\nname='a'": "lab.toml, machine 'a': it has neither cpu nor gpus.",
    "[[machine]]\nname='a/b'\ncpu={safe_mb=1}": "lab.toml, machine 'a/b': a name must not be empty",
    "[[machine]]\nname=' '\ncpu={safe_mb=1}": "lab.toml, machine ' ': a name must not be empty",
    "[[machine]]\nname='a'\ncpu={safe_mb=1}\n[[machine]]\nname='a'\ncpu={safe_mb=1}": (
        "lab.toml, machine 'a': there are two machines of this name."
    ),
    "[[machine]]\nname='a'\nport=70000\ncpu={safe_mb=1}": "lab.toml, machine 'a': port 70000 is not between",
    "[[machine]]\nname='a'\ncpu={threads=1}": "lab.toml, machine 'a': cpu has neither total_mb nor safe_mb.",
    "[[machine]]\nname='a'\ncpu={total_mb=0}": "lab.toml, machine 'a': cpu.total_mb = 0 is not possible.",
    "[[machine]]\nname='a'\ncpu={safe_mb=-1}": "lab.toml, machine 'a': cpu.safe_mb = -1 is not possible.",
    "[[machine]]\nname='a'\ncpu={safe_mb=nan}": "lab.toml, machine 'a': cpu.safe_mb = nan is not possible.",
    "[[machine]]\nname='a'\ncpu={safe_mb=inf}": "lab.toml, machine 'a': cpu.safe_mb = inf is not possible.",
    "[[machine]]\nname='a'\ncpu={safe_mb=2, total_mb=1}": "lab.toml, machine 'a': cpu has safe_mb = 2 above total_mb = 1.",
    "[[machine]]\nname='a'\ncpu={safe_mb=2, tflops=1}": "lab.toml, machine 'a': cpu has tflops without bandwidth_gb_per_s.",
    "[[machine]]\nname='a'\nlink={mbit_per_s=0}\ncpu={safe_mb=1}": "lab.toml, machine 'a': link.mbit_per_s = 0 is not",
    "[[machine]]\nname='a'\ngpus=[{device='toaster', safe_mb=1}]": "lab.toml, machine 'a': “toaster” is no device.",
    "[[machine]]\nname='a'\ngpus=[{device='cpu', safe_mb=1}]": "lab.toml, machine 'a': gpus has a device 'cpu'.",
    "[[machine]]\nname='a'\ngpus=[{device='cuda:0', safe_mb=1}, {device='cuda:0', safe_mb=1}]": (
        "lab.toml, machine 'a': there are two GPUs called 'cuda:0'."
    ),
    "[[machine]]\nname='a'\ncoordinator=true\ncpu={safe_mb=1}\n[[machine]]\nname='b'\ncoordinator=true\ncpu={safe_mb=1}": (
        "lab.toml: more than one machine is marked as coordinator."
    ),
}


@pytest.mark.parametrize(("text", "sentence"), WRONG.items(), ids=range(len(WRONG)))
def test_what_is_wrong_is_said_with_file_machine_and_key(text: str, sentence: str) -> None:
    with pytest.raises(BadClusterFile) as caught:
        read_cluster_file(text, "lab.toml")
    assert str(caught.value).startswith(sentence)


@given(st.text(max_size=60), st.integers(0, len(LAB)))
def test_nothing_but_the_one_error_comes_out(junk: str, place: int) -> None:
    sentence = ""
    try:
        machines = read_cluster_file(LAB[:place] + junk + LAB[place:], "lab.toml").machine
    except BadClusterFile as error:
        sentence = str(error)
    assert sentence.startswith("lab.toml") or offers_of_cluster(machines, Layout.PER_MACHINE)
