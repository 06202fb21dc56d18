"""A cluster file that is written is read back as the same, whatever is in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadClusterFile
from engine.llama_cpp.gguf.tensor_types import CACHE_TYPES
from engine.settings.cluster_files.cluster_file import (
    ClusterFile,
    ClusterMachine,
    CpuEntry,
    GpuEntry,
    LinkEntry,
    read_cluster_file,
)
from engine.settings.cluster_files.cluster_run import RunEntry, SeatEntry, SplitEntry
from engine.settings.cluster_files.cluster_writer import cluster_text
from engine.vocabulary.plan import Policy
from engine.vocabulary.worker import Layout

words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
names = words.map(lambda word: word.replace("/", "-")).filter(lambda word: word.strip())
some = st.floats(0.001, 1e9)
counts = st.integers(1, 2**31 - 1)
speeds = st.fixed_dictionaries({"bandwidth_gb_per_s": some}, optional={"tflops": some, "overhead_ms": some})
device = st.builds(
    lambda name, total, speed: {"name": name, "total_mb": total, **speed}, st.none() | words, some, speeds | st.just({})
)
machine = st.builds(
    ClusterMachine,
    name=names,
    address=words,
    user=st.none() | words,
    port=st.none() | st.integers(1, 65535),
    exposure=st.none() | st.just("10.0.0.7"),
    link=st.none() | st.builds(LinkEntry, rtt_ms=st.none() | some, mbit_per_s=st.none() | some),
    cpu=st.none() | st.builds(lambda said, threads: CpuEntry(threads=threads, **said), device, st.none() | counts),
    gpus=st.lists(device, max_size=3).map(
        lambda all_: tuple(GpuEntry(device=f"cuda:{i}", **said) for i, said in enumerate(all_))
    ),
)
seats = st.dictionaries(words, st.integers(0, 999), max_size=3).map(
    lambda of: tuple(SeatEntry(worker=worker, layers=layers) for worker, layers in of.items())
)
run = st.builds(
    RunEntry,
    model=st.none() | words,
    context_tokens=counts,
    slots=counts,
    batch_tokens=counts,
    ubatch_tokens=counts,
    cache_type_k=st.sampled_from(sorted(CACHE_TYPES)),
    cache_type_v=st.sampled_from(sorted(CACHE_TYPES)),
    flash_attention=st.sampled_from([None, True]),
    policy=st.sampled_from(Policy),
    layout=st.sampled_from(Layout),
    prompt_share=st.floats(0, 1),
    reserve_fraction=st.floats(0, 0.9),
    cpu_workers=counts,
    keep_running=st.booleans(),
    api_port=st.integers(1, 65535),
    left_out=st.lists(words, max_size=3).map(tuple),
    split=st.none() | st.builds(SplitEntry, name=words, seats=seats),
)


@given(st.none() | run, st.lists(machine, min_size=1, max_size=4, unique_by=lambda machine: machine.name))
def test_round_trip(run_entry, machines):
    file = ClusterFile(run=run_entry, machine=tuple(machines))
    assert read_cluster_file(cluster_text(file), "lab.toml") == file


def test_no_is_said_where_it_is_not_the_default():
    file = ClusterFile(run=RunEntry(flash_attention=False), machine=(ClusterMachine(name="a", address="b"),))
    assert read_cluster_file(cluster_text(file), "lab.toml") == file


def test_a_path_that_is_no_text_is_one_sentence():
    with pytest.raises(BadClusterFile, match="cannot hold this"):
        cluster_text(ClusterFile(run=RunEntry(model="/m/\udcff.gguf"), machine=(ClusterMachine(name="a", address="b"),)))


def test_a_person_can_read_it():
    gpu = GpuEntry(device="cuda:0", name="RTX 3060", total_mb=12000.0)
    file = ClusterFile(machine=(ClusterMachine(name="gpu-node", address="10.0.0.7", user="ada", gpus=(gpu,)),))
    text = cluster_text(file)
    assert text.startswith("# A cluster of Crossply")
    assert text.endswith(
        '[[machine]]\nname = "gpu-node"\naddress = "10.0.0.7"\nuser = "ada"\n'
        'gpus = [{ name = "RTX 3060", total_mb = 12000.0, device = "cuda:0" }]\n'
    )
