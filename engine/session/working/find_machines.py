"""The job that searches the network. What it finds grows in the state; nothing is logged in to by it."""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import EngineError
from engine.session import events, remote_events
from engine.session.jobs import Token
from engine.session.outside import Outside
from engine.session.working.look import problem_of
from engine.vocabulary.found import FoundMachine
from engine.vocabulary.problem import ProblemKind

FIND = "find-machines"


def find_machines(outside: Outside, *, wide: bool, post: Callable[[events.Event], None], token: Token) -> None:
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

    try:
        outside.network.find(on_found, wide=wide, progress=progress, token=token)
    except EngineError as error:
        post(events.ProblemHappened(problem=problem_of(error, ProblemKind.MACHINE, "the network")))
    finally:
        post(remote_events.FindingProgressed(running=False))
