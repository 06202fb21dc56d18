"""What to say when a process of ours ended and nobody asked for it. Pure."""

from __future__ import annotations

import shlex

from engine.cluster.servers import COORDINATOR
from engine.session.events import ProcessStarted
from engine.vocabulary.problem import Problem, ProblemKind
from engine.vocabulary.process import ProcessOutcome

SHOWN_LINES = 20


def problem_of_exit(
    started: ProcessStarted, outcome: ProcessOutcome, tail: tuple[str, ...], fatal: tuple[str, str] | None
) -> Problem:
    """One fault, in words. ``fatal`` is (sentence, advice) that the log parser recognised in llama-server's output."""
    details = "\n".join(("$ " + shlex.join(started.argv), *tail[-SHOWN_LINES:]))
    if started.id == COORDINATOR:
        sentence, advice = fatal or ("", "Its last lines are in the details.")
        happened = sentence or f"llama-server {outcome.in_words} and nobody asked for it."
        return Problem(kind=ProblemKind.COORDINATOR, where="llama-server", happened=happened, advice=advice, details=details)
    said = next((line for line in reversed(tail) if "error" in line.lower() or "failed" in line.lower()), "")
    reason = f" It said: {said.strip()}" if said else ""
    return Problem(
        kind=ProblemKind.WORKER,
        where=started.endpoint or started.id,
        happened=f"The {started.title}{_place(started)} {outcome.in_words}.{reason}",
        advice="Everything was stopped; launch again, or switch this worker off.",
        details=details,
    )


def _place(started: ProcessStarted) -> str:
    """Where it was: the port that the coordinator used, and the machine; a tunnel's title says where to."""
    if started.endpoint is None:
        return ""
    machine = "" if started.machine_name == "this machine" else f" on {started.machine_name}"
    return f" at {started.endpoint}{machine}"
