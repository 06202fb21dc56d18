"""Before a launch: find ports that are free, and leave alone whatever is on the others.

A port in use gets the next free one, and the plan says so. Whatever is there is neither used nor stopped nor asked what it is
(``crossplyctl doctor`` asks).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from engine.cluster.servers import Place, servers_of, tunnels_of, with_places
from engine.errors import EngineError, MachineUnreachable, ProcessFailed, RpcServerUnusable
from engine.llama_cpp.command_lines import coordinator_argv
from engine.ports import RpcAsker
from engine.remote_ports import RemoteMachine
from engine.session import events
from engine.session.outside import Outside
from engine.session.reducing.planned.commands import programs_of
from engine.session.remotes import WorkerProgram
from engine.session.state import ClusterState
from engine.session.working.launching.adopt_kept import KeptPorts, kept_ports, why_not_kept
from engine.session.working.launching.cache_room import with_room
from engine.session.working.launching.open_api import open_api, place_of
from engine.session.working.launching.same_model import check_same_model
from engine.vocabulary.machine import THIS_MACHINE, MachineId
from engine.vocabulary.plan import Plan
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.worker import CacheBeforeLoad, Exposure, WorkerOffer

HOST = "127.0.0.1"
TRIED_PORTS = 200
COORDINATOR_PORT = 18080
"""llama-server's own, or the next free one: nobody but the gateway and we ourselves need to know it."""


FindMachine = Callable[[MachineId], RemoteMachine | None]


def prepare_run(outside: Outside, state: ClusterState, post: Callable[[events.Event], None], machine_of: FindMachine) -> None:
    """Post ``RunPrepared``, or a problem that ends the run."""
    plan, runtime = state.plan, state.runtime
    launch = state.n_launches
    if not isinstance(plan, Plan) or runtime is None or runtime.llama_server is None or state.dialect is None:
        happened = "This runtime has no llama-server, so nothing can coordinate the workers."
        problem = Problem(kind=ProblemKind.RUNTIME, where="this machine", happened=happened, advice="Build llama.cpp here.")
        post(events.ProblemHappened(problem=problem, ends_run=True, launch=launch))
        return
    try:
        check_same_model(outside, state, plan, post)
        programs, no_cache = with_room(programs_for(outside, state, plan, machine_of), plan, outside.prune_worker_cache())
        beyond = _ports_beyond(state.recovery.n_ports_taken)
        kept = kept_ports(state, plan, programs)
        plan, taken = _with_free_ports(Ports(outside.asker, machine_of, kept=kept, beyond=beyond), plan)
        plan = replace(plan, notes=(*plan.notes, *why_not_kept(state, plan), *no_cache))
        open_api(outside, place_of(state), post)
        port = free_port(outside.asker, COORDINATOR_PORT + beyond, taken)
        servers = servers_of(plan)
        command = coordinator_argv(plan, servers, program=runtime.llama_server, options=state.server_options, api_port=port)
    except EngineError as error:
        fault = _fault_of(error, plan, machine_of)
        where = "this machine"
        problem = Problem(kind=ProblemKind.WORKER, where=where, happened=error.happened, advice=error.advice, fault=fault)
        post(events.ProblemHappened(problem=problem, ends_run=True, launch=launch))
        return
    post(
        events.RunPrepared(
            launch=launch,
            runtime=runtime,
            dialect=state.dialect,
            server_options=state.server_options,
            plan=plan,
            servers=servers,
            worker_devices=command.devices,
            programs=programs,
            tunnels=tunnels_of(servers),
            coordinator_port=port,
            at_seconds=outside.clock.now_seconds(),
        )
    )


def _fault_of(error: EngineError, plan: Plan, machine_of: FindMachine) -> Fault | None:
    """A machine that did not answer is what the next start does without."""
    if not isinstance(error, MachineUnreachable):
        return None
    machines = dict.fromkeys(worker.offer.machine_id for worker in plan.used_workers)
    for machine_id in machines:
        machine = machine_of(machine_id)
        if machine_id != THIS_MACHINE and (machine is None or not machine.is_alive()):
            return Fault(cause=FaultCause.HOST_SILENT, machine_id=machine_id)
    return None


@dataclass
class Ports:
    """Ports given out so far: here, and on each machine."""

    asker: RpcAsker
    machine_of: FindMachine
    here: set[int] = field(default_factory=set)
    there: dict[MachineId, set[int]] = field(default_factory=dict)
    kept: KeptPorts = lambda _offer: ()
    beyond: int = 0
    """So far beyond the planned ports they are looked for."""

    def place_of(self, offer: WorkerOffer) -> Place:
        """Where its rpc-server will be. Raises ``ProcessFailed``, ``MachineUnreachable``."""
        host, _, port = offer.endpoint.rpartition(":")
        if offer.exposure is Exposure.LOOPBACK:
            return Place(endpoint=f"{HOST}:{self._here(int(port))}")
        if offer.exposure is Exposure.LAN:
            return Place(endpoint=f"{host}:{self._there(offer, host, int(port))}")
        listens = int((offer.listens_on or offer.endpoint).rpartition(":")[2])
        there = self._there(offer, HOST, listens)
        return Place(endpoint=f"{HOST}:{self._here(int(port))}", listens_on=f"{HOST}:{there}")

    def _here(self, first: int) -> int:
        port = free_port(self.asker, first + self.beyond, self.here)
        self.here.add(port)
        return port

    def _there(self, offer: WorkerOffer, host: str, first: int) -> int:
        machine = connected(self.machine_of, offer.machine_id, offer.machine_name)
        taken = self.there.setdefault(offer.machine_id, set())
        left_running = (port for port in self.kept(offer) if port not in taken and _is_idle(machine.asker, host, port))
        port = next(left_running, None) or free_port(machine.asker, first + self.beyond, taken, host, offer.machine_name)
        taken.add(port)
        return port


def _is_idle(asker: RpcAsker, host: str, port: int) -> bool:
    """Not one that serves another Crossply, which would lose its run to us."""
    try:
        return asker.ask(host, port).state == "idle"
    except RpcServerUnusable:
        return False


def _ports_beyond(n_taken: int) -> int:
    """Two Crossplys that start in the same second look for the same ports, and go on doing so as long as both begin at the
    same one: after a port was taken they begin by chance."""
    return random.randrange(20, TRIED_PORTS) if n_taken else 0  # noqa: S311 - no secret


def connected(machine_of: FindMachine, machine_id: MachineId, name: str) -> RemoteMachine:
    """The machine, if we are logged in to it. Raises ``MachineUnreachable``."""
    machine = machine_of(machine_id)
    if machine is None:
        raise MachineUnreachable(f"There is no connection to {name} now.", advice="Wait until it is back, or remove it.")
    return machine


def _with_free_ports(ports: Ports, plan: Plan) -> tuple[Plan, set[int]]:
    offers = {worker.offer.endpoint: worker.offer for worker in plan.used_workers if not worker.offer.is_native}
    moved = {endpoint: ports.place_of(offer) for endpoint, offer in offers.items()}
    notes = tuple(note for endpoint, place in moved.items() if (note := _moved_note(offers[endpoint], place)))
    return replace(with_places(plan, moved), notes=(*plan.notes, *notes)), ports.here


def _moved_note(offer: WorkerOffer, got: Place) -> str | None:
    planned_there, got_there = offer.listens_on or offer.endpoint, got.listens_on or got.endpoint
    if planned_there == got_there:
        return None
    where = "" if offer.machine_id == THIS_MACHINE else f" of {offer.machine_name}"
    return f"Another program listens on {planned_there}{where}, so this worker gets {got_there}."


def programs_for(
    outside: Outside, state: ClusterState, plan: Plan, machine_of: FindMachine, *, cached: bool = True
) -> tuple[tuple[MachineId, WorkerProgram], ...]:
    """With what each machine's rpc-servers are started. ``cached``: they load into the caches there, which are brought within
    their size."""
    programs = programs_of(state, cache_folder=outside.worker_cache_folder, plan=plan)
    names = {worker.offer.machine_id: worker.offer.machine_name for worker in plan.used_workers}
    for machine_id, name in names.items():
        if machine_id == THIS_MACHINE:
            continue
        machine = connected(machine_of, machine_id, name)
        cache = machine.prune_worker_cache() if cached else CacheBeforeLoad()
        if machine_id not in programs:
            raise ProcessFailed(f"{name} has no llama.cpp that may work with ours.", advice="Copy our build there.")
        programs[machine_id] = replace(programs[machine_id], cache_folder=machine.worker_cache_folder, cache=cache)
    return tuple(programs.items())


def free_port(asker: RpcAsker, first: int, taken: set[int], host: str = HOST, machine_name: str = "this machine") -> int:
    """The first port from ``first`` up that is free and not in ``taken``. Raises ``ProcessFailed``."""
    for port in range(first, min(first + TRIED_PORTS, 65536)):
        if port not in taken and asker.is_free(host, port):
            return port
    raise ProcessFailed(
        f"None of the {TRIED_PORTS} ports from {first} up is free on {host} of {machine_name}.",
        advice="Stop what listens there.",
    )
