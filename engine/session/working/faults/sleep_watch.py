"""This machine slept, with a run going on: nobody was there to hold the leashes, and what is connected is doubtful.

Our timeouts count the time awake, so after a sleep each would begin anew. Instead everything is looked at at once: a machine
that is not heard within moments is lost. A wall clock that jumps means nothing here: no time-out looks at it.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.ports import Clock
from engine.session import events
from engine.session.jobs import Token
from engine.session.state import ClusterState
from engine.session.working.machines.remote_machines import RemoteMachines
from engine.vocabulary.running.problem import Problem, ProblemKind

LOOK_SECONDS = 1.0
SHORTEST_SLEEP_SECONDS = 2.0
"""The two clocks that are compared are not read in the same moment."""
HEARD_SECONDS = 4.0
"""Two of the questions that are asked every 2 s."""


def watch_sleep(
    clock: Clock,
    remotes: RemoteMachines,
    snapshot: Callable[[], ClusterState],
    post: Callable[[events.Event], None],
    token: Token,
) -> None:
    """Until cancelled."""
    before = clock.slept_seconds()
    while True:
        token.wait(LOOK_SECONDS)
        now = clock.slept_seconds()
        slept, before = now - before, now
        if slept < SHORTEST_SLEEP_SECONDS:
            continue
        remotes.doubt_all(HEARD_SECONDS)
        run = snapshot().run
        if snapshot().run_wanted and run is not None and run.tunnels:
            post(events.ProblemHappened(problem=_slept(slept)))


def _slept(seconds: float) -> Problem:
    return Problem(
        kind=ProblemKind.MACHINE,
        where="this machine",
        happened=f"This machine slept for {seconds:.0f} s while a cluster was up.",
        advice="Workers elsewhere end when they hear nothing from here for 10 s: keep this machine awake while it serves.",
    )
