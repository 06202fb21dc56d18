"""How each thing is broken, for real. A function takes the bed, breaks one thing, and says of what people must be told."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import psutil

from engine.machines.limits.cgroup_limits import find_cgroup_folder
from tests.faults.beds.bed import Bed, Worker, coordinator_of
from tests.faults.beds.running_app import NotReached
from tests.faults.beds.three_hosts import ThreeHosts

_GONE_SECONDS = 10.0
_POLL_SECONDS = 0.002
REBOOT_SECONDS = 5.0
SSHD_BACK_SECONDS = 1.0


@dataclass(frozen=True)
class Later:
    """What happens by itself some time after the fault."""

    after_seconds: float
    do: Callable[[], None]


@dataclass(frozen=True)
class Broken:
    """What was done."""

    at_seconds: float
    """Of the monotonic clock."""
    place: str
    """A regular expression: one of the ways in which the place may be named."""
    later: Later | None = None


def kill_worker(bed: Bed, draw: random.Random, undo: ExitStack) -> Broken:
    """``kill -9`` of one rpc-server."""
    worker = _any_worker(bed, draw)
    return _signalled(worker.pid, signal.SIGKILL, _place_of(bed, worker))


def stop_worker(bed: Bed, draw: random.Random, undo: ExitStack) -> Broken:
    """``kill -STOP``: it is there and does nothing any more."""
    worker = _any_worker(bed, draw)
    undo.callback(_signal, worker.pid, signal.SIGCONT)
    return _signalled(worker.pid, signal.SIGSTOP, _place_of(bed, worker))


def kill_coordinator(bed: Bed, draw: random.Random, undo: ExitStack) -> Broken:
    """``kill -9`` of llama-server."""
    return _signalled(_coordinator(bed).pid, signal.SIGKILL, "llama-server")


def abort_coordinator(bed: Bed, draw: random.Random, undo: ExitStack) -> Broken:
    """SIGABRT, which is how llama-server ends itself when a worker is lost (exit status 134)."""
    return _signalled(_coordinator(bed).pid, signal.SIGABRT, "llama-server")


def kill_worker_and_take_its_port(bed: Bed, draw: random.Random, undo: ExitStack) -> Broken:
    """The worker is killed and a stranger listens on its port before anything can be started there again."""
    worker = _any_worker(bed, draw)
    broken = _signalled(worker.pid, signal.SIGKILL, _place_of(bed, worker))
    stranger = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else the dead one's connections keep us out
    deadline = time.monotonic() + _GONE_SECONDS
    while True:
        try:
            stranger.bind(("127.0.0.1", worker.port))
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)
    stranger.listen()
    undo.callback(stranger.close)
    return broken


def run_out_of_memory(bed: Bed, draw: random.Random, undo: ExitStack) -> Broken:
    """The worker's memory group (Crossply makes it) gets no room beyond what the worker uses now. The moment is that at
    which the kernel kills it, for the next page that it touches."""
    worker = _any_worker(bed, draw)
    place = _place_of(bed, worker)
    found = find_cgroup_folder("memory")
    group = None if found is None else found.folder / f"crossply-{worker.pid}"
    if group is None or not group.is_dir():
        raise NotReached("this machine lets nobody make memory groups, so no worker can be run out of memory here")
    version_1 = group / "memory.limit_in_bytes"
    used = int((group / ("memory.usage_in_bytes" if version_1.exists() else "memory.current")).read_text())
    (version_1 if version_1.exists() else group / "memory.max").write_text(str(used))
    return Broken(_when_gone(worker.pid), place)


def kill_sshd(bed: Bed, draw: random.Random, undo: ExitStack) -> Broken:
    """``kill -9`` of sshd and of all its connections on one machine. A machine starts its sshd again: so does this one,
    after a second."""
    lab = _lab(bed)
    at = time.monotonic()
    lab.victim.kill_sshd()
    return Broken(at, lab.victim.name, Later(SSHD_BACK_SECONDS, lab.victim.start_sshd))


def kill_tunnel(bed: Bed, draw: random.Random, undo: ExitStack) -> Broken:
    """``kill -9`` of the ssh that carries the ports."""
    lab = _lab(bed)
    return _signalled(lab.tunnel().pid, signal.SIGKILL, lab.victim.name)


def pull_the_cable(bed: Bed, draw: random.Random, undo: ExitStack) -> Broken:
    """It runs on, and nothing comes through any more, until the trial is over."""
    lab = _lab(bed)
    undo.callback(lab.victim.cable_in)
    at = time.monotonic()
    lab.victim.cable_out()
    return Broken(at, lab.victim.name)


def reboot(bed: Bed, draw: random.Random, undo: ExitStack) -> Broken:
    """Power off without a word, and on again after some seconds."""
    lab = _lab(bed)
    at = time.monotonic()
    lab.victim.power_off()
    return Broken(at, lab.victim.name, Later(REBOOT_SECONDS, lab.victim.power_on))


def fill_the_disk(bed: Bed, draw: random.Random, undo: ExitStack) -> Broken:
    """Not one more byte fits where the worker's cache is."""
    lab = _lab(bed)
    undo.callback(lab.victim.leave_free, 2000)
    at = time.monotonic()
    lab.victim.leave_free(0)
    return Broken(at, lab.victim.name)


def _any_worker(bed: Bed, draw: random.Random) -> Worker:
    workers = bed.workers()
    if not workers:
        raise NotReached("there is no worker to break")
    return draw.choice(workers)


def _place_of(bed: Bed, worker: Worker) -> str:
    if isinstance(bed, ThreeHosts):
        return bed.victim.name
    number = sorted(other.port for other in bed.workers()).index(worker.port)
    return rf":{worker.port}\b|cpu-{number}\b|CPU {number + 1}\b|worker {number + 1}\b"


def _coordinator(bed: Bed) -> psutil.Process:
    found = coordinator_of(bed.own_processes())
    if found is None:
        raise NotReached("there is no llama-server to break")
    return found


def _signalled(pid: int, number: signal.Signals, place: str) -> Broken:
    at = time.monotonic()
    os.kill(pid, number)
    return Broken(at, place)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _when_gone(pid: int) -> float:
    for _ in _polls():
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return time.monotonic()
    raise NotReached(f"the worker did not touch another page within {_GONE_SECONDS:g} s, so it was not killed")


def _polls() -> Iterator[None]:
    deadline = time.monotonic() + _GONE_SECONDS
    while time.monotonic() < deadline:
        yield
        time.sleep(_POLL_SECONDS)


def _lab(bed: Bed) -> ThreeHosts:
    assert isinstance(bed, ThreeHosts), "this fault needs other machines"
    return bed
