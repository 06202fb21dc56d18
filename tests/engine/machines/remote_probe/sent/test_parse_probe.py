"""Documents of real and of documented machines, and of machines that lie."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import ProbeFailed
from engine.machines.remote_probe.sent.parse_probe import MOST_DOCUMENT_BYTES, parse_probe
from engine.machines.remote_probe.sent.probe_answer import facts_of, machine_of
from engine.vocabulary.device import Vendor
from tests.engine.machines.remote_probe.sent_documents import (
    TARGET,
    arm_board,
    cards,
    mac,
    nvidia,
    packed,
    recorded,
    recorded_h100,
)

MIB = 1 << 20


@pytest.mark.parametrize("program", ["python", "sh"])
def test_the_recorded_machine(program):
    answer = parse_probe(packed(recorded(program)), TARGET)
    assert (answer.hostname, answer.os_name, answer.architecture) == ("vm", "Debian GNU/Linux 12 (bookworm)", "x86_64")
    assert (answer.cpu.name, answer.cpu.physical_cores, answer.cpu.logical_cores) == ("AMD EPYC", 2, 2)
    assert answer.cpu.ram_total_bytes == 24684084 << 10
    assert 0 < answer.cpu.ram_available_bytes < answer.cpu.ram_total_bytes
    assert "avx2" in answer.cpu.instruction_sets
    assert answer.system_id == "3f2c1e0b9a8d47c6b5a4938271605f4e"
    assert (answer.user, answer.home, answer.data_folder) == ("root", "/root", "/root/.local/share/crossply")
    assert answer.has_python == (program == "python")
    assert [(found.interface, found.address) for found in answer.addresses] == [("eth0", "192.0.2.2")]
    assert answer.gpu_toolchains == ("CUDA",)
    assert [vendor.why_none for vendor in answer.vendors] == [
        "NVIDIA's nvidia-smi is not there",
        "the kernel shows no graphics card (/sys/class/drm is not there)",
    ]


def test_both_programs_tell_the_same_of_one_machine():
    python, sh = (machine_of(parse_probe(packed(recorded(name)), TARGET), None) for name in ("python", "sh"))
    assert (python.cpu.name, python.cpu.instruction_sets, python.cpu.ram_total_bytes, python.os_name, python.system_id) == (
        sh.cpu.name,
        sh.cpu.instruction_sets,
        sh.cpu.ram_total_bytes,
        sh.os_name,
        sh.system_id,
    )


@pytest.mark.parametrize("program", ["python", "sh"])
def test_the_recorded_machine_with_an_h100(program):
    answer = parse_probe(packed(recorded_h100(program)), TARGET)
    assert answer.os_name == "Ubuntu 24.04.3 LTS"
    assert (answer.cpu.name, answer.cpu.physical_cores) == ("Intel(R) Xeon(R) Processor", 16)
    assert "amx_int8" in recorded_h100(program)["files"]["/proc/cpuinfo"]
    assert answer.gpu_toolchains == ("CUDA",)
    (card,) = machine_of(answer, None).gpus
    assert (card.vendor, card.name) == (Vendor.NVIDIA, "NVIDIA H100 80GB HBM3")
    assert (card.memory_total_bytes, card.memory_free_bytes) == (81559 * MIB, 81079 * MIB)


def test_a_documented_arm_board():
    answer = parse_probe(packed(arm_board()), TARGET)
    assert (answer.cpu.name, answer.cpu.logical_cores) == ("Raspberry Pi 5 Model B Rev 1.0", 4)
    assert answer.cpu.instruction_sets == ("neon", "fp16", "dotprod")
    assert answer.addresses[0].mbit_per_second == 1000
    assert answer.listening_ports == (22, 0x0277)
    assert answer.logged_in == ("pi",)
    assert facts_of(answer, "SHA256:x").identity.system_id == "11223344556677889900aabbccddeeff"


def test_a_machine_that_claims_hundreds_of_gpus():
    line = nvidia("two_gpus_look.txt").splitlines()[0].partition(", ")[2]
    many = "\n".join(f"{n}, {line}" for n in range(300))
    said = recorded()
    with pytest.raises(ProbeFailed, match="more than 256 GPUs"):
        parse_probe(packed(said | {"said": said["said"] | {"nvidia_smi": many}}), TARGET)


def test_a_documented_mac():
    answer = parse_probe(packed(mac()), TARGET)
    assert (answer.os_name, answer.cpu.name, answer.cpu.physical_cores) == ("macOS 15.1", "Apple M2 Max", 12)
    assert answer.cpu.ram_total_bytes == 64 << 30
    assert answer.cpu.ram_available_bytes == 1_650_000 * 16384
    assert answer.system_id == "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9"
    assert [gpu.vendor for vendor in answer.vendors for gpu in vendor.gpus] == [Vendor.APPLE]
    assert [(found.interface, found.address) for found in answer.addresses] == [("en0", "192.0.2.40")]
    assert answer.listening_ports == (22, 50052)
    assert not answer.has_python


def test_gpus_of_all_vendors_in_one_machine():
    document = recorded()
    document["files"].update(cards("amd.txt"))
    document["said"]["nvidia_smi"] = nvidia("two_gpus_look.txt")
    names = [(gpu.vendor, gpu.name) for vendor in parse_probe(packed(document), TARGET).vendors for gpu in vendor.gpus]
    assert names == [
        (Vendor.NVIDIA, "NVIDIA GeForce RTX 4090"),
        (Vendor.NVIDIA, "NVIDIA GeForce RTX 4090"),
        (Vendor.AMD, "AMD Instinct MI300X OAM"),
        (Vendor.AMD, "AMD GPU [1002:744c]"),
    ]


def test_a_container_leaves_less():
    document = recorded()
    files = document["files"]
    limits = [path for path in files if path.endswith("memory.limit_in_bytes")]
    assert len(limits) > 1
    files[max(limits, key=len)] = f"{4096 * MIB}\n"
    files[max(limits, key=len).replace("limit_in", "usage_in")] = f"{1024 * MIB}\n"
    files.pop(max(limits, key=len).replace("limit_in_bytes", "stat"))
    files["/proc/self/status"] = "Cpus_allowed_list:\t1"
    cpu = parse_probe(packed(document), TARGET).cpu
    assert (cpu.ram_total_bytes, cpu.ram_available_bytes, cpu.logical_cores) == (4096 * MIB, 3072 * MIB, 1)


def test_old_kernels_without_available_memory():
    document = recorded()
    document["files"]["/proc/meminfo"] = "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 20 kB\nCached: 30 kB\n"
    assert parse_probe(packed(document), TARGET).cpu.ram_available_bytes == 150 << 10


def changed(where, name, value):
    document = recorded()
    document[where][name] = value
    return packed(document)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[" * 100_000,
        b'{"format":1}',
        b"{" + b" " * MOST_DOCUMENT_BYTES + b"}",
        b"x" * (10 * MOST_DOCUMENT_BYTES),
        packed({**recorded(), "more": 1}),
        packed({**recorded(), "format": 2}),
        packed({**recorded(), "program": "perl"}),
        packed({**recorded(), "files": float("nan")}),
        packed({**recorded(), "said": {f"n{i}": "" for i in range(2000)}}),
        changed("said", "hostname", 1e300),
        changed("said", "hostname", ""),
        changed("said", "hostname", "evil\x1b[2Jhost"),
        changed("said", "hostname", "evil\u202etsoh"),
        changed("said", "hostname", "two\nlines"),
        changed("said", "hostname", "h" * 300),
        changed("said", "architecture", "x\u200b86"),
        changed("said", "user", "a\x07da"),
        changed("said", "home", "relative"),
        changed("said", "home", "/home/../etc"),
        changed("said", "home", "/home/\x00ada"),
        changed("said", "data_folder", "/etc"),
        changed("said", "data_folder", "/x/../etc/crossply"),
        changed("said", "disk_free_bytes", "-1"),
        changed("said", "disk_free_bytes", "1e300"),
        changed("said", "physical_cores", "9" * 5000),
        changed("said", "nvidia_smi", "0, A, 24564, 2, nan, 0, 36, GPU-1\n"),
        changed("said", "nvidia_smi", "0, A, -24564, 2, 2, 0, 36, GPU-1\n"),
        changed("said", "nvidia_smi", "0, A, 24564\n"),
        changed("files", "/proc/meminfo", "MemTotal: -5 kB\n"),
        changed("files", "/proc/meminfo", "MemTotal: 1e300 kB\n"),
        changed("files", "/proc/meminfo", "MemTotal: NaN kB\n"),
        changed("files", "/proc/meminfo", f"MemTotal: {1 << 60} kB\n"),
        changed("files", "/proc/meminfo", ""),
        changed("files", "/sys/devices/system/cpu/online", "0-99999999999"),
        changed("files", "/proc/meminfo", "x" * 200_000),
    ],
    ids=range(38),
)
def test_what_cannot_be_is_one_sentence_that_names_the_machine(document):
    with pytest.raises(ProbeFailed) as caught:
        parse_probe(document, TARGET)
    assert caught.value.happened.startswith("ada@10.0.0.7 told something about itself that cannot be: ")
    assert "\n" not in caught.value.happened
    assert len(caught.value.happened) < 200


def test_texts_that_are_shown_lose_what_is_invisible():
    document = recorded()
    document["files"]["/proc/cpuinfo"] = "model name\t: Fast\x1b[31m CPU\u202e\n"
    document["said"]["who"] = "a\x07da tty1\n" + "".join(f"u{i} x\n" for i in range(1000))
    document["said"]["nvidia_smi"] = "0, GPU\u200b \x1b]0;x\x07, 10, 1, 9, 0, 36, GPU-1\n"
    answer = parse_probe(packed(document), TARGET)
    assert answer.cpu.name == "Fast [31m CPU"
    assert answer.logged_in[0] == "a da"
    assert len(answer.logged_in) == 100
    assert answer.vendors[0].gpus[0].name == "GPU ]0;x"


def test_huge_numbers_of_cgroups_limit_nothing():
    document = recorded()
    for path in document["files"]:
        if "/cgroup/cpu/" in path or "/memory/" in path:
            document["files"][path] = "9" * 400 + "\n"
    assert parse_probe(packed(document), TARGET).cpu.logical_cores == 2


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["-1", "NaN", "1e300", "9" * 30, "0-4294967295", "\x00", "a: b", ", , , , , , , ", "0, \n", "{}", "/.."]),
    st.integers(-(10**40), 10**40).map(str),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), which=st.sampled_from(["python", "mac", "arm"]))
def test_whatever_is_sent_only_a_failed_probe_comes_out(data, which):
    document = {"python": recorded, "mac": mac, "arm": arm_board}[which]()
    if which != "mac":
        document["files"].update(cards("amd.txt"))
        document["said"]["nvidia_smi"] = nvidia("two_gpus_look.txt")
    for _ in range(data.draw(st.integers(1, 4))):
        where = data.draw(st.sampled_from(["files", "said"] if document["files"] else ["said"]))
        name = data.draw(st.sampled_from(sorted(document[where])))
        value = document[where][name]
        at = data.draw(st.integers(0, len(value)))
        end = data.draw(st.integers(at, min(len(value), at + 20)))
        document[where][name] = data.draw(st.one_of(HOSTILE, HOSTILE.map(lambda new: value[:at] + new + value[end:])))  # noqa: B023
    with suppress(ProbeFailed):
        machine_of(parse_probe(packed(document), TARGET), None)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=200, deadline=None)
@given(document=JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200))
def test_any_other_json_and_any_bytes_are_refused(document):
    with pytest.raises(ProbeFailed):
        parse_probe(document, TARGET)
