"""One worker served alone, for a measurement: its rpc-server, and its tunnel if it is behind one. Both are stopped after.

A device that llama-server uses itself needs neither: llama-bench then uses it itself too."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from engine.cluster.servers import server_process_id, servers_of, tunnel_process_id, tunnels_of, with_places
from engine.errors import ProcessFailed, RuntimeUnavailable
from engine.llama_cpp.command_lines import rpc_server_argv
from engine.measuring import calibration
from engine.planning.split_layers import split_layers
from engine.ports import ProcessStarter, RunningProcess
from engine.session.jobs import Token
from engine.session.outside import Outside
from engine.session.state import ClusterState
from engine.session.working.launching.prepare_run import FindMachine, Ports, connected, programs_for
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import Plan, PlanRefused, PlanRequest, Policy, RunShape
from engine.vocabulary.running.process import ProcessSpec
from engine.vocabulary.worker import RpcServerSpec, WorkerOffer

PORTS_BESIDE = 100
"""Ports of a measurement count up from so far above the planned one: a run's own stay free."""

START_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a measurement works with."""

    outside: Outside
    state: ClusterState
    machine_of: FindMachine
    token: Token


@contextlib.contextmanager
def served_alone(bench: Bench, offer: WorkerOffer, model: ModelFacts) -> Iterator[tuple[Plan, tuple[RpcServerSpec, ...]]]:
    """The whole model planned on this one worker, and its server, if it has one, once it answers by the way that a run would
    use.

    Raises ``RuntimeUnavailable`` when the model does not fit on it, ``ProcessFailed``, ``MachineUnreachable``.
    """
    if offer.is_native:
        yield _alone(offer, model), ()
        return
    plan = _placed(bench, _alone(_beside(offer), model))
    server = servers_of(plan)[0]
    program = dict(programs_for(bench.outside, bench.state, plan, bench.machine_of, cached=False))[server.machine_id]
    spec = ProcessSpec(
        id=server_process_id(server.endpoint),
        argv=rpc_server_argv(server, program.rpc_server, program.dialect, cache=False),  # made-up weights do not belong there
    )
    started: list[RunningProcess] = []
    try:
        started.append(_start(_starter_of(bench, server), spec))
        for tunnel in tunnels_of((server,)):
            machine = connected(bench.machine_of, tunnel.machine_id, tunnel.machine_name)
            tunnel_spec = replace(machine.tunnel(tunnel.forwards), id=tunnel_process_id(tunnel))
            started.append(_start(bench.outside.starter, tunnel_spec))
        _wait_until_idle(bench, server, tuple(started))
        yield plan, (server,)
    finally:
        for process in reversed(started):
            process.stop(grace_seconds=2.0)


def _beside(offer: WorkerOffer) -> WorkerOffer:
    return replace(
        offer, endpoint=_higher(offer.endpoint), listens_on=None if offer.listens_on is None else _higher(offer.listens_on)
    )


def _higher(endpoint: str) -> str:
    host, _, port = endpoint.rpartition(":")
    return f"{host}:{int(port) + PORTS_BESIDE}"


def _placed(bench: Bench, plan: Plan) -> Plan:
    ports = Ports(bench.outside.asker, bench.machine_of)
    offer = plan.used_workers[0].offer
    return with_places(plan, {offer.endpoint: ports.place_of(offer)})


def _planned_alone(offer: WorkerOffer, model: ModelFacts) -> Plan | PlanRefused:
    shape = RunShape(context_tokens=512, batch_tokens=calibration.PROMPT_TOKENS, ubatch_tokens=calibration.PROMPT_TOKENS)
    return split_layers(PlanRequest(model=model, offers=(offer,), policy=Policy.MEMORY, shape=shape))


def _alone(offer: WorkerOffer, model: ModelFacts) -> Plan:
    plan = _planned_alone(offer, model)
    if isinstance(plan, Plan):
        return plan
    raise RuntimeUnavailable(f"{model.name} does not fit on {offer.device_name} alone: {plan.reasons[0]}", advice="")


def fits_alone(offer: WorkerOffer, model: ModelFacts) -> bool:
    """Whether ``served_alone`` could place the model on this worker."""
    return isinstance(_planned_alone(offer, model), Plan)


def _starter_of(bench: Bench, server: RpcServerSpec) -> ProcessStarter:
    if server.machine_id == THIS_MACHINE:
        return bench.outside.starter
    return connected(bench.machine_of, server.machine_id, server.machine_name).starter


def _start(starter: ProcessStarter, spec: ProcessSpec) -> RunningProcess:
    return starter.start(spec, lambda _line: None, lambda _outcome: None)


def _wait_until_idle(bench: Bench, server: RpcServerSpec, started: tuple[RunningProcess, ...]) -> None:
    clock = bench.outside.clock
    deadline = clock.now_seconds() + START_SECONDS
    while bench.outside.asker.ask(server.host, server.port, timeout_seconds=1.0).state != "idle":
        ended = next((process for process in started if not process.is_alive()), None)
        if ended is not None or clock.now_seconds() > deadline:
            said = "; ".join((ended or started[0]).tail()[-3:])
            raise ProcessFailed(f"The {server.title} on {server.machine_name} did not start: {said}", advice="")
        bench.token.wait(0.05)
