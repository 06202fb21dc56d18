"""Planned map == actual map: random plans on the real llama-server with real rpc-servers, and the memory they really take.

The rpc-servers are started once and serve every plan; a llama-server loads a small model in about 0.2 s, so every plan is a
real load with the command line that Crossply would run. Layers, weights, KV and compute buffers are what llama.cpp reports.
"""

from __future__ import annotations

import random
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.cluster.servers import servers_of
from engine.llama_cpp.command_lines import coordinator_argv, rpc_server_argv, server_options_of
from engine.llama_cpp.dialects import Dialect, dialect_of
from engine.llama_cpp.gguf.gguf_header import read_gguf_header
from engine.llama_cpp.gguf.model_facts import read_model_facts
from engine.llama_cpp.server_log import BufferAllocated, BufferKind, LayerAssigned, PipelineDecided, ServerLog, buffer_owner
from engine.planning.split_layers import split_layers
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.machine import MachineId
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import Plan, PlannedWorker, PlanRequest, Policy, RunShape
from engine.vocabulary.runtime import Runtime
from engine.vocabulary.worker import RpcServerSpec, Speed, WorkerId, WorkerOffer
from tests.fakes.llama_cpp.gguf_writer import write_heavy_head, write_llama, write_moe

pytestmark = pytest.mark.real

N_SERVERS = 5
PLANS_PER_MODEL = 18
MODELS = ("forty layers", "heavy head", "experts")
MIB = 1024 * 1024
REPORTED_TO = 0.01 * MIB
DEADLINE_SECONDS = 60.0


@dataclass
class Actual:
    """What llama-server said."""

    layers: dict[int, str] = field(default_factory=dict)
    buffers: dict[tuple[str, BufferKind], int] = field(default_factory=dict)
    """By endpoint."""
    pipelined: bool | None = None
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Bench:
    """The real programs, and the endpoints that serve."""

    runtime: Runtime
    options: frozenset[str]
    endpoints: tuple[str, ...]


@pytest.fixture(scope="module")
def bench(runtime: Runtime) -> Iterator[Bench]:
    assert runtime.llama_server is not None
    dialect = dialect_of(_help_of(runtime.rpc_server))
    options = server_options_of(_help_of(runtime.llama_server))
    with _rpc_servers(runtime, dialect) as endpoints:
        yield Bench(runtime=runtime, options=options, endpoints=endpoints)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelFacts]:
    folder = tmp_path_factory.mktemp("models")
    paths = (
        write_llama(folder / "forty.gguf", n_layers=40),
        write_heavy_head(folder / "head.gguf"),
        write_moe(folder / "experts.gguf"),
    )
    return dict(zip(MODELS, map(facts_of, paths), strict=True))


def facts_of(path: Path) -> ModelFacts:
    with path.open("rb") as file:
        header = read_gguf_header(file, size_bytes=path.stat().st_size, name=str(path))
    return read_model_facts([(str(path), header)])


@pytest.mark.parametrize("seed", range(PLANS_PER_MODEL))
@pytest.mark.parametrize("name", MODELS)
def test_layers_and_memory_are_where_the_plan_says(name: str, seed: int, bench: Bench, models: dict[str, ModelFacts]) -> None:
    plan = random_plan(models[name], bench.endpoints, random.Random(f"{name} {seed}"))
    check(plan, load(plan, bench))


def test_a_real_model_with_sliding_windows_and_a_tied_head(gemma_model: str, bench: Bench) -> None:
    model = facts_of(Path(gemma_model))
    offers = tuple(offer_at(endpoint, index, 700_000_000 + index) for index, endpoint in enumerate(bench.endpoints[:3]))
    plan = split_layers(PlanRequest(model=model, offers=offers, policy=Policy.MEMORY, shape=RunShape(context_tokens=2048)))
    assert isinstance(plan, Plan)
    check(plan, load(plan, bench))


def test_the_plans_are_not_all_alike(models: dict[str, ModelFacts]) -> None:
    endpoints = tuple(f"127.0.0.1:{port}" for port in range(1, N_SERVERS + 1))
    plans = [
        random_plan(models[name], endpoints, random.Random(f"{name} {seed}"))
        for name in MODELS
        for seed in range(PLANS_PER_MODEL)
    ]
    assert len(plans) >= 50
    assert len({(plan.model.name, plan.tensor_split) for plan in plans}) > 25
    assert {len(plan.used_workers) for plan in plans} == set(range(1, N_SERVERS + 1))
    assert {plan.policy for plan in plans} == set(Policy)


def check(plan: Plan, actual: Actual) -> None:
    n_layers = plan.model.n_layers
    planned = {layer: plan.worker_of_layer(layer) for layer in range(n_layers + 1)}
    assert actual.layers == planned, actual.lines[-20:]
    assert actual.pipelined == (len(plan.used_workers) > 1)
    for worker in plan.used_workers:
        check_memory(worker, actual)


def check_memory(worker: PlannedWorker, actual: Actual) -> None:
    endpoint = worker.offer.endpoint
    weights, kv, compute = (actual.buffers.get((endpoint, kind), 0) for kind in BufferKind)
    assert weights == pytest.approx(worker.weights_bytes, abs=REPORTED_TO)
    assert kv == pytest.approx(worker.kv_bytes, abs=2 * REPORTED_TO)
    assert compute <= worker.compute_bytes
    assert weights + kv + compute <= worker.offer.safe_bytes


def random_plan(model: ModelFacts, endpoints: tuple[str, ...], dice: random.Random) -> Plan:
    """A plan on one to five workers with random memory and speeds; refused requests are thrown again."""
    while True:
        chosen = dice.sample(endpoints, dice.randint(1, len(endpoints)))
        room = 2.5 * (model.total_bytes / len(chosen) + model.head_bytes) + 30 * MIB
        offers = tuple(
            offer_at(endpoint, endpoints.index(endpoint), int(room * dice.uniform(0.3, 1.0)), dice.uniform(1.0, 50.0))
            for endpoint in chosen
        )
        request = PlanRequest(
            model=model,
            offers=offers,
            policy=dice.choice(list(Policy)),
            shape=RunShape(
                context_tokens=dice.choice((512, 1000, 2048)),
                slots=dice.choice((1, 1, 2)),
                ubatch_tokens=dice.choice((64, 128)),
                batch_tokens=512,
                cache_type_k=(cache := dice.choice(("f16", "f16", "q8_0"))),
                cache_type_v=cache,
            ),
        )
        result = split_layers(request)
        if isinstance(result, Plan):
            return result


def offer_at(endpoint: str, index: int, safe_bytes: int, gb_per_s: float | None = None) -> WorkerOffer:
    return WorkerOffer(
        id=WorkerId(f"node-{index}/cpu"),
        machine_id=MachineId(f"node-{index}"),
        machine_name=f"node-{index}",
        kind=DeviceKind.CPU,
        device_name="cpu",
        runtime_name="CPU",
        description="CPU",
        total_bytes=safe_bytes * 5 // 4,
        used_by_others_bytes=0,
        safe_bytes=safe_bytes,
        endpoint=endpoint,
        threads=1,
        speed=None if gb_per_s is None else Speed(read_bytes_per_second=gb_per_s * 1e9, overhead_seconds=1e-5),
    )


def load(plan: Plan, bench: Bench) -> Actual:
    """Run the real llama-server until its buffers stand, then end it."""
    assert bench.runtime.llama_server is not None
    command = coordinator_argv(
        plan, servers_of(plan), program=bench.runtime.llama_server, options=bench.options, api_port=_free_port()
    )
    workers = dict(command.devices)
    actual = Actual()
    process = subprocess.Popen(
        command.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        log = ServerLog()
        for line in process.stdout:
            actual.lines.append(line)
            for event in log.feed(line):
                _note(event, actual, workers)
            if "sched copies" in line:
                break
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE_SECONDS)
    return actual


def _note(event: object, actual: Actual, workers: dict[str, WorkerId]) -> None:
    if isinstance(event, LayerAssigned):
        actual.layers[event.layer] = workers.get(event.device, event.device)
    elif isinstance(event, PipelineDecided):
        actual.pipelined = event.enabled
    elif isinstance(event, BufferAllocated):
        owner = buffer_owner(event.buffer_name)
        key = (owner[0] if owner else "coordinator", event.kind)
        actual.buffers[key] = actual.buffers.get(key, 0) + event.bytes


def _help_of(program: str) -> str:
    result = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False)
    return result.stdout + result.stderr


@contextmanager
def _rpc_servers(runtime: Runtime, dialect: Dialect) -> Iterator[tuple[str, ...]]:
    """``restore_signals=False`` keeps SIGPIPE ignored: a coordinator that is killed must not take its workers along."""
    endpoints = tuple(f"127.0.0.1:{_free_port()}" for _ in range(N_SERVERS))
    processes = []
    try:
        for index, endpoint in enumerate(endpoints):
            spec = RpcServerSpec(
                machine_id=MachineId(f"node-{index}"),
                machine_name=f"node-{index}",
                endpoint=endpoint,
                worker_ids=(WorkerId(f"node-{index}/cpu"),),
                runtime_names=("CPU",),
                threads=1,
                memory_limit_bytes=(),
            )
            argv = rpc_server_argv(spec, runtime.rpc_server, dialect, cache=False)
            processes.append(
                subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    restore_signals=False,
                )
            )
        for endpoint in endpoints:
            _wait_for(endpoint)
        yield endpoints
    finally:
        for process in processes:
            process.kill()
            process.wait(timeout=DEADLINE_SECONDS)


def _wait_for(endpoint: str) -> None:
    host, _, port = endpoint.rpartition(":")
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, f"no rpc-server on {endpoint}"
            time.sleep(0.02)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
