"""Uneven workers on one machine: rpc-servers of one thread each, some as old processors would run them, some behind a relay.

Every worker is its own "machine" to the planner. A slow one has only the library of llama.cpp for an old processor: without
AVX (``x64``) it decodes 3 to 6 times slower and prefills 10 to 30 times slower, with the first AVX (``sandybridge``) 1.3 and
2.5 times, measured. A relay adds its delay each way. Rejected: quotas of processor time (a worker that waits for its turn most
of the time never reaches its quota: with half a processor it was as fast as with a whole one, predictions were off by half),
``nice`` (relative to what else runs) and ``tc netem`` (not in the kernel of many test machines).
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.vocabulary.device import DeviceKind
from engine.vocabulary.machine import MachineId
from engine.vocabulary.worker import Layout, Link, RpcServerSpec, Speed, WorkerId, WorkerOffer
from tests.lab.network.delay_relay import DelayRelay

START_SECONDS = 10.0
LOOPBACK = "127.0.0.1"
GB = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class BedWorker:
    """How one worker is."""

    processor: str = ""
    """Whose library of llama.cpp it runs (``x64``); empty = the best for this machine's."""
    delay_ms: float = 0.0
    """Each way."""
    safe_bytes: int = 8 * GB
    """What the planner may use there."""


@dataclass(frozen=True, kw_only=True)
class RunningWorker:
    """One that serves."""

    index: int
    how: BedWorker
    near_endpoint: str
    """Without the relay: where it is calibrated."""
    endpoint: str

    @property
    def id(self) -> WorkerId:
        """``bed0/cpu``."""
        return WorkerId(f"bed{self.index}/cpu")

    def offer(self, speed: Speed | None) -> WorkerOffer:
        """What the planner is told. The relay's delay is the link's round trip; loopback has no link."""
        link = Link(rtt_seconds=2 * self.how.delay_ms / 1000, bytes_per_second=1e9) if self.how.delay_ms else None
        return WorkerOffer(
            id=self.id,
            machine_id=MachineId(f"bed{self.index}"),
            machine_name=f"bed{self.index}",
            kind=DeviceKind.CPU,
            device_name="cpu",
            runtime_name="CPU",
            description=f"one thread, {self.how.processor or 'whole'}, {self.how.delay_ms:g} ms away",
            total_bytes=self.how.safe_bytes,
            used_by_others_bytes=0,
            safe_bytes=self.how.safe_bytes,
            endpoint=self.endpoint,
            threads=1,
            speed=speed,
            link=link,
        )

    def server(self, *, near: bool = False) -> RpcServerSpec:
        """As the command lines want it."""
        return RpcServerSpec(
            machine_id=MachineId(f"bed{self.index}"),
            machine_name=f"bed{self.index}",
            endpoint=self.near_endpoint if near else self.endpoint,
            worker_ids=(self.id,),
            runtime_names=("CPU",),
            threads=1,
            memory_limit_bytes=(self.how.safe_bytes,),
        )


LAYOUT = Layout.PER_DEVICE


@contextmanager
def running_workers(rpc_server: Path, bed: Sequence[BedWorker], cache: Path) -> Iterator[tuple[RunningWorker, ...]]:
    """Started, slowed and moved away; ended at the end."""
    with ExitStack() as stack:
        yield tuple(stack.enter_context(_running(rpc_server, index, how, cache)) for index, how in enumerate(bed))


@contextmanager
def _running(rpc_server: Path, index: int, how: BedWorker, cache: Path) -> Iterator[RunningWorker]:
    port = free_port()
    program = _only_for(how.processor, rpc_server, cache) if how.processor else rpc_server
    argv = [str(program), "-H", LOOPBACK, "-p", str(port), "-d", "CPU", "-t", "1", "-c"]
    environment = {"LLAMA_CACHE": str(cache), "PATH": "/usr/bin:/bin", "HOME": str(cache)}
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        wait_until_listening(port, process)
        near = f"{LOOPBACK}:{port}"
        if not how.delay_ms:
            yield RunningWorker(index=index, how=how, near_endpoint=near, endpoint=near)
            return
        with DelayRelay(to=(LOOPBACK, port), delay_ms=how.delay_ms) as relay:
            yield RunningWorker(index=index, how=how, near_endpoint=near, endpoint=f"{relay.address}:{relay.port}")
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def _only_for(processor: str, rpc_server: Path, cache: Path) -> Path:
    """The program in a folder where llama.cpp finds the library of no other processor."""
    folder = cache / f"only-{processor}"
    if not folder.exists():
        folder.mkdir()
        for file in rpc_server.parent.glob("*.so*"):
            if not file.name.startswith("libggml-cpu-") or file.name == f"libggml-cpu-{processor}.so":
                (folder / file.name).symlink_to(file)
        shutil.copy2(rpc_server, folder)  # a link would be followed, and the libraries beside the original found
    return folder / rpc_server.name


def free_port() -> int:
    """Of the loopback, free a moment ago."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


def wait_until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    """Raises ``TimeoutError`` when it does not, or has ended."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 0.5):
            return
        time.sleep(0.05)
    raise TimeoutError(f"rpc-server on port {port} does not listen (exit status {process.poll()})")
