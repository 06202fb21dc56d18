"""Before a launch: find ports that are free, and leave alone whatever is on the others.

A port in use gets the next free one, and the plan says so. Whatever is there is neither used nor stopped nor asked what it is
(``crossplyctl doctor`` asks).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.cluster.servers import servers_of, with_endpoints
from engine.errors import EngineError, ProcessFailed
from engine.llama_cpp.command_lines import coordinator_argv
from engine.ports import RpcAsker
from engine.session import events
from engine.session.outside import Outside
from engine.session.state import ClusterState
from engine.vocabulary.plan import Plan
from engine.vocabulary.problem import Problem, ProblemKind

HOST = "127.0.0.1"
TRIED_PORTS = 200


def prepare_run(outside: Outside, state: ClusterState, post: Callable[[events.Event], None]) -> None:
    """Post ``RunPrepared``, or a problem that ends the run."""
    plan, runtime = state.plan, state.runtime
    launch = state.n_launches
    if not isinstance(plan, Plan) or runtime is None or runtime.llama_server is None or state.dialect is None:
        happened = "This runtime has no llama-server, so nothing can coordinate the workers."
        problem = Problem(kind=ProblemKind.RUNTIME, where="this machine", happened=happened, advice="Build llama.cpp here.")
        post(events.ProblemHappened(problem=problem, ends_run=True, launch=launch))
        return
    outside.prune_worker_cache()
    try:
        plan, taken = _with_free_ports(outside.asker, plan)
        api_port = free_port(outside.asker, state.choices.api_port, taken)
        servers = servers_of(plan)
        command = coordinator_argv(
            plan, servers, program=runtime.llama_server, options=state.server_options, api_port=api_port
        )
    except EngineError as error:
        problem = Problem(kind=ProblemKind.WORKER, where="this machine", happened=error.happened, advice=error.advice)
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
            api_port=api_port,
            at_seconds=outside.clock.now_seconds(),
        )
    )


def _with_free_ports(asker: RpcAsker, plan: Plan) -> tuple[Plan, set[int]]:
    moved: dict[str, str] = {}
    taken: set[int] = set()
    for endpoint in dict.fromkeys(worker.offer.endpoint for worker in plan.used_workers):
        port = free_port(asker, int(endpoint.rpartition(":")[2]), taken)
        taken.add(port)
        moved[endpoint] = f"{HOST}:{port}"
    notes = tuple(
        f"Another program listens on {planned}, so this worker gets {got}." for planned, got in moved.items() if planned != got
    )
    return replace(with_endpoints(plan, moved), notes=(*plan.notes, *notes)), taken


def free_port(asker: RpcAsker, first: int, taken: set[int]) -> int:
    """The first port from ``first`` up that is free and not in ``taken``. Raises ``ProcessFailed``."""
    for port in range(first, min(first + TRIED_PORTS, 65536)):
        if port not in taken and asker.is_free(HOST, port):
            return port
    raise ProcessFailed(
        f"None of the {TRIED_PORTS} ports from {first} up is free on {HOST}.", advice="Stop what listens there."
    )
