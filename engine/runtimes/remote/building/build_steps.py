"""Runs the steps of a build on a remote machine on a leash, and makes progress and the reason of a failure of what they print.

On the leash, because a compiler that nobody waits for would go on for half an hour on somebody's machine: closing the
connection ends it. The programs are ninja or make themselves, not ``cmake --build``: one parent less to pass the signal on.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable

from engine.errors import MachineUnreachable, ProcessFailed, RuntimeUnavailable
from engine.ports import CancelToken, ProcessStarter
from engine.remote_ports import Progress
from engine.runtimes.building.build_from_source import explain_failure, short_step
from engine.runtimes.remote.shell_script import plain_text
from engine.vocabulary.running.process import ProcessId, ProcessOutcome, ProcessSpec

_POLL_SECONDS = 0.2
_SHOWN_SECONDS = 0.2
_TAIL_LINES = 400
_LONGEST_LINE = 2000
_FOR_REASON = 40
_NINJA = re.compile(r"^\[(\d{1,6})/(\d{1,6})\] (.*)")
_MAKE = re.compile(r"^\[ *(\d{1,3})%\] (.*)")


class StepRunner:
    """The steps of one build. ``keep``: called while one runs, at least every second."""

    def __init__(
        self, starter: ProcessStarter, where: str, keep: Callable[[], None], token: CancelToken, *, folder: str
    ) -> None:
        self._starter, self._where, self._keep, self._token, self._folder = starter, where, keep, token, folder
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)

    @property
    def log(self) -> str:
        """The last 400 lines of all steps, fit to be shown."""
        return "\n".join(self._tail)

    def run(
        self,
        who: str,
        argv: tuple[str, ...],
        *,
        deadline_seconds: float,
        environment: tuple[tuple[str, str], ...] = (),
        on_line: Callable[[str], None] = lambda _line: None,
    ) -> None:
        """Run it to its end. Raises ``RuntimeUnavailable`` with the reason when it fails, ``MachineUnreachable`` when the
        connection is lost, ``Cancelled``; nothing of it runs then."""

        def hear(line: str) -> None:
            line = plain_text(line)[:_LONGEST_LINE]
            self._tail.append(line)
            on_line(line)

        spec = ProcessSpec(id=ProcessId(f"build: {who}"), argv=argv, environment=environment, folder=self._folder)
        outcome = self._to_end(spec, hear, time.monotonic() + deadline_seconds)
        if outcome.exit_code is None:
            raise MachineUnreachable(f"The connection to {self._where} was lost while {who} ran.", advice="Try again.")
        if outcome.exit_code != 0:
            raise self.failed(explain_failure(list(self._tail)[-_FOR_REASON:], who, outcome.exit_code))

    def failed(self, reason: str) -> RuntimeUnavailable:
        """The error for people."""
        return RuntimeUnavailable(
            f"llama.cpp could not be built on {self._where}: {reason}",
            advice=f"What has been compiled is kept. The end of the log is there too, in {self._folder}/build.log.",
            details=self.log,
        )

    def _to_end(self, spec: ProcessSpec, hear: Callable[[str], None], deadline: float) -> ProcessOutcome:
        ended = threading.Event()
        outcomes: list[ProcessOutcome] = []

        def on_exit(outcome: ProcessOutcome) -> None:
            outcomes.append(outcome)
            ended.set()

        process = self._starter.start(spec, hear, on_exit)
        try:
            while not ended.wait(_POLL_SECONDS):
                self._token.check()
                self._keep()
                if time.monotonic() > deadline:
                    raise ProcessFailed(f"{spec.argv[0]} did not end in time on {self._where}.", advice="It was ended.")
        except BaseException:
            process.stop()
            raise
        return outcomes[0]


class StepCounter:
    """Turns ninja's ``[n/m] step`` and make's ``[ n%] step`` into progress between two fractions; never backwards."""

    def __init__(self, progress: Progress, where: str, start: float, end: float) -> None:
        self._progress, self._where, self._start, self._end = progress, where, start, end
        self._furthest = 0.0
        self._told_at = float("-inf")

    def hear(self, line: str) -> None:
        """One line. Told at most 5 times a second."""
        counted = _counted(line)
        if counted is None:
            return
        fraction, detail = counted
        self._furthest = max(self._furthest, min(fraction, 1.0))
        now = time.monotonic()
        if now - self._told_at >= _SHOWN_SECONDS or self._furthest == 1.0:
            self._told_at = now
            self._progress(self._start + (self._end - self._start) * self._furthest, f"{detail} on {self._where}")


def _counted(line: str) -> tuple[float, str] | None:
    match = _NINJA.match(line)
    if match:
        return int(match[1]) / max(int(match[2]), 1), f"{match[1]} of {match[2]}: {short_step(match[3])}"
    match = _MAKE.match(line)
    return (int(match[1]) / 100, f"{match[1]} %: {short_step(match[2])}") if match else None
