"""From what is known to offers, a plan, the comparison and the command lines. Pure; called after every change of an input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.cluster.servers import servers_of
from engine.errors import BadInput, EngineError
from engine.llama_cpp.command_lines import coordinator_argv, rpc_server_argv, shell_line
from engine.llama_cpp.dialects import Dialect
from engine.planning.offers import offers_of_machine
from engine.planning.split_layers import split_layers
from engine.session.state import ClusterState, CommandShown, PlanVariant
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.plan import Plan, PlanRefused, PlanRequest, Policy
from engine.vocabulary.throughput import RequestTimings
from engine.vocabulary.worker import Layout, RpcServerSpec, WorkerOffer

VARIANTS = (
    (Policy.FASTEST, Layout.PER_DEVICE),
    (Policy.EVEN, Layout.PER_DEVICE),
    (Policy.MEMORY, Layout.PER_DEVICE),
    (Policy.FASTEST, Layout.PER_MACHINE),
    (Policy.FASTEST, Layout.TRADITIONAL),
)
"""Columns of the comparison; the chosen pair is added when it is none of them."""


def replanned(state: ClusterState) -> ClusterState:
    """The state with offers, plan, comparison and commands worked out anew."""
    state = replace(state, offers=_offers(state, state.choices.layout))
    if state.model is None or not state.offers or state.runtime is None:
        return replace(state, plan=None, variants=(), commands=())
    plan = _plan(state, state.choices.policy, state.choices.layout)
    return replace(state, plan=plan, variants=_variants(state), commands=_commands(state, plan))


def _offers(state: ClusterState, layout: Layout) -> tuple[WorkerOffer, ...]:
    choices = state.choices
    return tuple(
        offer
        for machine in state.machines
        for offer in offers_of_machine(
            machine,
            layout,
            choices.reserve_fraction,
            cpu_workers=choices.cpu_workers,
            speeds=dict(state.speeds),
        )
    )


def _plan(state: ClusterState, policy: Policy, layout: Layout) -> Plan | PlanRefused:
    if state.model is None:  # held by the caller; said again for the type checker
        return PlanRefused(policy=policy, layout=layout, reasons=("No model is chosen.",))
    offers = tuple(offer for offer in _offers(state, layout) if offer.id not in state.choices.left_out)
    if not offers:
        reason = "Every worker is switched off, or no device has memory that is known: switch one on."
        return PlanRefused(policy=policy, layout=layout, reasons=(reason,))
    request = PlanRequest(
        model=state.model,
        offers=offers,
        policy=policy,
        layout=layout,
        shape=state.choices.shape,
        coordinator_machine=THIS_MACHINE,
    )
    try:
        return split_layers(request)
    except BadInput as error:
        return PlanRefused(policy=policy, layout=layout, reasons=(str(error),))


def _variants(state: ClusterState) -> tuple[PlanVariant, ...]:
    chosen = (state.choices.policy, state.choices.layout)
    pairs = VARIANTS if chosen in VARIANTS else (*VARIANTS, chosen)
    measured = {_key(variant.result): variant.measured for variant in state.variants if variant.measured is not None}
    return tuple(_variant(state, policy, layout, measured) for policy, layout in pairs)


def _variant(state: ClusterState, policy: Policy, layout: Layout, measured: Mapping[object, RequestTimings]) -> PlanVariant:
    result = _plan(state, policy, layout)
    return PlanVariant(policy=policy, layout=layout, result=result, measured=measured.get(_key(result)))


def _key(result: Plan | PlanRefused) -> object:
    """What makes two plans the same run: a measurement is kept only for exactly the same placement and shape."""
    if isinstance(result, PlanRefused):
        return None
    placed = tuple((worker.id, worker.n_layers, worker.holds_output) for worker in result.used_workers)
    return (result.model.path, result.layout, result.shape, placed)


def _commands(state: ClusterState, plan: Plan | PlanRefused) -> tuple[CommandShown, ...]:
    if isinstance(plan, PlanRefused) or state.runtime is None or state.dialect is None:
        return ()
    servers = servers_of(plan)
    try:
        workers = tuple(_worker_command(server, state.runtime.rpc_server, state.dialect) for server in servers)
        return (*workers, *_coordinator_command(state, plan, servers))
    except EngineError:
        return ()  # the launch will say it in full; a what-if has no program to be asked


def _worker_command(server: RpcServerSpec, program: str, dialect: Dialect) -> CommandShown:
    argv = rpc_server_argv(server, program, dialect)
    title = f"rpc-server for {', '.join(server.runtime_names)}"
    shell = shell_line(argv, ignore_sigpipe=True)
    return CommandShown(title=title, machine_name=server.machine_name, argv=argv, shell=shell)


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
