"""Workers that are left running on remote machines: which are, and which port a launch takes so that one is adopted.

A program is adopted when it is started again with the very same command line (``RemoteProcessStarter.start``). The port is on
its command line, so a launch that wants it must choose that port. Rejected: adopting whatever answers on a port (it may be
anybody's), and keeping ports from run to run (they may be taken meanwhile).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.cluster.servers import servers_of
from engine.llama_cpp.command_lines import rpc_server_argv
from engine.session.remotes import WorkerProgram
from engine.session.state import ClusterState
from engine.session.working.launching.cache_room import Programs
from engine.vocabulary.machine import THIS_MACHINE, MachineId
from engine.vocabulary.plan import Plan
from engine.vocabulary.remote import RemoteLook
from engine.vocabulary.worker import RpcServerSpec, WorkerOffer

KeptPorts = Callable[[WorkerOffer], tuple[int, ...]]


def keeps_there(state: ClusterState, machine_id: MachineId) -> bool:
    """Whether workers started on that machine now are to outlive us. Those of this machine never are."""
    look = _look_at(state, machine_id)
    return state.choices.keep_running and look is not None and look.facts.can_keep


def why_not_kept(state: ClusterState, plan: Plan) -> tuple[str, ...]:
    """A sentence for each machine that takes part and whose workers will end with us although they were to stay."""
    if not state.choices.keep_running:
        return ()
    names = {worker.offer.machine_id: worker.offer.machine_name for worker in plan.used_workers}
    return tuple(
        f"{name} cannot keep programs running (that takes Linux with python3): its workers stop with Crossply."
        for machine_id, name in names.items()
        if machine_id != THIS_MACHINE and not keeps_there(state, machine_id)
    )


def kept_ports(state: ClusterState, plan: Plan, programs: Programs) -> KeptPorts:
    """For an offer of the plan, the ports on which workers just like it, started with these programs, were left running."""
    servers = {server.endpoint: server for server in servers_of(plan)}

    def ports_of(offer: WorkerOffer) -> tuple[int, ...]:
        program, look = dict(programs).get(offer.machine_id), _look_at(state, offer.machine_id)
        if program is None or look is None or not keeps_there(state, offer.machine_id):
            return ()
        left = {kept.argv for kept in look.kept}
        ports = sorted(port for argv in left if (port := _port_in(argv)) is not None)
        return tuple(port for port in ports if _argv(servers[offer.endpoint], port, program) in left)

    return ports_of


def _argv(server: RpcServerSpec, port: int, program: WorkerProgram) -> tuple[str, ...]:
    moved = replace(server, listens_on=f"{server.bind_host}:{port}")
    return rpc_server_argv(moved, program.rpc_server, program.dialect, cache=program.keeps_cache)


def _look_at(state: ClusterState, machine_id: MachineId) -> RemoteLook | None:
    return next((remote.look for remote in state.remotes if remote.id == machine_id), None)


def _port_in(argv: tuple[str, ...]) -> int | None:
    after = argv[argv.index("-p") + 1 :][:1] if "-p" in argv else ()
    return int(after[0]) if after and after[0].isdigit() else None
