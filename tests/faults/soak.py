"""Prompts all the time, a random fault every 20 s: ``python -m tests.faults.soak [--minutes 60] [--fault-every 20]``.

Two users ask through the one address that they were told, without end and patiently; the faults come from the table in
``what_breaks``. As root over three machines, else on one; with ``--window`` it is the window (offscreen) that is soaked, on
one machine, else ``crossplyctl up``. Every 10 s the application's memory, threads and file descriptors are noted
(``--log FILE``, CSV). At the end: what became of the requests, and whether anything grows. Exit status 1 when a request was
dropped without an answer, when something grows, or when it did not serve any more.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.faults.beds.bed import Bed
from tests.faults.beds.one_machine import OneMachine
from tests.faults.beds.running_app import NotReached, RunningApp
from tests.faults.breaking.what_breaks import TABLE, BedKind, Cause
from tests.faults.clients.client import PROGRAM, Client, asking
from tests.faults.judging.soak_log import Requests, Sample, as_csv, is_good, requests_of, verdict
from tests.faults.matrix import find_runtime, new_beds
from tests.lab.lab import why_not

SAMPLE_EVERY_SECONDS = 10.0
N_USERS = 2
PATIENCE_SECONDS = 120.0
PAUSE_SECONDS = 0.1
UNDONE_AFTER_SECONDS = 12.0
"""A cable comes back after so long."""
NEWEST = 20
"""So many requests of a user are looked at for one that was answered."""
LAST_SECONDS = 60.0
"""At the end it must serve again within this."""


@dataclass(kw_only=True)
class Soaked:
    """What a soak showed."""

    samples: list[Sample] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    requests: Requests = field(default_factory=Requests)
    serves_at_the_end: bool = False
    told: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """As promised."""
        return self.serves_at_the_end and is_good(self.samples, self.requests)


def causes_for(kind: BedKind) -> list[Cause]:
    """Those that can come again and again."""
    names = {"worker killed, its port taken by a stranger", "disk of the worker's cache full", "machine rebooted"}
    wanted = (BedKind.ONE_MACHINE,) if kind is BedKind.ONE_MACHINE else (BedKind.THREE_HOSTS,)
    found = [cause for cause in TABLE if cause.bed in wanted and cause.name not in names]
    if kind is BedKind.THREE_HOSTS:
        found += [cause for cause in TABLE if cause.name.startswith("llama-server")]
    return [cause for cause in found if "memory" not in cause.name]


def soak(
    bed: Bed,
    causes: Sequence[Cause],
    draw: random.Random,
    *,
    seconds: float,
    fault_every_seconds: float,
    start: Callable[[int], AbstractContextManager[RunningApp]] | None = None,
) -> Soaked:
    """Run it; ``start``: another way than the bed's ``start``."""
    soaked = Soaked()
    with (start or bed.start)(0) as app, ExitStack() as stack:
        app.wait_until_serving(measured=False)
        users = [
            stack.enter_context(
                asking(
                    bed.prefix,
                    bed.folder / f"user-{number}",
                    app.url,
                    patience_seconds=PATIENCE_SECONDS,
                    pause_seconds=PAUSE_SECONDS,
                )
            )
            for number in range(N_USERS)
        ]
        began = time.monotonic()
        next_fault = began + fault_every_seconds
        next_sample = began
        undo: ExitStack | None = None
        undo_at = 0.0
        while (now := time.monotonic()) < began + seconds and app.is_alive:
            app.look()
            if now >= next_sample:
                soaked.samples.append(sample_of(bed, now - began))
                next_sample += SAMPLE_EVERY_SECONDS
            if undo is not None and now >= undo_at:
                undo.close()
                undo = None
            if now >= next_fault:
                undo, undo_at = stack.enter_context(ExitStack()), now + UNDONE_AFTER_SECONDS
                _break_one(bed, draw.choice(causes), draw, undo, soaked)
                next_fault += fault_every_seconds
            time.sleep(0.05)
        if undo is not None:
            undo.close()
        soaked.serves_at_the_end = app.is_alive and _serves(app, users)
        soaked.requests = requests_of(line for user in users for line in user.look())
        soaked.told = [told.text for told in app.told]
        if app.is_alive:
            app.end()
    return soaked


def _break_one(bed: Bed, cause: Cause, draw: random.Random, undo: ExitStack, soaked: Soaked) -> None:
    try:
        broken = cause.break_it(bed, draw, undo)
    except (NotReached, StopIteration, psutil.Error):
        soaked.faults["(nothing there to break: it was starting)"] += 1
        return
    soaked.faults[cause.name] += 1
    print(f"fault {sum(soaked.faults.values())}: {cause.name}", flush=True)
    if broken.later is not None:
        time.sleep(broken.later.after_seconds)
        broken.later.do()


def _serves(app: RunningApp, users: Sequence[Client]) -> bool:
    since = time.monotonic()

    def answered(_: RunningApp) -> bool:
        return all(any(_is_good(line, since) for line in user.look()[-NEWEST:]) for user in users)

    try:
        app.wait(answered, LAST_SECONDS, "every user was answered again")
    except NotReached:
        return False
    return True


def _is_good(line: dict[str, Any], since: float) -> bool:
    return line.get("status") == 200 and line["ended"] > since


def sample_of(bed: Bed, at_seconds: float) -> Sample:
    """The application: its Python processes, not llama.cpp's programs, ssh, or the users'."""
    rss = threads = fds = 0
    for process in _ours(bed):
        with contextlib.suppress(psutil.Error):
            rss += process.memory_info().rss
            threads += process.num_threads()
            fds += process.num_fds()
    return Sample(at_seconds=at_seconds, rss_mb=rss / 1e6, threads=threads, fds=fds)


def _ours(bed: Bed) -> Iterator[psutil.Process]:
    for process in bed.own_processes():
        with contextlib.suppress(psutil.Error):
            if "python" in process.name() and str(PROGRAM) not in process.cmdline():
                yield process


def main(arguments: list[str] | None = None) -> int:
    """Run, write the log, print the verdict."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description="Prompts and faults for an hour.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--fault-every", type=float, default=20.0, metavar="SECONDS")
    parser.add_argument("--bed", choices=("one", "three"), default="three" if why_not() is None else "one")
    parser.add_argument("--window", action="store_true", help="the window, on one machine")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, metavar="FILE", help="the samples as CSV")
    given = parser.parse_args(arguments)
    kind = BedKind.ONE_MACHINE if given.bed == "one" or given.window else BedKind.THREE_HOSTS
    what = "the window" if given.window else "crossplyctl up"
    print(
        f"{what}, {kind.value}, {given.minutes:g} minutes, a fault every {given.fault_every:g} s, seed {given.seed}",
        flush=True,
    )
    with new_beds(find_runtime()) as beds:
        bed = beds.bed(kind)
        soaked = soak(
            bed,
            causes_for(kind),
            random.Random(given.seed),
            seconds=given.minutes * 60,
            fault_every_seconds=given.fault_every,
            start=bed.start_window if given.window and isinstance(bed, OneMachine) else None,
        )
    if given.log:
        given.log.write_text(as_csv(soaked.samples), encoding="utf-8")
    print(verdict(soaked.samples, soaked.requests, soaked.faults))
    print("It served at the end." if soaked.serves_at_the_end else "It did NOT serve at the end.")
    return 0 if soaked.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
