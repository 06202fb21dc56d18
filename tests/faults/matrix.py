"""The fault matrix: ``python -m tests.faults.matrix [--trials 5] [--others 1] [--write docs/fault_matrix.md]``.

Every cause in every phase of the table in ``what_breaks``: ``--trials`` for each cell of the kill -9 causes (5: 100 trials in
all), ``--others`` for each other cell. As root for the beds of several machines; without it those are left out and the page
says so. Order and moments come from ``--seed``. Exit status 1 when a trial was not as promised.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from engine.runtimes.runtime_finder import LocalRuntimeFinder
from engine.settings.folders import find_folders
from engine.vocabulary.runtime import Runtime
from tests.faults.beds.bed import Bed
from tests.faults.beds.one_machine import OneMachine
from tests.faults.beds.three_hosts import ThreeHosts
from tests.faults.breaking.what_breaks import TABLE, BedKind, Cause, Phase
from tests.faults.judging.judge import Trial
from tests.faults.judging.page import About, fault_matrix_page, summary
from tests.faults.trial import Conditions, load_without_fault, run_trial
from tests.lab.lab import Lab, why_not

ROOT = Path(__file__).parents[2]
N_HOSTS = 3


@dataclass(frozen=True)
class Cell:
    """One cause in one phase."""

    cause: Cause
    phase: Phase


class Beds:
    """Makes beds when they are first asked for."""

    def __init__(self, folder: Path, runtime: Runtime, stack: ExitStack) -> None:
        self._folder = folder
        self._runtime = runtime
        self._stack = stack
        self._lab: Lab | None = None

    def bed(self, kind: BedKind) -> Bed:
        """A new one."""
        folder = self._folder / kind.name.lower()
        folder.mkdir()
        if kind is BedKind.ONE_MACHINE:
            return OneMachine(folder, self._runtime)
        if self._lab is None:
            self._lab = self._stack.enter_context(Lab(N_HOSTS))
        return ThreeHosts(self._lab, folder, self._runtime, only_victim=kind is BedKind.ONLY_HOST)


def cells(words: str = "") -> list[Cell]:
    """All of the table, or those whose cause, phase or bed has all the words."""
    every = [Cell(cause, phase) for cause in TABLE for phase in cause.phases]
    return [cell for cell in every if all(word in _name(cell) for word in words.split())]


def _name(cell: Cell) -> str:
    return f"{cell.cause.name} {cell.phase.value} {cell.cause.bed.value}"


def run_cells(
    beds: Beds,
    chosen: Sequence[tuple[Cell, int]],
    seed: int,
    done: Callable[[Trial], None],
    loads: list[tuple[str, float]],
) -> None:
    """Every cell as often as it says. ``loads`` takes up the seconds of a load of each bed."""
    number = 0
    draw = random.Random(seed)
    for kind in BedKind:
        todo = [cell for cell, times in chosen for _ in range(times) if cell.cause.bed is kind]
        if not todo:
            continue
        draw.shuffle(todo)
        bed = beds.bed(kind)
        load = load_without_fault(bed, number)
        loads.append((kind.value, load))
        number += 2
        for cell in todo:
            done(run_trial(bed, cell.cause, cell.phase, draw, Conditions(number=number, load_seconds=load)))
            number += 1


def find_runtime() -> Runtime:
    """The best of this machine."""
    usable = [found for found in LocalRuntimeFinder(find_folders()).find(None) if found.why_unusable is None]
    if not usable:
        sys.exit("There are no usable llama.cpp programs on this machine; `make test` builds them once.")
    return usable[0]


@contextmanager
def new_beds(runtime: Runtime) -> Iterator[Beds]:
    """In a temporary folder. Whoever ends us by SIGTERM or Ctrl-C, also in the background of a shell that ignores that, finds
    no Crossply, no user and no lab of ours afterwards."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with tempfile.TemporaryDirectory(prefix="crossply-faults-") as folder, ExitStack() as stack:
            yield Beds(Path(folder), runtime, stack)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def about_this_machine(runtime: Runtime) -> tuple[str, str]:
    """Machine and versions, in words."""
    cores, memory = os.cpu_count(), psutil.virtual_memory().total / 1e9
    busy = f"{os.getloadavg()[0]:.1f} programs wanted to run in the minute before the end" if hasattr(os, "getloadavg") else ""
    system = f"{platform.system()} {platform.release()} on {_processor()}, {cores} cores, {memory:.0f} GB; {busy}"
    commit = _said("git", "rev-parse", "--short", "HEAD")
    ssh = _said("ssh", "-V").split(",")[0]
    return system, f"Crossply at commit {commit}, llama.cpp {runtime.label}, Python {platform.python_version()}, {ssh}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _said(*argv: str) -> str:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip()


def main(arguments: list[str] | None = None) -> int:
    """Run, report line by line, write the page."""
    given = _parser().parse_args(arguments)
    runtime = find_runtime()
    why_no_lab = why_not()
    found = [cell for cell in cells(given.only) if why_no_lab is None or cell.cause.bed is BedKind.ONE_MACHINE]
    chosen = [(cell, given.trials if cell.cause.is_kill else given.others) for cell in found]
    print(f"{sum(times for _, times in chosen)} trials, seed {given.seed}", flush=True)
    trials: list[Trial] = []

    def done(trial: Trial) -> None:
        trials.append(trial)
        print(line_of(trial), flush=True)
        if given.results:
            given.results.write_bytes(msgspec.json.encode(trials))

    began = time.monotonic()
    left_out = [] if why_no_lab is None else [f"the beds of several machines: {why_no_lab}."]
    loads: list[tuple[str, float]] = []
    try:
        with new_beds(runtime) as beds:
            run_cells(beds, chosen, given.seed, done, loads)
    except KeyboardInterrupt:
        left_out.append(f"{sum(times for _, times in chosen) - len(trials)} trials: it was interrupted.")
    print(f"{summary(trials)}.")
    if given.write:
        machine, versions = about_this_machine(runtime)
        about = About(
            date=datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%d"),
            machine=machine,
            versions=versions,
            model="a synthetic llama of 12 equal layers, 42 MB, Q8_0 (written by `tests/faults/beds/bed.py`)",
            command=_command(given),
            minutes=(time.monotonic() - began) / 60,
            loads=tuple(loads),
            left_out=tuple(left_out),
        )
        given.write.parent.mkdir(parents=True, exist_ok=True)
        given.write.write_text(fault_matrix_page(trials, about), encoding="utf-8")
    return 1 if any(trial.misses for trial in trials) else 0


def _command(given: argparse.Namespace) -> str:
    only = f' --only "{given.only}"' if given.only else ""
    return f"python -m tests.faults.matrix --trials {given.trials} --others {given.others} --seed {given.seed}{only}"


def line_of(trial: Trial) -> str:
    """One trial in a line."""
    times = ", ".join(
        f"{what} {seconds:.2f} s"
        for what, seconds in (
            ("told", trial.seen.detected_seconds),
            ("served", trial.seen.served_seconds),
            ("ended", trial.seen.ended_seconds),
        )
        if seconds is not None
    )
    misses = f" | NOT AS PROMISED: {'; '.join(trial.misses)}" if trial.misses else ""
    return (
        f"{trial.cause}, {trial.phase.value}, {trial.bed}: {trial.outcome.value} ({times}; {trial.seen.seconds:.0f} s){misses}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.matrix", description="Break things and look what happens.")
    parser.add_argument("--trials", type=int, default=5, help="for each cell of the kill -9 causes (5: 100 trials)")
    parser.add_argument("--others", type=int, default=1, help="for each other cell")
    parser.add_argument("--only", default="", metavar="WORDS", help="cells whose name has all of these words")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, metavar="FILE", help="the page")
    parser.add_argument("--results", type=Path, metavar="FILE", help="every trial as JSON, as soon as it is done")
    return parser


if __name__ == "__main__":
    sys.exit(main())
