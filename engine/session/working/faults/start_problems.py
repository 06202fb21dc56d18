"""What to say when a process of a run could not be started, or does not answer once it was. Pure."""

from __future__ import annotations

from engine.errors import EngineError, MachineUnreachable
from engine.session.events import ProcessStarted
from engine.session.working.faults.exit_problems import SHOWN_LINES
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.remote import TunnelSpec
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.worker import RpcServerSpec


def not_started(started: ProcessStarted, error: EngineError) -> Problem:
    """The system, or the machine, refused."""
    text = f"{error.happened} {error.details}"
    cause = FaultCause.CONNECTION_LOST if isinstance(error, MachineUnreachable) else FaultCause.UNKNOWN
    if "No space left on device" in text:
        cause = FaultCause.DISK_FULL
    return Problem(
        kind=ProblemKind.WORKER,
        where=started.endpoint or started.title,
        happened=error.happened,
        advice=error.advice,
        fault=Fault(cause=cause, machine_id=started.machine_id, worker_ids=started.worker_ids),
    )


def never_answered(spec: RpcServerSpec, tail: tuple[str, ...], seconds: float) -> Problem:
    """It runs and does not answer."""
    where = f"{spec.endpoint} on {spec.machine_name}"
    kind = "GPU" if any(name != DeviceKind.CPU.upper() for name in spec.runtime_names) else "CPU"
    return Problem(
        kind=ProblemKind.WORKER,
        where=spec.endpoint,
        happened=f"The {kind} worker at {where} started but did not answer within {seconds:.0f} s.",
        advice="Look at its log; the device may be hung or its driver may be starting.",
        details="\n".join(tail[-SHOWN_LINES:]),
        fault=Fault(cause=FaultCause.NEVER_ANSWERED, machine_id=spec.machine_id, worker_ids=spec.worker_ids),
    )


def no_tunnel(spec: TunnelSpec, tail: tuple[str, ...], seconds: float) -> Problem:
    """It runs and does not listen."""
    return Problem(
        kind=ProblemKind.WORKER,
        where=spec.machine_name,
        happened=f"The tunnel to {spec.machine_name} did not open within {seconds:.0f} s.",
        advice="Its last lines are in the details; see whether its ssh server allows forwarding (AllowTcpForwarding).",
        details="\n".join(tail[-SHOWN_LINES:]),
        fault=Fault(cause=FaultCause.NEVER_ANSWERED, machine_id=spec.machine_id),
    )
