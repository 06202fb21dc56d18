"""Which fault a problem is: as detection says, or else from which process ended and the log lines that came with it. Pure.

Exit codes alone do not tell: an rpc-server that cannot bind its port exits with 0, llama-server aborts with 134 whatever
happened to a worker.
"""

from __future__ import annotations

import re

from engine.cluster.servers import COORDINATOR, tunnel_process_id
from engine.session.state import ClusterState, ProcessSeen, RunSeen
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.worker import RpcServerSpec, WorkerId

_NO_BUFFER = re.compile(r"failed to allocate (?P<buffer>\S{1,200}) buffer of size (?P<size>\d{1,18})")
_ENDPOINT_IN_BUFFER = re.compile(r"RPC\d*\[(?P<endpoint>[\w.\-]{1,100}:\d{1,5})\]")
_PORT_TAKEN = re.compile(
    r"Failed to create server socket|couldn't bind HTTP server socket|Address already in use|cannot listen to port"
)
_OWN_CRASHES = frozenset({-4, -6, -7, -8, -11, 132, 134, 135, 136, 139})
"""SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV: the program's own doing. Nobody sends these to end a program."""

_LOST_WORKER = "Remote RPC server crashed or returned malformed response"

SEVERITY = (
    FaultCause.HOST_SILENT,
    FaultCause.DEVICE_LOST,
    FaultCause.WORKER_OUT_OF_MEMORY,
    FaultCause.DISK_FULL,
    FaultCause.CONNECTION_LOST,
    FaultCause.WORKER_ENDED,
    FaultCause.NEVER_ANSWERED,
    FaultCause.COORDINATOR_OUT_OF_MEMORY,
    FaultCause.PORT_TAKEN,
    FaultCause.HANG,
    FaultCause.COORDINATOR_ENDED,
    FaultCause.UNKNOWN,
)
"""What explains the others first: a host that is gone explains the tunnel, which explains the worker, which explains
llama-server's abort."""


def explains_more(one: Fault, other: Fault) -> bool:
    """Whether ``one`` is nearer to the root than ``other``."""
    return SEVERITY.index(one.cause) < SEVERITY.index(other.cause)


def crashed_by_itself(problem: Problem | None, process: ProcessSeen | None) -> bool:
    """Whether the program ended itself; ``SIGKILL`` and ``SIGTERM`` come from somebody else, and a llama-server that aborts
    for a worker that it lost is no crash of its own."""
    if process is None or process.outcome is None or process.outcome.exit_code not in _OWN_CRASHES:
        return False
    return problem is None or _LOST_WORKER not in problem.details


def fault_of(state: ClusterState, problem: Problem | None, process: ProcessSeen | None) -> Fault:
    """What broke. ``process``: the one that ended, if one did."""
    said = None if problem is None else problem.fault
    log = "" if problem is None else problem.details
    starts = state.run is not None and state.run.ready_after_seconds is None
    if process is not None and starts and _PORT_TAKEN.search(log) is not None:
        return Fault(cause=FaultCause.PORT_TAKEN)
    if said is not None and said.cause is not FaultCause.UNKNOWN:
        return said
    if state.run is None:
        return said or Fault(cause=FaultCause.UNKNOWN)
    if process is None:
        return _of_living(state.run, problem)
    if process.id == COORDINATOR:
        return _of_coordinator(state.run, log)
    server = next((server for server in state.run.servers if server.endpoint == process.endpoint), None)
    return _of_tunnel(state.run, process) if server is None else _of_worker(server, process)


def _of_living(run: RunSeen, problem: Problem | None) -> Fault:
    """Nothing ended, yet the run cannot go on: something did not answer or does not move."""
    where = "" if problem is None else problem.where
    server = next((server for server in run.servers if server.endpoint == where), None)
    if server is not None:
        return Fault(cause=FaultCause.NEVER_ANSWERED, machine_id=server.machine_id, worker_ids=server.worker_ids)
    tunnel = next((tunnel for tunnel in run.tunnels if tunnel.machine_name == where), None)
    if tunnel is not None:
        return Fault(cause=FaultCause.CONNECTION_LOST, machine_id=tunnel.machine_id)
    if problem is not None and problem.kind is ProblemKind.COORDINATOR:
        return Fault(cause=FaultCause.HANG)
    return Fault(cause=FaultCause.UNKNOWN)


def _of_coordinator(run: RunSeen, log: str) -> Fault:
    no_buffer = _NO_BUFFER.search(log)
    if no_buffer is None:
        return Fault(cause=FaultCause.COORDINATOR_ENDED)
    size = int(no_buffer["size"])
    remote = _ENDPOINT_IN_BUFFER.search(no_buffer["buffer"])
    server = next((server for server in run.servers if remote and server.endpoint == remote["endpoint"]), None)
    if server is not None:
        return Fault(
            cause=FaultCause.WORKER_OUT_OF_MEMORY,
            machine_id=server.machine_id,
            worker_ids=server.worker_ids,
            needs_bytes=size,
        )
    return Fault(
        cause=FaultCause.COORDINATOR_OUT_OF_MEMORY, worker_ids=_native_owner(run, no_buffer["buffer"]), needs_bytes=size
    )


def _native_owner(run: RunSeen, buffer: str) -> tuple[WorkerId, ...]:
    """The device that llama-server uses itself and that had no room."""
    natives = [worker.offer for worker in run.plan.used_workers if worker.offer.is_native]
    return tuple(offer.id for offer in natives if buffer.startswith(offer.runtime_name))


def _of_worker(server: RpcServerSpec, process: ProcessSeen) -> Fault:
    known = process.outcome is not None and process.outcome.exit_code is not None
    if known:
        return Fault(cause=FaultCause.WORKER_ENDED, machine_id=server.machine_id, worker_ids=server.worker_ids)
    if server.machine_id == THIS_MACHINE:  # it could not be started
        return Fault(cause=FaultCause.UNKNOWN, machine_id=server.machine_id, worker_ids=server.worker_ids)
    return Fault(cause=FaultCause.CONNECTION_LOST, machine_id=server.machine_id)


def _of_tunnel(run: RunSeen, process: ProcessSeen) -> Fault:
    tunnel = next((tunnel for tunnel in run.tunnels if tunnel_process_id(tunnel) == process.id), None)
    return Fault(cause=FaultCause.CONNECTION_LOST, machine_id=None if tunnel is None else tunnel.machine_id)
