"""Nothing moves: who is it? What is known of every process of the run, put into one fault. Pure.

Everything waits for everything in a run that hangs, so processors and sockets look alike on all sides. What tells is what the
system says of each process (stopped, stuck in a driver) and whether its machine still answers. Rejected: a HELLO to each
worker (one that serves does not answer a second client, whether it works or hangs).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.cluster.servers import COORDINATOR
from engine.session.events import ProcessStarted
from engine.session.working.faults.exit_problems import machine_of, place_of, silent_problem
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.process import ProcessCondition

CERTAIN_SECONDS = 7.0
"""So long a silence, while nothing has ended yet: just before the connection itself is given up. A machine that swaps may be
late by several seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """One process of the run that has not ended."""

    started: ProcessStarted
    pid: int
    condition: ProcessCondition
    silent_seconds: float = 0.0
    """For how long its machine was not heard."""


def clear_case(suspects: tuple[Suspect, ...]) -> Problem | None:
    """A machine that fell silent, or a process that somebody stopped: no need to wait any longer."""
    for suspect in suspects:
        if suspect.silent_seconds >= CERTAIN_SECONDS and suspect.started.machine_id is not None:
            return silent_problem(suspect.started.machine_id, machine_of(suspect.started), suspect.silent_seconds)
    stopped = next((suspect for suspect in suspects if suspect.condition is ProcessCondition.STOPPED), None)
    if stopped is None:
        return None
    return _hang(
        stopped,
        f"{_name_of(stopped)} is stopped (SIGSTOP, or a debugger), and everything waits for it.",
        f"Let it go on there (kill -CONT {stopped.pid}) before it is launched again, or find out who stopped it.",
    )


def hang_problem(suspects: tuple[Suspect, ...], seconds: float, doing: str, details: str = "") -> Problem:
    """It has lasted too long. ``doing``: what llama-server was at, ``loads the model``."""
    clear = clear_case(suspects)
    if clear is not None:
        return clear
    stuck = next((suspect for suspect in suspects if suspect.condition is ProcessCondition.STUCK), None)
    if stuck is not None:
        return _hang(
            stuck,
            f"{_name_of(stuck)} waits for a driver or a disk, and everything waits for it: {seconds:.0f} s so far.",
            "See the system's log there; a driver that hangs may need a restart of the machine.",
        )
    return Problem(
        kind=ProblemKind.COORDINATOR,
        where="llama-server",
        happened=f"Nothing has moved for {seconds:.0f} s: llama-server {doing}, and all processes live.",
        advice="It hangs when a worker is in use by somebody else, or does not come back from its device. Launch again.",
        details=details,
        fault=Fault(cause=FaultCause.HANG),
    )


def refusing_problem(seconds: float) -> Problem:
    """llama-server lives, and takes no connections any more."""
    return Problem(
        kind=ProblemKind.COORDINATOR,
        where="llama-server",
        happened=f"llama-server has taken no requests for {seconds:.0f} s: it was asked to end and does not come to its end.",
        advice="Somebody sent it SIGTERM, or the system did. Launch again.",
        fault=Fault(cause=FaultCause.COORDINATOR_ENDED),
    )


def _hang(suspect: Suspect, happened: str, advice: str) -> Problem:
    started = suspect.started
    fault = Fault(cause=FaultCause.HANG, machine_id=started.machine_id, worker_ids=started.worker_ids)
    is_coordinator = started.id == COORDINATOR
    return Problem(
        kind=ProblemKind.COORDINATOR if is_coordinator else ProblemKind.WORKER,
        where="llama-server" if is_coordinator else started.endpoint or machine_of(started),
        happened=happened,
        advice=advice,
        fault=Fault(cause=FaultCause.HANG) if is_coordinator else fault,
    )


def _name_of(suspect: Suspect) -> str:
    return "llama-server" if suspect.started.id == COORDINATOR else f"The {suspect.started.title}{place_of(suspect.started)}"
