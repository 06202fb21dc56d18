"""Talking to llama-server: the same cases on the fake and on the real program, which runs on two real rpc-servers."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.llama_cpp import command_lines as lines
from engine.llama_cpp import server_log as log
from engine.llama_cpp.dialects import dialect_of
from engine.machines.asking.rpc_asker import SocketRpcAsker
from engine.ports import CoordinatorClient
from engine.runtimes.coordinator_http import HttpCoordinator
from engine.vocabulary.plan import RunShape
from engine.vocabulary.runtime import Runtime
from tests.fakes.llama_cpp.fake_llama_server import fake_llama_server
from tests.fakes.llama_cpp.gguf_writer import write_llama
from tests.fakes.states.cluster_plans import plan_of, server_of

COUNTS = {"this/cpu:1": 5, "this/cpu:0": 8}  # 12 layers and the output layer, against the order of the ports
SHAPE = RunShape(context_tokens=1024, batch_tokens=256, ubatch_tokens=64)


class RealCluster:
    """Two one-thread rpc-servers and a llama-server, started with the command lines under test."""

    def __init__(self, runtime: Runtime, folder: Path, processes: contextlib.ExitStack) -> None:
        assert runtime.llama_server is not None
        model = write_llama(folder / "m.gguf", n_layers=12)
        endpoints = [f"127.0.0.1:{_free_port()}" for _ in range(2)]
        self.servers = [server_of(endpoint, {f"this/cpu:{n}": "CPU"}, threads=1) for n, endpoint in enumerate(endpoints)]
        self.plan = plan_of(COUNTS, path=str(model), shape=SHAPE)
        self.runtime = runtime
        dialect = dialect_of(_help_of(runtime.rpc_server))
        for server in self.servers:
            argv = lines.rpc_server_argv(server, runtime.rpc_server, dialect)
            processes.enter_context(_started(argv, folder / f"worker-{server.port}.log", LLAMA_CACHE=str(folder)))
        _wait(lambda: all(SocketRpcAsker().ask(server.host, server.port).state == "idle" for server in self.servers))
        self.port = _free_port()
        self.command = lines.coordinator_argv(
            self.plan,
            self.servers,
            program=runtime.llama_server,
            options=lines.server_options_of(_help_of(runtime.llama_server)),
            api_port=self.port,
        )
        self.log = folder / "llama-server.log"
        self.process = processes.enter_context(_started(self.command.argv, self.log, LLAMA_SERVER_ROUTER_PORT="0"))

    def events(self) -> list[log.LogEvent]:
        """What it has said so far."""
        parser = log.ServerLog()
        return [event for line in self.log.read_text(errors="replace").splitlines() for event in parser.feed(line)]


@contextlib.contextmanager
def _started(argv: tuple[str, ...], output: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """stdin is held open, as llama-server wants it when it reports its progress."""
    with output.open("wb") as file:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            restore_signals=False,
            env={**os.environ, **environment},
        )
        with process:
            try:
                yield process
            finally:
                process.kill()


def _help_of(program: str) -> str:
    done = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout + done.stderr


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait(condition: object, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    assert callable(condition)
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


@pytest.fixture
def cluster(runtime: Runtime, tmp_path: Path) -> Iterator[RealCluster]:
    with contextlib.ExitStack() as processes:
        cluster = RealCluster(runtime, tmp_path, processes)
        client = HttpCoordinator("127.0.0.1", cluster.port)
        _wait(lambda: client.is_ready() or cluster.process.poll() is not None)
        assert cluster.process.poll() is None, cluster.log.read_text()[-3000:]
        yield cluster


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real)])
def client(request: pytest.FixtureRequest) -> Iterator[CoordinatorClient]:
    """A llama-server that is ready."""
    if request.param == "real":
        yield HttpCoordinator("127.0.0.1", request.getfixturevalue("cluster").port)
        return
    with fake_llama_server() as fake:
        yield HttpCoordinator("127.0.0.1", fake.port)


def test_at_temperature_0_the_answer_is_the_same_every_time(client: CoordinatorClient) -> None:
    answers = {
        "".join(piece.text for piece in client.ask("The capital of France is", max_tokens=8, chat=False, temperature=0.0))
        for _ in range(3)
    }
    assert len(answers) == 1


def test_it_answers_counts_and_measures(client: CoordinatorClient) -> None:
    assert client.is_ready()
    before = client.counters()
    for chat in (False, True):
        pieces = list(client.ask("The capital of France is", max_tokens=8, chat=chat))
        assert "".join(piece.text for piece in pieces)
        assert [piece.timings is not None for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        timings = pieces[-1].timings
        assert timings is not None
        assert timings.prompt_tokens > 1
        assert 1 <= timings.decoded_tokens <= 8
        assert timings.prompt_seconds > 0
    after = client.counters()
    assert after.decoded_tokens > before.decoded_tokens
    assert after.prompt_seconds > before.prompt_seconds
    assert after.requests_processing == 0
    measured = client.measure(prompt_tokens=100, decode_tokens=12)
    assert (measured.prompt_tokens, measured.decoded_tokens) == (100, 12)


@pytest.mark.real
def test_a_real_run_goes_as_the_command_line_says(cluster: RealCluster) -> None:
    """Every layer where the plan says, progress to the end, and an answer that is closed early is given up."""
    events = cluster.events()
    devices = dict(cluster.command.devices)
    placed = {event.layer: devices[event.device] for event in events if isinstance(event, log.LayerAssigned)}
    assert placed == {layer: cluster.plan.worker_of_layer(layer) for layer in range(13)}
    fractions = [event.fraction for event in events if isinstance(event, log.LoadProgressed)]
    assert fractions[-1] == 1
    assert log.PipelineDecided(enabled=True) in events
    owners = {log.buffer_owner(event.buffer_name) for event in events if isinstance(event, log.BufferAllocated)}
    assert {(server.endpoint, 0) for server in cluster.servers} < owners
    client = HttpCoordinator("127.0.0.1", cluster.port)
    answer = client.ask("Tell me all", max_tokens=900, chat=False)
    next(answer)
    assert client.counters().requests_processing == 1
    answer.close()  # type: ignore[attr-defined]
    _wait(lambda: client.counters().requests_processing == 0, 20)
    assert [SocketRpcAsker().ask(server.host, server.port, timeout_seconds=0.2).state for server in cluster.servers] == [
        "busy"
    ] * 2


@pytest.mark.real
def test_the_real_llama_bench_takes_its_command_line(runtime: Runtime, tmp_path: Path) -> None:
    import json

    assert runtime.llama_bench is not None
    with contextlib.ExitStack() as processes:
        cluster = RealCluster(runtime, tmp_path, processes)
        cluster.process.kill()
        cluster.process.wait()
        _wait(lambda: all(SocketRpcAsker().ask(one.host, one.port).state == "idle" for one in cluster.servers))
        command = lines.llama_bench_argv(
            cluster.plan,
            cluster.servers,
            program=runtime.llama_bench,
            options=lines.server_options_of(_help_of(runtime.llama_bench)),
            prompt_tokens=32,
            decode_tokens=4,
            repetitions=1,
        )
        done = subprocess.run(command.argv, capture_output=True, text=True, timeout=120, check=True)
    results = json.loads(done.stdout)
    assert [(result["n_prompt"], result["n_gen"]) for result in results] == [(32, 0), (0, 4)]
    assert {result["tensor_split"] for result in results} == {"5.00/8.00"}
