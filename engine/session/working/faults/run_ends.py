"""Who broke it? Processes of one run end within moments of each other, and llama-server is often heard of first.

llama-server aborts when a worker or a tunnel ends, and does not say which. So when it aborts, its own end is told only when
nobody beneath it has ended for a moment more; else the one that is to blame has been named already. One that was killed, or
that ended by itself, was not ended by a worker.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from engine.cluster.servers import COORDINATOR
from engine.session.jobs import Jobs, Token
from engine.session.working.faults.exit_problems import SILENT_SECONDS, Ended, problem_of_exit, silent_problem
from engine.session.working.launching.prepare_run import FindMachine
from engine.vocabulary.machine import MachineId
from engine.vocabulary.running.problem import Problem

WHY = "why llama-server ended"
WAIT_SECONDS = 1.0
STEP_SECONDS = 0.05
_ABORTED = (-6, 134)
"""SIGABRT, as the system and as a shell tells it."""

Tell = Callable[[Problem | None], None]


class RunEnds:
    """Takes the ends of one run after another."""

    def __init__(self, jobs: Jobs, machine_of: FindMachine) -> None:
        self._jobs = jobs
        self._machine_of = machine_of
        self._named = threading.Event()

    def begin(self) -> None:
        """llama-server is about to be started: what ended before belongs to another run."""
        self._named.clear()

    def take(self, ended: Ended, tell: Tell) -> None:
        """Call ``tell`` once: with why it ended, or with ``None`` where it was asked to or another one is the reason. At once,
        but for llama-server."""
        if ended.outcome.stop_asked:
            tell(None)
        elif ended.started.id == COORDINATOR:
            self._jobs.start(WHY, lambda token: self._wait_and_tell(ended, tell, token))
        else:
            tell(problem_of_exit(replace(ended, silent_seconds=self.silent_seconds(ended.started.machine_id))))
            self._named.set()

    def silent_seconds(self, machine_id: MachineId | None) -> float:
        """For how long a machine was not heard; 0 for this one, and for one that is known to be disconnected."""
        machine = None if machine_id is None else self._machine_of(machine_id)
        return 0.0 if machine is None else machine.silent_seconds()

    def _wait_and_tell(self, ended: Ended, tell: Tell, token: Token) -> None:
        try:
            waits = round(WAIT_SECONDS / STEP_SECONDS) if ended.outcome.exit_code in _ABORTED else 0
            for _ in range(waits):
                if self._named.is_set():
                    break
                token.wait(STEP_SECONDS)
        finally:  # cancelled, too: nobody else says that it is gone
            tell(None if self._named.is_set() else self._silent_one(ended) or problem_of_exit(ended))

    def _silent_one(self, ended: Ended) -> Problem | None:
        servers = ended.run.servers if ended.run else ()
        for machine_id, name in {server.machine_id: server.machine_name for server in servers}.items():
            seconds = self.silent_seconds(machine_id)
            if seconds >= SILENT_SECONDS:
                return silent_problem(machine_id, name, seconds)
        return None
