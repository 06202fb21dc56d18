"""``kill -9`` of Crossply at random moments, and what is left of it: ``python -m tests.faults.orphans [--moments 200]``.

Four ways in turn: the window and ``crossplyctl up`` on one machine, and as root ``up`` over three machines that have
llama.cpp, and over three of which one has not. The moment is drawn from the time between the start of the process and a
second after it serves; ``--seed`` draws the same ones again.

``LEFT_SECONDS`` later nothing may be left of it on any machine: no process (rpc-server, llama-server, tunnel, ssh, relay, the
leash itself), no listener (which a process would hold), no lock file held, no lock folder, no temporary file. What a run that
was ended well leaves (settings, history, weight caches, the free ``run.lock``) is no leftover. Neither is ``run.json``: the
lock beside it is free, which proves it stale, and the start after it must not be confused by it. Neither is what has arrived
of a copy of llama.cpp, which goes on from there, nor the mark in a worker's cache that says a load did not come to its end: it
is what makes the next one right. Exit status 1 when anything was left.
"""

from __future__ import annotations

import argparse
import collections
import random
import re
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from engine.run_files.run_file import RUN_FILE
from engine.runtimes.worker_cache import LOADING
from tests.faults.beds.bed import Bed
from tests.faults.beds.one_machine import OneMachine
from tests.faults.beds.running_app import RunningApp
from tests.faults.beds.three_hosts import ThreeHosts
from tests.faults.breaking.what_breaks import BedKind
from tests.faults.matrix import Beds, find_runtime, new_beds
from tests.lab.lab import why_not

LEFT_SECONDS = 5.0
AFTER_SERVING_SECONDS = 1.0
_POLL_SECONDS = 0.05
_ORDINARY = re.compile(
    rf"/({re.escape(RUN_FILE)}|{re.escape(LOADING)}|history\.sqlite(-wal|-shm|-journal)?|copied-by-crossply\.json|__pycache__.*)$|/share/crossply$"
)
"""What every run makes and keeps: its own data folder among it, and in it the note of a copy of llama.cpp that is whole."""
_CUT_COPY = re.compile(r"/runtimes/\.incoming-(?!.*\.lock)")
"""What has arrived of a copy is kept on purpose: it goes on from there."""


@dataclass(frozen=True)
class Way:
    """One way of starting it."""

    name: str
    bed: Bed
    start: Callable[[int], AbstractContextManager[RunningApp]]
    serves_after_seconds: float
    """From the start of the process."""
    ordinary: frozenset[str]
    """Files that are there after a run that was ended well."""


@dataclass(frozen=True)
class Kill:
    """What was left of one."""

    way: str
    at_seconds: float
    phase: str
    left: tuple[str, ...]
    clean_after_seconds: float | None
    """``None`` = it was not, within ``LEFT_SECONDS``."""


def ways(beds: Beds, *, with_lab: bool) -> list[Way]:
    """Each is started and ended well once."""
    here = beds.bed(BedKind.ONE_MACHINE)
    assert isinstance(here, OneMachine)
    found = [measured("window", here, here.start_window), measured("crossplyctl up", here, here.start)]
    if with_lab:
        lab = beds.bed(BedKind.THREE_HOSTS)
        assert isinstance(lab, ThreeHosts)
        found.append(measured("crossplyctl up, three machines", lab, lab.start))
        found.append(measured("crossplyctl up, copying to one of three machines", lab, lab.start_copying))
    return found


def measured(name: str, bed: Bed, start: Callable[[int], AbstractContextManager[RunningApp]], *, n_runs: int = 2) -> Way:
    """The last of some good runs tells how long it takes; the first one makes caches."""
    seconds = 0.0
    for number in range(n_runs):
        began = time.monotonic()
        with start(number) as app:
            app.wait_until_serving(measured=False)
            seconds = time.monotonic() - began
            app.end()
    return Way(name, bed, start, seconds, frozenset(bed.files()))


def kill_at(way: Way, number: int, seconds: float) -> Kill:
    """Start it, kill it after so many seconds, look until nothing is left."""
    with way.start(number) as app:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            app.look()
            time.sleep(0.005)
        phase = app.phases[-1][1] if app.phases else "starting"
        app.process.send_signal(signal.SIGKILL)
        app.process.wait(10)
    killed = time.monotonic()
    while left := what_is_left(way):
        if time.monotonic() - killed > LEFT_SECONDS:
            return Kill(way.name, seconds, phase, tuple(left), None)
        time.sleep(_POLL_SECONDS)
    return Kill(way.name, seconds, phase, (), time.monotonic() - killed)


def what_is_left(way: Way) -> list[str]:
    """Processes first: while one runs, the rest is not asked for."""
    if processes := way.bed.left():
        return [f"process {what}" for what in processes]
    new = sorted(path for path in way.bed.files() - way.ordinary if not _ORDINARY.search(path) and not _CUT_COPY.search(path))
    return [f"lock held: {path}" for path in way.bed.held_locks()] + [f"file {path}" for path in new]


def starts_again(way: Way, number: int) -> list[str]:
    """A whole run on top of all that; returns what is left after it was ended well."""
    with way.start(number) as app:
        app.wait_until_serving(measured=False)
        app.end()
    return what_is_left(way)


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each, then the verdict."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.orphans", description="kill -9 at random moments.")
    parser.add_argument("--moments", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--here", action="store_true", help="on one machine only")
    given = parser.parse_args(arguments)
    draw = random.Random(given.seed)
    began = time.monotonic()
    with new_beds(find_runtime()) as beds:
        tried = ways(beds, with_lab=not given.here and why_not() is None)
        print(
            f"seed {given.seed}; " + "; ".join(f"{way.name} serves after {way.serves_after_seconds:.1f} s" for way in tried),
            flush=True,
        )
        kills = []
        for number in range(given.moments):
            way = tried[number % len(tried)]
            kill = kill_at(way, number + 10, draw.uniform(0.0, way.serves_after_seconds + AFTER_SERVING_SECONDS))
            kills.append(kill)
            print(line_of(kill), flush=True)
        after = {way.name: starts_again(way, given.moments + 20) for way in tried}
    print(verdict(kills, after, (time.monotonic() - began) / 60))
    return 1 if any(kill.left for kill in kills) or any(after.values()) else 0


def line_of(kill: Kill) -> str:
    """One kill."""
    clean = "" if kill.clean_after_seconds is None else f", nothing left after {kill.clean_after_seconds:.1f} s"
    left = f": LEFT {'; '.join(kill.left)}" if kill.left else ""
    return f"{kill.way}, killed after {kill.at_seconds:.2f} s ({kill.phase}){clean}{left}"


def verdict(kills: list[Kill], after: dict[str, list[str]], minutes: float) -> str:
    """All of them."""
    clean = [kill.clean_after_seconds for kill in kills if kill.clean_after_seconds is not None]
    phases = collections.Counter(kill.phase for kill in kills)
    text = (
        f"{len(clean)} of {len(kills)} kills left nothing after {LEFT_SECONDS:g} s"
        f" (slowest {max(clean, default=0.0):.1f} s) in {minutes:.0f} minutes; phases: "
        + ", ".join(f"{phase} {count}" for phase, count in phases.most_common())
    )
    for way, left in after.items():
        text += f"\nafterwards {way} served again" + (f", and then there was still: {'; '.join(left)}" if left else "")
    return text


if __name__ == "__main__":
    sys.exit(main())
