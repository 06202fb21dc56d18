"""A ``ProcessStarter`` without processes: programs are scripts of lines and an ending. Single-threaded and immediate: the
callbacks run inside ``start``, ``say``, ``exit`` and ``stop``, so a test needs no waiting."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import ProcessFailed
from engine.ports import OnExit, OnLine
from engine.vocabulary.running.process import ConnectionLoss, ProcessCondition, ProcessOutcome, ProcessSpec

TAIL_LINES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeProgram:
    """What a program does when it is started."""

    lines: tuple[str, ...] = ()
    exit_code: int | None = None
    """``None`` = it keeps running until it is stopped or told to ``exit``."""
    ignores_term: bool = False
    ends_with: int = -15
    """Its exit code when it is asked to end."""
    why_it_cannot_start: str | None = None


class FakeProcess:
    """A program that 'runs'."""

    def __init__(self, spec: ProcessSpec, program: FakeProgram, pid: int, on_line: OnLine, on_exit: OnExit) -> None:
        self.spec = spec
        self._program = program
        self._pid = pid
        self._on_line = on_line
        self._on_exit = on_exit
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._outcome: ProcessOutcome | None = None
        self.is_in = ProcessCondition.RUNNING
        self.grace_seconds: float | None = None
        """What it was given to end by itself; ``None`` = nobody asked."""

    @property
    def pid(self) -> int:
        """A made-up number."""
        return self._pid

    def is_alive(self) -> bool:
        return self._outcome is None

    def tail(self) -> tuple[str, ...]:
        return tuple(self._tail)

    def outcome(self) -> ProcessOutcome | None:
        return self._outcome

    def condition(self) -> ProcessCondition:
        return self.is_in if self.is_alive() else ProcessCondition.GONE

    def stop(self, *, grace_seconds: float = 5.0) -> ProcessOutcome:
        if self._outcome is not None:
            return self._outcome
        self.grace_seconds = grace_seconds
        if self._program.ignores_term:
            return self._end(ProcessOutcome(exit_code=-9, stop_asked=True, rung="killed"))
        return self._end(ProcessOutcome(exit_code=self._program.ends_with, stop_asked=True, rung="asked"))

    def say(self, *lines: str) -> None:
        """The program prints."""
        assert self._outcome is None, "a program that has ended prints nothing"
        for line in lines:
            self._tail.append(line)
            self._on_line(line)

    def exit(self, code: int) -> None:
        """The program ends by itself."""
        self._end(ProcessOutcome(exit_code=code, stop_asked=False))

    def is_lost(self, loss: ConnectionLoss) -> None:
        """It was on another machine, and the connection is gone."""
        self._end(ProcessOutcome(exit_code=None, stop_asked=False, loss=loss))

    def _end(self, outcome: ProcessOutcome) -> ProcessOutcome:
        assert self._outcome is None, "a program ends once"
        self._outcome = outcome
        self._on_exit(outcome)
        return outcome


class FakeProcessStarter:
    """Starts ``FakeProgram``s, looked up by the last part of ``argv[0]``. A program that is not listed is missing."""

    def __init__(self, programs: Mapping[str, FakeProgram]) -> None:
        self._programs = dict(programs)
        self.started: list[FakeProcess] = []

    def start(self, spec: ProcessSpec, on_line: OnLine, on_exit: OnExit) -> FakeProcess:
        program = self._programs.get(spec.argv[0].rsplit("/", 1)[-1])
        why = f"there is no program {spec.argv[0]}" if program is None else program.why_it_cannot_start
        if program is None or why is not None:
            raise ProcessFailed(f"Could not start {spec.id}: {why}.", advice="Check the path.")
        process = FakeProcess(spec, program, 1000 + len(self.started), on_line, on_exit)
        self.started.append(process)
        process.say(*program.lines)
        if program.exit_code is not None:
            process.exit(program.exit_code)
        return process

    def running(self) -> tuple[FakeProcess, ...]:
        """Those that have not ended, in start order."""
        return tuple(process for process in self.started if process.is_alive())
