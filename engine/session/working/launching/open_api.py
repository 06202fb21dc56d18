"""Opens the API's address, and says so. What cannot be had on the network is told and never taken for granted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.errors import EngineError
from engine.session import events
from engine.session.outside import Outside
from engine.session.state import ClusterState
from engine.vocabulary.running.api import ApiPlace
from engine.vocabulary.running.problem import Problem, ProblemKind


def place_of(state: ClusterState) -> ApiPlace:
    """Where the person wants it, and for whom."""
    return replace(state.api_place, port=state.choices.api_port)


def open_api(outside: Outside, place: ApiPlace, post: Callable[[events.Event], None]) -> None:
    """Raises ``EngineError`` when it cannot be had on this machine; on the network alone is a problem that is told, and so is
    that the administrator forbids it."""
    if place.network_address is not None and outside.policy.exposure_forbidden:
        place = replace(place, network_address=None)
        happened = f"The API is not opened on the network: the administrator forbids it in {outside.policy.path}."
        post(events.ProblemHappened(problem=Problem(kind=ProblemKind.COORDINATOR, where="API", happened=happened)))
    try:
        opened = outside.gateway.open(place)
    except EngineError as error:
        if place.network_address is None:
            raise
        opened = outside.gateway.open(replace(place, network_address=None))
        post(events.ProblemHappened(problem=_problem_of(error)))
    post(events.ApiWasOpened(api=opened))


def open_api_or_tell(outside: Outside, place: ApiPlace, post: Callable[[events.Event], None]) -> None:
    """The same outside a launch: that it cannot be had is a problem and no end."""
    try:
        open_api(outside, place, post)
    except EngineError as error:
        post(events.ProblemHappened(problem=_problem_of(error)))


def _problem_of(error: EngineError) -> Problem:
    return Problem(kind=ProblemKind.COORDINATOR, where="API", happened=error.happened, advice=error.advice)
