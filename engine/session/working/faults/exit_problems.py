"""What to say when a process of ours ended and nobody asked for it, and which fault that is. Pure.

rpc-server exits 0 on a port in use and llama-server with the same 134 for every worker that it lost, so the cause comes from
what is known beside the exit status, in this order: how the connection was lost, whether the system killed it for memory, its
last words, and only then the status itself.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from engine.cluster.servers import COORDINATOR
from engine.llama_cpp.crash_lines import FatalError
from engine.llama_cpp.server_log import buffer_owner, native_device_of
from engine.llama_cpp.worker_crash_lines import WorkerWords, worker_words
from engine.session.events import ProcessStarted
from engine.session.state import RunSeen
from engine.vocabulary.machine import MachineId
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.process import ConnectionLoss, ProcessOutcome
from engine.vocabulary.worker import WorkerId

SHOWN_LINES = 20
TUNNEL_TO = "tunnel to "
"""How the title of a tunnel begins; the machine's name follows."""
SILENT_SECONDS = 4.0
"""A machine that was not heard for so long has left two questions unanswered, and two samples of its load are missing."""

_SEE_MACHINE = "See whether it is on, awake and connected; then launch again, or leave it out."
_SEE_LINK = "The machine may be well: it is connected to again, then launch again."
_AGAIN = "Everything was stopped; launch again, or switch this worker off."
_OTHER_BUILD = (
    "The processor there refused an instruction of its own build (seen in virtual machines that announce AMX and lack it): "
    "switch this worker off, or use a build made on that machine."
)
_ILLEGAL_INSTRUCTION = (-4, 128 + 4)
"""SIGILL, as Python and as a shell say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A process that ended unasked, with what is known of it."""

    started: ProcessStarted
    outcome: ProcessOutcome
    lines: tuple[str, ...] = ()
    """Its last ones."""
    silent_seconds: float = 0.0
    """For how long nothing was heard from its machine."""
    run: RunSeen | None = None
    """Of llama-server: what it ran."""
    fatal: FatalError | None = None
    """Of llama-server: what its log parser recognised."""


def problem_of_exit(ended: Ended) -> Problem:
    """One fault, in words."""
    if ended.started.id == COORDINATOR:
        return _of_coordinator(ended)
    if _is_tunnel(ended.started):
        return _of_tunnel(ended)
    if ended.outcome.loss in (ConnectionLoss.SILENT, ConnectionLoss.CLOSED):
        return _of_lost_machine(ended, silent=ended.outcome.loss is ConnectionLoss.SILENT)
    return _of_worker(ended)


def silent_problem(machine_id: MachineId, machine_name: str, seconds: float, details: str = "") -> Problem:
    """A machine of the run that says nothing any more."""
    return Problem(
        kind=ProblemKind.WORKER,
        where=machine_name,
        happened=f"{machine_name} says nothing any more: nothing was heard from it for {seconds:.0f} s.",
        advice=_SEE_MACHINE,
        details=details,
        fault=Fault(cause=FaultCause.HOST_SILENT, machine_id=machine_id),
    )


def _of_worker(ended: Ended) -> Problem:
    started, outcome = ended.started, ended.outcome
    words = worker_words(ended.lines)
    cause = FaultCause.WORKER_OUT_OF_MEMORY if outcome.killed_for_memory else words.cause if words else FaultCause.WORKER_ENDED
    said = words.line if words else _last_error(ended.lines)
    return Problem(
        kind=ProblemKind.WORKER,
        where=started.endpoint or started.id,
        happened=f"The {started.title}{place_of(started)} {outcome.in_words}.{_quoted(said)}",
        advice=_advice_for(outcome, words),
        details=_details(ended),
        fault=Fault(
            cause=cause,
            machine_id=started.machine_id,
            worker_ids=started.worker_ids,
            needs_bytes=words.needs_bytes if words else None,
        ),
    )


def _advice_for(outcome: ProcessOutcome, words: WorkerWords | None) -> str:
    if outcome.exit_code in _ILLEGAL_INSTRUCTION:
        return _OTHER_BUILD
    return f"{words.advice} Everything was stopped." if words and not outcome.killed_for_memory else _AGAIN


def _of_tunnel(ended: Ended) -> Problem:
    """OpenSSH ends with the same 255 for a reset, for a server that went away and for one that answers no more."""
    if ended.silent_seconds >= SILENT_SECONDS:
        return _of_lost_machine(ended, silent=True)
    said = _last_error(ended.lines) or next((line for line in reversed(ended.lines) if line.strip()), "")
    taken = "Address already in use" in " ".join(ended.lines)
    return Problem(
        kind=ProblemKind.WORKER,
        where=machine_of(ended.started),
        happened=f"The {ended.started.title} {ended.outcome.in_words}.{_quoted(said)}",
        advice="Another program of this machine took its port: launch again." if taken else _SEE_LINK,
        details=_details(ended),
        fault=Fault(cause=FaultCause.PORT_TAKEN if taken else FaultCause.CONNECTION_LOST, machine_id=ended.started.machine_id),
    )


def _of_lost_machine(ended: Ended, *, silent: bool) -> Problem:
    started = ended.started
    if silent and started.machine_id is not None:
        return silent_problem(started.machine_id, machine_of(started), ended.silent_seconds, _details(ended))
    return Problem(
        kind=ProblemKind.WORKER,
        where=machine_of(started),
        happened=f"The connection to {machine_of(started)} ended, and with it the {started.title}{place_of(started)}.",
        advice=_SEE_LINK,
        details=_details(ended),
        fault=Fault(cause=FaultCause.CONNECTION_LOST, machine_id=started.machine_id),
    )


def _of_coordinator(ended: Ended) -> Problem:
    fatal = ended.fatal
    last_advice = _OTHER_BUILD if ended.outcome.exit_code in _ILLEGAL_INSTRUCTION else "Its last lines are in the details."
    happened = fatal.sentence if fatal else f"llama-server {ended.outcome.in_words} and nobody asked for it."
    if ended.outcome.killed_for_memory:
        fatal, happened = None, f"llama-server {ended.outcome.in_words}."
    return Problem(
        kind=ProblemKind.COORDINATOR,
        where="llama-server",
        happened=happened,
        advice=fatal.advice if fatal else last_advice,
        details=_details(ended),
        fault=_fault_of_coordinator(ended, fatal),
    )


def _fault_of_coordinator(ended: Ended, fatal: FatalError | None) -> Fault:
    if ended.outcome.killed_for_memory:
        return Fault(cause=FaultCause.COORDINATOR_OUT_OF_MEMORY)
    if fatal is None:
        return Fault(cause=FaultCause.COORDINATOR_ENDED)
    machine_id, worker_ids = _owner_of(fatal, ended.run)
    cause = fatal.cause
    if cause is FaultCause.COORDINATOR_OUT_OF_MEMORY and worker_ids:  # a device that llama-server uses itself
        cause = FaultCause.WORKER_OUT_OF_MEMORY
    return Fault(cause=cause, machine_id=machine_id, worker_ids=worker_ids, needs_bytes=fatal.needs_bytes)


def _owner_of(fatal: FatalError, run: RunSeen | None) -> tuple[MachineId | None, tuple[WorkerId, ...]]:
    """Whose buffer or endpoint the line names."""
    if run is None:
        return None, ()
    if fatal.endpoint is None:
        device = native_device_of(fatal.buffer) if fatal.buffer else None
        natives = [worker.offer for worker in run.plan.used_workers if worker.offer.is_native]
        return next(((offer.machine_id, (offer.id,)) for offer in natives if offer.runtime_name == device), (None, ()))
    server = next((server for server in run.servers if server.endpoint == fatal.endpoint), None)
    if server is None:
        return None, ()
    owner = buffer_owner(fatal.buffer) if fatal.buffer else None
    one = server.worker_ids[owner[1] : owner[1] + 1] if owner else ()
    return server.machine_id, one or server.worker_ids


def _is_tunnel(started: ProcessStarted) -> bool:
    return started.title.startswith(TUNNEL_TO)


def machine_of(started: ProcessStarted) -> str:
    """For people: where it runs; of a tunnel, which runs here, where it leads."""
    return started.title.removeprefix(TUNNEL_TO) if _is_tunnel(started) else started.machine_name


def _last_error(lines: tuple[str, ...]) -> str:
    return next((line.strip() for line in reversed(lines) if "error" in line.lower() or "failed" in line.lower()), "")


def _quoted(said: str) -> str:
    return f" It said: “{said.strip().rstrip('.')}”." if said.strip() else ""


def _details(ended: Ended) -> str:
    return "\n".join(("$ " + shlex.join(ended.started.argv), *ended.lines[-SHOWN_LINES:]))


def place_of(started: ProcessStarted) -> str:
    """Where it was: the port that the coordinator used, and the machine; a tunnel's title says where to."""
    return "" if started.endpoint is None else f" at {started.endpoint} on {started.machine_name}"
