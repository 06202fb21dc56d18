"""Command lines in every dialect, and held against the real programs."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import BadInput, RuntimeUnavailable
from engine.llama_cpp import command_lines as lines
from engine.llama_cpp.dialects import Dialect, dialect_of
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.plan import Plan, RunShape
from engine.vocabulary.worker import native
from tests.fakes.states.cluster_plans import plan_of, server_of

TESTS = Path(__file__).parents[2]
MIB = 1024 * 1024
SERVER_OPTIONS = lines.server_options_of((TESTS / "recorded/llama-server-0c1e570/help.txt").read_text())
BENCH_OPTIONS = lines.server_options_of((TESTS / "recorded/llama-bench-0c1e570/help.txt").read_text())
G1, G2, G3, G4, G5 = (
    "recorded/rpc-server-0.2.90-g1",
    "recorded/rpc-server-0.3.16-g2",
    "documented/rpc-server-g3",
    "recorded/rpc-server-0.3.20-g4",
    "recorded/rpc-server-0.3.36-g5",
)
SERVERS = (
    server_of("10.0.0.1:50052", {"a/cpu": "CPU", "a/cuda:0": "CUDA0"}, threads=8),
    server_of("10.0.0.2:50052", {"b/cpu": "CPU"}, threads=4),
    server_of("127.0.0.1:50052", {"c/cpu": "CPU"}, threads=2),
)
PLAN = plan_of({"a/cuda:0": 6, "c/cpu": 4}, unused=("a/cpu", "b/cpu"))


def dialect(folder: str) -> Dialect:
    return dialect_of((TESTS / folder / "help.txt").read_text())


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        (G1, "rpc -H 127.0.0.1 -p 50053 --mem 2048"),
        (G2, "rpc -H 127.0.0.1 -p 50053 -d CPU -t 6 --mem 2048 -c"),
        (G3, "rpc -H 127.0.0.1 -p 50053 -d CPU -t 6 --mem 2048 -c"),
        (G4, "rpc -H 127.0.0.1 -p 50053 -d CPU -t 6 -c"),
        (G5, "rpc -H 127.0.0.1 -p 50053 -d CPU -t 6 -c"),
    ],
)
def test_one_cpu_worker_in_every_dialect(folder: str, expected: str) -> None:
    spec = server_of("127.0.0.1:50053", {"a/cpu": "CPU"}, threads=6, limits=(2048 * MIB + 5,))
    assert lines.rpc_server_argv(spec, "rpc", dialect(folder)) == tuple(expected.split())


def test_two_devices_of_one_machine_in_one_server() -> None:
    spec = server_of("127.0.0.1:50053", {"a/cpu": "CPU", "a/cuda:0": "CUDA0"}, limits=(10_000 * MIB, 9_600 * MIB))
    assert lines.rpc_server_argv(spec, "rpc", dialect(G3), cache=False)[5:] == ("-d", "CPU,CUDA0", "--mem", "10000,9600")
    assert lines.rpc_server_argv(spec, "rpc", dialect(G5), cache=False)[5:] == ("-d", "CPU,CUDA0")
    for folder in (G1, G2):
        with pytest.raises(RuntimeUnavailable, match=r"takes one device, not 2"):
            lines.rpc_server_argv(spec, "rpc", dialect(folder))


def test_a_limit_below_a_mib_is_not_passed_as_no_limit() -> None:
    spec = server_of("127.0.0.1:50053", {"a/cpu": "CPU"}, limits=(5,))
    assert lines.rpc_server_argv(spec, "rpc", dialect(G2), cache=False)[-2:] == ("--mem", "1")


@pytest.mark.parametrize("host", ["localhost", "::1", "gpu-node", ""])
def test_an_address_that_rpc_server_would_not_take(host: str) -> None:
    with pytest.raises(BadInput, match="only an IPv4 address"):
        lines.rpc_server_argv(server_of(f"{host}:50052", {"a/cpu": "CPU"}), "rpc", dialect(G5))


def test_a_server_without_devices_is_refused() -> None:
    with pytest.raises(BadInput, match="would offer no device"):
        lines.rpc_server_argv(server_of("127.0.0.1:50052", {}), "rpc", dialect(G5))


def test_the_coordinator() -> None:
    command = lines.coordinator_argv(PLAN, SERVERS, program="llama-server", options=SERVER_OPTIONS, api_port=8081)
    keyed = lines.coordinator_argv(
        PLAN, SERVERS, program="llama-server", options=SERVER_OPTIONS, api_port=8081, api_key_file="/state/key"
    )
    assert keyed.argv == (*command.argv, "--api-key-file", "/state/key")
    expected = (
        "llama-server -m /models/m.gguf --rpc 10.0.0.1:50052,127.0.0.1:50052 -dev RPC1,RPC2 -ngl 999 -ts 6,4 -c 4096 -np 1"
        " -b 2048 -ub 256 -ctk f16 -ctv f16 -fit off --cache-ram 0 -lv 5 --log-jsonl --metrics"
        " --host 127.0.0.1 --port 8081"
    )
    assert " ".join(command.argv) == expected
    assert command.devices == (("RPC0", "a/cpu"), ("RPC1", "a/cuda:0"), ("RPC2", "c/cpu"))


def natively(plan: Plan, *ids: str, gpu: bool = False) -> Plan:
    """The same plan with these workers in llama-server itself."""
    changed = {"kind": DeviceKind.GPU, "runtime_name": "CUDA0"} if gpu else {}
    workers = (
        replace(w, offer=replace(native(w.offer, None), threads=6, **changed)) if w.id in ids else w for w in plan.workers
    )
    return replace(plan, workers=tuple(workers))


def test_a_model_on_the_coordinators_own_cpu_has_no_rpc_and_no_split() -> None:
    plan = natively(plan_of({"c/cpu": 10}), "c/cpu")
    command = lines.coordinator_argv(plan, (), program="llama-server", options=SERVER_OPTIONS, api_port=8081)
    assert " ".join(command.argv).startswith("llama-server -m /models/m.gguf -dev none -ngl 0 -t 6 -c 4096 -np 1")
    assert not {"--rpc", "-ts"} & set(command.argv)
    assert command.devices == (("CPU", "c/cpu"),)
    bench = lines.llama_bench_argv(plan, (), program="llama-bench", options=BENCH_OPTIONS)
    assert " ".join(bench.argv).startswith("llama-bench -m /models/m.gguf -dev none -ngl 0 -t 6 -p 512 -n 64")


def test_a_native_gpu_stands_under_its_own_name_among_the_others() -> None:
    plan = natively(PLAN, "c/cpu", gpu=True)
    command = lines.coordinator_argv(plan, SERVERS[:2], program="llama-server", options=SERVER_OPTIONS, api_port=8081)
    assert "--rpc 10.0.0.1:50052 -dev RPC1,CUDA0 -ngl 999 -ts 6,4 -c" in " ".join(command.argv)
    assert command.devices == (("RPC0", "a/cpu"), ("RPC1", "a/cuda:0"), ("CUDA0", "c/cpu"))
    assert lines.native_devices(plan) == (("CUDA0", "c/cpu"),)


def test_a_native_gpu_alone_needs_nobody() -> None:
    plan = natively(plan_of({"c/cuda:0": 10}), "c/cuda:0", gpu=True)
    argv = lines.coordinator_argv(plan, (), program="s", options=SERVER_OPTIONS, api_port=1).argv
    assert argv[1:9] == ("-m", "/models/m.gguf", "-dev", "CUDA0", "-ngl", "999", "-ts", "10")


def test_the_order_of_the_plan_is_that_of_dev_not_of_rpc() -> None:
    plan = plan_of({"c/cpu": 4, "b/cpu": 3, "a/cuda:0": 2})
    command = lines.coordinator_argv(plan, SERVERS, program="llama-server", options=SERVER_OPTIONS, api_port=8081)
    assert command.argv[command.argv.index("-dev") + 1] == "RPC3,RPC2,RPC1"
    assert command.argv.index("--rpc") < command.argv.index("-dev")


@pytest.mark.parametrize(
    ("flash", "options", "expected"),
    [
        (None, SERVER_OPTIONS, ()),
        (True, SERVER_OPTIONS, ("-fa", "on")),
        (False, SERVER_OPTIONS, ("-fa", "off")),
        (True, SERVER_OPTIONS - {"-fa on", "-fa off"}, ("-fa",)),
        (False, SERVER_OPTIONS - {"-fa on", "-fa off"}, ()),
    ],
)
def test_flash_attention(flash: bool | None, options: frozenset[str], expected: tuple[str, ...]) -> None:
    plan = plan_of({"c/cpu": 4}, shape=RunShape(flash_attention=flash))
    argv = lines.coordinator_argv(plan, SERVERS, program="s", options=options, api_port=1).argv
    at = argv.index("-ctv") + 2
    assert argv[at : argv.index("-fit")] == expected


def test_what_is_not_in_the_help_is_left_out_or_an_error() -> None:
    older = SERVER_OPTIONS - {"--log-jsonl", "-fit", "-fit off"}
    argv = lines.coordinator_argv(PLAN, SERVERS, program="llama-server", options=older, api_port=1).argv
    assert not {"--log-jsonl", "-fit"} & set(argv)
    with pytest.raises(RuntimeUnavailable, match=r"llama-server has no option --rpc, which the plan needs"):
        lines.coordinator_argv(PLAN, SERVERS, program="llama-server", options=SERVER_OPTIONS - {"--rpc"}, api_port=1)


def test_a_planned_worker_without_a_server_is_an_error() -> None:
    with pytest.raises(BadInput, match="No rpc-server offers c/cpu"):
        lines.coordinator_argv(PLAN, SERVERS[:1], program="s", options=SERVER_OPTIONS, api_port=1)


def test_an_abstract_model_cannot_be_started() -> None:
    with pytest.raises(BadInput, match="there is no file to load"):
        lines.coordinator_argv(plan_of({"c/cpu": 4}, path=None), SERVERS, program="s", options=SERVER_OPTIONS, api_port=1)


def test_llama_bench_takes_slashes() -> None:
    command = lines.llama_bench_argv(PLAN, SERVERS, program="llama-bench", options=BENCH_OPTIONS)
    expected = (
        "llama-bench -m /models/m.gguf --rpc 10.0.0.1:50052,127.0.0.1:50052 -dev RPC1/RPC2 -ngl 999 -ts 6/4 -p 512 -n 64"
        " -b 2048 -ub 256 -ctk f16 -ctv f16 -r 3 -o json"
    )
    assert " ".join(command.argv) == expected


def test_options_are_read_from_the_help() -> None:
    assert {"-m", "--model", "-dev", "--device", "-kvo", "-nkvo", "--no-kv-offload", "-fa auto", "-fit off"} <= SERVER_OPTIONS
    assert {"--rpc", "-rpc", "-ts", "--tensor-split", "-fa on"} <= BENCH_OPTIONS
    assert not {"--rpc", "auto"} & lines.server_options_of("usage: something\n  text with --rpc in it\n")


def test_the_line_to_copy_runs_as_meant() -> None:
    """Through a real shell: quoting, environment, and the ignored SIGPIPE (bit 12 of SigIgn), inherited through ``exec``."""
    argv = ("sh", "-c", 'echo "$0|$LLAMA_CACHE"; grep SigIgn /proc/$$/status', "it's $HOME")
    line = lines.shell_line(argv, [("LLAMA_CACHE", "a b")], ignore_sigpipe=True)
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    said, ignored = done.stdout.splitlines()
    assert said == "it's $HOME|a b"
    assert int(ignored.split()[1], 16) & 1 << (signal.SIGPIPE - 1)
    assert line.startswith("LLAMA_CACHE='a b' sh -c ")


def test_a_plain_line_is_only_quoted() -> None:
    assert lines.shell_line(("a b", "c"), [("X", "1")]) == "X=1 'a b' c"
