"""``reconcile(wanted, seen) -> actions``: what to do so that what runs becomes what is wanted. Pure; the session performs it.

Order matters twice. Up: every rpc-server must have answered HELLO before llama-server starts, because llama-server aborts
when it cannot connect while it parses its arguments. Down: llama-server ends first, because it aborts when a worker vanishes.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.cluster.phases import ENDED
from engine.cluster.servers import COORDINATOR, server_process_id, tunnel_process_id
from engine.vocabulary.remote import TunnelSpec
from engine.vocabulary.running.process import ProcessId, ProcessPhase
from engine.vocabulary.worker import RpcServerSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRpcServer:
    """Start one rpc-server and wait until it answers."""

    spec: RpcServerSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTunnel:
    """Start the tunnel to one machine."""

    spec: TunnelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCoordinator:
    """Start llama-server on top of the rpc-servers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopProcess:
    """Stop one process of ours."""

    id: ProcessId


Action = StartRpcServer | StartTunnel | StartCoordinator | StopProcess


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a run needs beneath llama-server."""

    servers: tuple[RpcServerSpec, ...]
    tunnels: tuple[TunnelSpec, ...] = ()


def reconcile(wanted: Wanted | None, seen: dict[ProcessId, ProcessPhase]) -> tuple[Action, ...]:
    """Actions that bring ``seen`` nearer to ``wanted``.

    Args:
        wanted: the servers and tunnels that a run needs, or ``None`` when nothing shall run.
        seen: phase of every process of ours, ended ones included (an ended one is not started again here: a run that lost a
            process cannot be repaired under a running coordinator, so the session ends it and says why).
    """
    if wanted is None:
        return _down(seen)
    starts: tuple[Action, ...] = (
        *(StartTunnel(spec=spec) for spec in wanted.tunnels if tunnel_process_id(spec) not in seen),
        *(StartRpcServer(spec=spec) for spec in wanted.servers if server_process_id(spec.endpoint) not in seen),
    )
    if starts:
        return starts
    beneath = (*map(tunnel_process_id, wanted.tunnels), *(server_process_id(spec.endpoint) for spec in wanted.servers))
    phases = [seen[id_] for id_ in beneath]
    if COORDINATOR not in seen and all(phase is ProcessPhase.READY for phase in phases):
        return (StartCoordinator(),)
    return ()


def _down(seen: dict[ProcessId, ProcessPhase]) -> tuple[Action, ...]:
    alive = {id_: phase for id_, phase in seen.items() if phase not in ENDED}
    if COORDINATOR in alive:
        alive = {COORDINATOR: alive[COORDINATOR]}
    return tuple(StopProcess(id=id_) for id_, phase in alive.items() if phase is not ProcessPhase.STOPPING)
