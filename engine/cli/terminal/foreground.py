"""A session in the foreground of a terminal: progress on stderr, everything stopped on Ctrl-C or SIGTERM.

The main thread pulls the state ten times a second, like the window does. Signals only set a flag: what they mean is done in
the loop, so that nothing is stopped half.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from engine.cli.terminal.output import complain, say, stderr_console
from engine.cli.terminal.recovery_news import RecoveryNews
from engine.errors import EngineError, ProcessFailed
from engine.session.plan_runs.driver import Driver, failure_of
from engine.session.session import Session
from engine.session.state import ClusterState, RunPhase, RuntimePhase
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.plan import Plan

POLL_SECONDS = 0.1


class Interrupted(Exception):
    """Ctrl-C or SIGTERM."""


class Foreground(Driver):
    """Waits for the session with progress shown."""

    session: Session

    def __init__(self, session: Session) -> None:
        self.session = session
        self._asked = threading.Event()
        self._told: set[str] = set()
        self._news = RecoveryNews()

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Remember that somebody wants it to end."""
        self._asked.set()

    def wait_for(self, reached: Callable[[ClusterState], bool], title: str) -> ClusterState:
        """Pull states until ``reached``. Raises ``Interrupted``, and ``EngineError`` when the run fails meanwhile."""
        with self._progress() as progress:
            task = progress.add_task(title, total=None)
            while True:
                state = self.session.snapshot()
                if reached(state):
                    return state
                self._show(progress, task, title, state)
                if self._asked.wait(POLL_SECONDS):
                    raise Interrupted
                if state.run_phase is RunPhase.FAILED:
                    raise failure_of(state)

    def wait_until_looked(self) -> ClusterState:
        """Until this machine, its llama.cpp and the model were looked at, whatever was found."""
        return self.wait_for(_settled, "Looking at this machine")

    def wait_until_planned(self) -> ClusterState:
        """Until there is a plan or a reason why not. Raises ``EngineError`` when there is no runtime or no model."""
        state = self.wait_until_looked()
        if state.runtime_phase is RuntimePhase.MISSING:
            raise _no_runtime(state)
        if state.model_problem is not None:
            raise ProcessFailed(state.model_problem.happened, advice=state.model_problem.advice)
        return state

    def tell(self, step: str, fraction: float) -> None:
        """A line on stderr."""
        del fraction
        say(step)

    def stay(self) -> None:
        """Until interrupted, or until the run fails (then raises). What breaks meanwhile, and what becomes of it, is told."""
        while not self._asked.wait(POLL_SECONDS):
            state = self.session.snapshot()
            if state.run_phase is RunPhase.FAILED:
                raise failure_of(state)
            if state.run_phase is RunPhase.STOPPED:
                return  # the question whether to go on was answered: no
            if state.recovery.goes_on:
                self.tell_problems(state)
            self._news.tell(state, self.session)
        self._asked.clear()  # heard: what follows may be waited for, until the next one

    def tell_problems(self, state: ClusterState) -> None:
        """Those that were not told yet."""
        self._told &= {problem.happened for problem in state.problems}
        for problem in state.problems:
            if problem.happened not in self._told:
                self._told.add(problem.happened)
                complain(problem.happened, problem.advice)

    def _show(self, progress: Progress, task: TaskID, title: str, state: ClusterState) -> None:
        self.tell_problems(state)
        self._news.tell(state, self.session)
        text, fraction = _doing(state, title)
        progress.update(task, description=text, completed=None if fraction is None else fraction * 100)
        progress.update(task, total=None if fraction is None else 100.0)

    @contextmanager
    def _progress(self) -> Iterator[Progress]:
        console = stderr_console()
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            yield progress


@contextmanager
def in_foreground(session: Session) -> Iterator[Foreground]:
    """Run a started session; it is closed at the end, whatever happens, and every process with it."""
    foreground = Foreground(session)
    before = {number: signal.signal(number, foreground.on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield foreground
    finally:
        session.close()
        if not session.join():
            say("Some processes did not end in time; they end with this program.")
        for number, handler in before.items():
            signal.signal(number, handler)


def _doing(state: ClusterState, title: str) -> tuple[str, float | None]:
    if state.activities:
        activity = state.activities[0]
        return f"{activity.title}: {activity.detail}".rstrip(": "), activity.fraction
    if state.run_phase is RunPhase.LOADING_MODEL and state.run is not None and state.run.load is not None:
        load = state.run.load
        return f"Loading {load.done_bytes / 1e6:.0f} of {load.total_bytes / 1e6:.0f} MB", load.fraction
    if state.run_phase in (RunPhase.STARTING_WORKERS, RunPhase.LOADING_MODEL, RunPhase.RECOVERING):
        return state.run_phase.value.capitalize(), None
    return title, None


def _settled(state: ClusterState) -> bool:
    here = any(machine.id == THIS_MACHINE for machine in state.machines)
    looked = state.runtime_phase is RuntimePhase.MISSING or (state.runtime is not None and here)
    read = state.choices.model_path is None or state.model is not None or state.model_problem is not None
    return looked and read


def _no_runtime(state: ClusterState) -> EngineError:
    unusable = next((runtime for runtime in state.runtimes if runtime.why_unusable), None)
    why = f" {unusable.folder}: {unusable.why_unusable}" if unusable else ""
    return ProcessFailed(
        f"There are no usable llama.cpp programs on this machine.{why}",
        advice="Run crossplyctl runtime build, or name a folder with --runtime.",
    )


def plan_or_refusal(state: ClusterState) -> Plan:
    """The plan. Raises ``PlanIsRefused`` with its reasons."""
    if isinstance(state.plan, Plan):
        return state.plan
    raise PlanIsRefused(state.plan.reasons if state.plan is not None else ("Choose a model first.",))


class PlanIsRefused(Exception):
    """There is no plan."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons
