"""The command lines that a launch would run, to be looked at and copied. Pure."""

from __future__ import annotations

from engine.cluster.servers import servers_of, tunnels_of
from engine.errors import EngineError
from engine.llama_cpp.command_lines import coordinator_argv, rpc_server_argv, shell_line
from engine.session.remotes import WorkerProgram
from engine.session.state import ClusterState, CommandShown
from engine.vocabulary.machine import THIS_MACHINE, MachineId
from engine.vocabulary.plan import Plan, PlanRefused
from engine.vocabulary.remote import TunnelSpec
from engine.vocabulary.worker import RpcServerSpec


def commands_of(state: ClusterState, plan: Plan | PlanRefused) -> tuple[CommandShown, ...]:
    """Tunnels, rpc-servers, llama-server: in the order in which they are started. Empty when there is nothing to run."""
    if isinstance(plan, PlanRefused) or state.runtime is None or state.dialect is None:
        return ()
    servers = servers_of(plan)
    programs = programs_of(state, cache_folder="", plan=plan)
    try:
        tunnels = tuple(_tunnel_command(state, tunnel) for tunnel in tunnels_of(servers))
        workers = tuple(_worker_command(server, programs[server.machine_id]) for server in servers)
        return (*tunnels, *workers, *_coordinator_command(state, plan, servers))
    except EngineError:
        return ()  # the launch will say it in full; a what-if has no program to be asked


def programs_of(state: ClusterState, *, cache_folder: str, plan: Plan) -> dict[MachineId, WorkerProgram]:
    """Per machine of the plan, with what its rpc-servers are started. ``cache_folder``: this machine's; of the others it is
    not known here and is empty."""
    programs: dict[MachineId, WorkerProgram] = {}
    if state.runtime is not None and state.dialect is not None:
        own = WorkerProgram(rpc_server=state.runtime.rpc_server, dialect=state.dialect, cache_folder=cache_folder)
        programs[THIS_MACHINE] = own
    used = {worker.offer.machine_id for worker in plan.used_workers}
    for remote in state.remotes:
        if remote.id in used and remote.look is not None and remote.look.usable is not None and remote.dialect is not None:
            path = remote.look.usable.runtime.rpc_server
            programs[remote.id] = WorkerProgram(rpc_server=path, dialect=remote.dialect, cache_folder="")
    return programs


def tunnel_argv(state: ClusterState, tunnel: TunnelSpec) -> tuple[str, ...]:
    """As a person would type it; ours adds options that pin the host key and the cipher."""
    target = next((remote.target for remote in state.remotes if remote.id == tunnel.machine_id), None)
    forwards = [
        part
        for forward in tunnel.forwards
        for part in ("-L", f"127.0.0.1:{forward.local_port}:127.0.0.1:{forward.remote_port}")
    ]
    port = ("-p", str(target.port)) if target and target.port else ()
    user = ("-l", target.user) if target and target.user else ()
    return ("ssh", "-N", *forwards, *user, *port, "--", target.host if target else tunnel.machine_name)


def _tunnel_command(state: ClusterState, tunnel: TunnelSpec) -> CommandShown:
    argv = tunnel_argv(state, tunnel)
    title = f"tunnel to {tunnel.machine_name}"
    return CommandShown(title=title, machine_name="this machine", argv=argv, shell=shell_line(argv))


def _worker_command(server: RpcServerSpec, program: WorkerProgram) -> CommandShown:
    argv = rpc_server_argv(server, program.rpc_server, program.dialect)
    shell = shell_line(argv, ignore_sigpipe=True)
    return CommandShown(title=server.title, machine_name=server.machine_name, argv=argv, shell=shell)


def _coordinator_command(state: ClusterState, plan: Plan, servers: tuple[RpcServerSpec, ...]) -> tuple[CommandShown, ...]:
    if state.runtime is None or state.runtime.llama_server is None or plan.model.path is None:
        return ()
    command = coordinator_argv(
        plan,
        servers,
        program=state.runtime.llama_server,
        options=state.server_options,
        api_port=state.choices.api_port,
    )
    return (
        CommandShown(title="llama-server", machine_name="this machine", argv=command.argv, shell=shell_line(command.argv)),
    )
