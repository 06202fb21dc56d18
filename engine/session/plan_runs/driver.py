"""Drives a session as a person would: choose, launch, wait, stop. One for the terminal, one for a job behind the window.

It uses only commands and the state that everybody sees, so a plan that is measured is launched as any other. Rejected: a
launch of its own for measuring (it would measure something that nobody runs).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from engine.errors import Cancelled, EngineError, ProcessFailed
from engine.session import events
from engine.session.state import Choices, ClusterState, RunPhase
from engine.vocabulary.plan import Plan, PlanRefused


class Commands(Protocol):
    """The part of ``Session`` that is driven."""

    def snapshot(self) -> ClusterState:
        """The newest state."""

    def choose(self, choices: Choices) -> None:
        """Replace what the person chose; re-plans."""

    def choose_for_now(self, choices: Choices) -> None:
        """The same, and nobody remembers it."""

    def launch(self) -> None:
        """Start what the plan says."""

    def stop(self) -> None:
        """Stop everything."""

    def post(self, event: events.Event) -> None:
        """Put an event into the inbox."""


class Driver(ABC):
    """Commands that wait until they are done."""

    session: Commands

    @abstractmethod
    def wait_for(self, reached: Callable[[ClusterState], bool], title: str) -> ClusterState:
        """The first state that is ``reached``. Raises ``EngineError`` when the run fails meanwhile, and what ends a wait."""

    @abstractmethod
    def tell(self, step: str, fraction: float) -> None:
        """Say what is done now, and how much of all is done."""

    def choose(self, **changes: object) -> ClusterState:
        """Change the choices and wait until they are planned with."""
        wanted = replace(self.session.snapshot().choices, **changes)  # type: ignore[arg-type]
        self.session.choose_for_now(wanted)
        return self.wait_for(lambda state: state.choices == wanted, "Planning")

    def launch(self) -> ClusterState:
        """Launch and wait until the standard request was answered, or could not be. Raises ``Cancelled`` when somebody else
        stops the run meanwhile, ``ProcessFailed`` when there is no plan any more: a machine may have left since."""
        n_before = self.session.snapshot().n_launches
        self.session.launch()
        begun = self.wait_for(lambda state: state.n_launches > n_before or not isinstance(state.plan, Plan), "Launching")
        if begun.n_launches == n_before and not isinstance(begun.plan, Plan):
            reasons = begun.plan.reasons if isinstance(begun.plan, PlanRefused) else ("Nothing is left to plan with.",)
            raise ProcessFailed(f"There is no plan any more. {' '.join(reasons)}", advice="")
        self.wait_for(lambda state: state.run_phase is RunPhase.READY or _was_stopped(state), "Launching")
        state = self.wait_for(lambda state: _is_measured(state) or _was_stopped(state), "Measuring")
        if _was_stopped(state):
            raise Cancelled
        return state

    def stop(self) -> None:
        """Stop the run, keep the session."""
        self.session.stop()
        self.wait_for(_is_stopped, "Stopping")


def failure_of(state: ClusterState) -> EngineError:
    """What ended the run, as an error."""
    if not state.problems:
        return ProcessFailed("The run ended.", advice="")
    problem = state.problems[-1]
    return ProcessFailed(problem.happened, advice=problem.advice, details=problem.details)


def _is_measured(state: ClusterState) -> bool:
    return state.run is not None and (state.run.benchmark is not None or bool(state.throughput))


def _was_stopped(state: ClusterState) -> bool:
    return not state.run_wanted and state.run_phase is not RunPhase.FAILED


def _is_stopped(state: ClusterState) -> bool:
    ended = all(process.outcome is not None for process in state.processes)
    return ended and state.run_phase in (RunPhase.STOPPED, RunPhase.FAILED)
