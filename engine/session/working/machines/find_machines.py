"""The job that searches the network. What it finds grows in the state; nothing is logged in to by it.

An rpc-server that we use is never asked again: it answers nobody else while it serves, and one that gave up asking kills it
when its answer comes (``examine`` tells why). So the search is told which those are, at every moment of it.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import EngineError
from engine.session import events, remote_events
from engine.session.jobs import Token
from engine.session.outside import Outside
from engine.session.reducing.processes_seen import alive
from engine.session.state import ClusterState
from engine.session.working.machines.look import problem_of
from engine.vocabulary.found import FoundMachine
from engine.vocabulary.running.problem import ProblemKind

FIND = "find-machines"


def endpoints_in_use(state: ClusterState) -> frozenset[str]:
    """``host:port`` of the rpc-servers that the run wants, and of those that have not ended yet."""
    wanted = state.run.servers if state.run is not None and state.run_wanted else ()
    running = (process.endpoint for process in alive(state) if process.endpoint is not None)
    return frozenset((*(server.endpoint for server in wanted), *running))


def find_machines(
    outside: Outside,
    *,
    wide: bool,
    snapshot: Callable[[], ClusterState],
    post: Callable[[events.Event], None],
    token: Token,
) -> None:
    """Search in all ways; always ends in a ``FindingProgressed`` that says so."""
    post(remote_events.FindingProgressed(running=True, detail="searching", found=()))

    latest: tuple[float | None, str] = (None, "searching")

    def on_found(found: tuple[FoundMachine, ...]) -> None:
        fraction, detail = latest
        post(remote_events.FindingProgressed(running=True, fraction=fraction, detail=detail, found=found))

    def progress(fraction: float | None, detail: str) -> None:
        nonlocal latest
        latest = (fraction, detail)
        post(remote_events.FindingProgressed(running=True, fraction=fraction, detail=detail))

    def in_use() -> frozenset[str]:
        return endpoints_in_use(snapshot())

    try:
        outside.network.find(on_found, wide=wide, progress=progress, token=token, in_use=in_use)
    except EngineError as error:
        post(events.ProblemHappened(problem=problem_of(error, ProblemKind.MACHINE, "the network")))
    finally:
        post(remote_events.FindingProgressed(running=False))
