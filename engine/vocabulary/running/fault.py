"""A fault: what broke a run, where, in terms that recovery can act on. A ``Problem`` says the same to people.

Rejected: to let recovery read the sentences, or the exit codes (an rpc-server exits 0 on a port in use, llama-server with the
same 134 for every worker that it lost).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.vocabulary.machine import MachineId
from engine.vocabulary.worker import WorkerId


class FaultCause(StrEnum):
    """What broke."""

    WORKER_ENDED = "worker ended"
    """Its process is gone, by a signal or by itself."""
    WORKER_OUT_OF_MEMORY = "worker out of memory"
    """Killed by the system for its memory, or it could not allocate."""
    DEVICE_LOST = "device lost"
    """The GPU is there no more: fallen off the bus, driver reset."""
    CONNECTION_LOST = "connection lost"
    """The tunnel or the ssh connection ended; the machine itself may be well."""
    HOST_SILENT = "host silent"
    """The machine says nothing any more: switched off, asleep, cable pulled."""
    COORDINATOR_ENDED = "coordinator ended"
    """llama-server is gone and no worker is known to be the reason."""
    COORDINATOR_OUT_OF_MEMORY = "coordinator out of memory"
    HANG = "no progress"
    """Everything is alive, nothing moves."""
    DISK_FULL = "disk full"
    PORT_TAKEN = "port taken"
    """Another program listened there first."""
    NEVER_ANSWERED = "never answered"
    """A worker started and did not answer in time."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that broke a run."""

    cause: FaultCause
    machine_id: MachineId | None = None
    """Where; ``None`` = it is not known, or it concerns the coordinator alone."""
    worker_ids: tuple[WorkerId, ...] = ()
    """The workers that are lost by it; empty where a whole machine is, or none."""
    needs_bytes: int | None = None
    """What could not be allocated, where the program said so."""
