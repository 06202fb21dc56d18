"""Uneven workers on one machine: rpc-servers of one thread each, some with a quota of processor time, some behind a relay.

Every worker is its own control group (needs root and Linux) and its own "machine" to the planner. A quota of 0.25 makes a
worker four times slower at everything; a relay adds its delay each way. Rejected: ``nice`` (relative to what else runs) and
``tc netem`` (not in the kernel of many test machines).
"""

from __future__ import annotations

import contextlib
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
from tests.lab import cpu_quota
from tests.lab.delay_relay import DelayRelay

START_SECONDS = 10.0
LOOPBACK = "127.0.0.1"
GB = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class BedWorker:
    """How one worker is."""

    quota: float = 1.0
    """Of one processor."""
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
            description=f"one thread at {self.how.quota:.0%}, {self.how.delay_ms:g} ms away",
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
    argv = [str(rpc_server), "-H", LOOPBACK, "-p", str(port), "-d", "CPU", "-t", "1", "-c"]
    environment = {"LLAMA_CACHE": str(cache), "PATH": "/usr/bin:/bin", "HOME": str(cache)}
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    group = f"crossply-bed-{process.pid}"
    try:
        wait_until_listening(port, process)
        cpu_quota.limit(group, [process.pid], None if how.quota >= 1 else how.quota)
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
        for folder in (Path("/sys/fs/cgroup/cpu") / group, Path("/sys/fs/cgroup") / group):
            with contextlib.suppress(OSError):
                folder.rmdir()


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
