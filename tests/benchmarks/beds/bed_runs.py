"""Over a bed: calibrate its workers, launch llama-server with a plan or with llama.cpp's own split, measure requests."""

from __future__ import annotations

import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.llama_cpp.command_lines import coordinator_argv, server_options_of
from engine.runtimes.coordinator_http import HttpCoordinator
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import Plan, RunShape
from engine.vocabulary.running.throughput import RequestTimings
from tests.benchmarks.beds.bed_workers import LOOPBACK, RunningWorker, free_port

LOAD_SECONDS = 180.0
SHAPE = RunShape(context_tokens=2048, ubatch_tokens=256)


@dataclass(frozen=True, kw_only=True)
class Programs:
    """Of the runtime, and the options that they list."""

    llama_server: str
    llama_bench: str
    server_options: frozenset[str]
    bench_options: frozenset[str]


def programs_in(folder: Path) -> Programs:
    """Asks each for its help."""
    server, bench = str(folder / "llama-server"), str(folder / "llama-bench")
    return Programs(llama_server=server, llama_bench=bench, server_options=_options(server), bench_options=_options(bench))


def _options(program: str) -> frozenset[str]:
    done = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=30, check=False)
    return server_options_of(done.stdout + done.stderr)


def planned_argv(programs: Programs, plan: Plan, workers: Sequence[RunningWorker]) -> list[str]:
    """The application's own command line for a plan."""
    servers = [worker.server() for worker in workers]
    port = free_port()
    return list(
        coordinator_argv(plan, servers, program=programs.llama_server, options=programs.server_options, api_port=port).argv
    )


def default_argv(programs: Programs, model: ModelFacts, workers: Sequence[RunningWorker]) -> list[str]:
    """What a person types: all workers in the order listed, llama.cpp's split; else the same options as a plan's."""
    endpoints = ",".join(worker.endpoint for worker in workers)
    line = [programs.llama_server, "-m", str(model.path), "--rpc", endpoints, "-ngl", "999"]
    line += ["-c", str(SHAPE.context_tokens), "-np", "1", "-b", str(SHAPE.batch_tokens), "-ub", str(SHAPE.ubatch_tokens)]
    return [*line, "--cache-ram", "0", "--metrics", "-fit", "off", "--host", LOOPBACK, "--port", str(free_port())]


@contextmanager
def serving(argv: Sequence[str]) -> Iterator[HttpCoordinator]:
    """A llama-server that is ready; ended at the end. Raises ``TimeoutError`` with its last words."""
    port = int(argv[argv.index("--port") + 1])
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(list(argv), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + LOAD_SECONDS
            while not _is_healthy(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise TimeoutError(log.read()[-1500:].decode("utf-8", "replace"))
                time.sleep(0.05)
            yield HttpCoordinator(LOOPBACK, port)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def measured(argv: Sequence[str], n_requests: int, *, prompt_tokens: int, decode_tokens: int) -> list[RequestTimings]:
    """Launch, warm up with one request, measure ``n_requests``, end."""
    with serving(argv) as client:
        client.measure(prompt_tokens=32, decode_tokens=8)
        return [client.measure(prompt_tokens=prompt_tokens, decode_tokens=decode_tokens) for _ in range(n_requests)]
