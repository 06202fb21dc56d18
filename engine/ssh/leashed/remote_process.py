"""A program on another machine, as ``ports.RunningProcess``: started on a leash over one channel, watched, stopped.

Two threads per program: the *reader* takes what comes and tells the leash's words from the program's output; the *pump* hands
out the lines. With one thread a callback that stops the program would wait for an end that only it could read. What waits
between them is bounded, so a callback that hangs makes the program wait, not us grow.

The end of the stream without the leash's last word means that the connection (or the leash) is gone: the exit status is not
known, and the other side's leash has let go or is about to.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from queue import Queue
from threading import Event, Lock, Thread, current_thread

from engine.errors import EngineError, ProcessFailed
from engine.ports import OnExit, OnLine
from engine.process_parts.condition import condition_in
from engine.process_parts.output_lines import Tail, deliver, lines_in
from engine.process_parts.stop_ladder import ASKED, KILL_SECONDS, KILLED, TERMINATE_SECONDS, TERMINATED, Rung, climb
from engine.remote_ports import RemoteStream
from engine.ssh.leashed.heartbeat import Heartbeat
from engine.ssh.leashed.leash_output import CouldNotStart, Ended, LeashOutput, Piece, Started
from engine.ssh.leashed.leash_programs import ASK, KILL, TERMINATE
from engine.vocabulary.running.process import ConnectionLoss, ProcessCondition, ProcessOutcome, ProcessSpec

_READ_BYTES = 32 * 1024
_WAITING_CHUNKS = 256
"""8 MiB at most between reader and pump."""
_LEASH_KILL_SECONDS = 3.0
"""What the leash gets to kill before it is killed itself over a second channel."""
_DRAIN_SECONDS = 2.0
"""How long ``stop`` waits for the last lines once the program is gone."""

_CODES_OF_FAILED_EXEC = {126: "wrong-kind", 127: "no-loader"}
"""POSIX, Shell Command Language, 2.8.2. That the file exists and may be run was looked at before."""

KillThere = Callable[[Started], None]
"""Kill the group and its leash over a channel of its own."""
LookThere = Callable[[Started], str]
"""What the system there says of the program (``condition_in``). Raises ``EngineError``."""


def _refusal_of_shell(ended: Ended) -> CouldNotStart | None:
    reason = _CODES_OF_FAILED_EXEC.get(ended.code)
    return CouldNotStart(reason=reason, words="") if reason else None


class RemoteProcess:
    """A program that was started. Implements ``ports.RunningProcess``."""

    def __init__(
        self, spec: ProcessSpec, machine_name: str, stream: RemoteStream, output: LeashOutput, heartbeat: Heartbeat
    ) -> None:
        self._spec = spec
        self._machine_name = machine_name
        self._stream = stream
        self._output = output
        self._heartbeat = heartbeat
        self._chunks: Queue[bytes] = Queue(_WAITING_CHUNKS)
        self._tail = Tail()
        self._lock = Lock()
        self._stop_lock = Lock()
        self._rung = ""
        self._outcome: ProcessOutcome | None = None
        self._started: Started | None = None
        self._refusal: CouldNotStart | None = None
        self._ended: Ended | None = None
        self._answered = Event()
        self._gone = Event()
        self._drained = Event()
        self._pump_thread: Thread | None = None
        self._kill_there: KillThere | None = None
        self._look_there: LookThere | None = None

    @property
    def pid(self) -> int:
        """The program's own process id, on its machine."""
        assert self._started is not None, "it has started"  # noqa: S101 - the starter hands out no other
        return self._started.pid

    @property
    def greeting(self) -> str:
        """What the machine said before the leash did: untrusted."""
        return self._output.greeting

    def is_alive(self) -> bool:
        """Whether it still runs, as far as the connection tells."""
        return not self._gone.is_set()

    def tail(self) -> tuple[str, ...]:
        """The last lines of its output."""
        return self._tail.lines()

    def outcome(self) -> ProcessOutcome | None:
        """How it ended; ``None`` while it runs."""
        with self._lock:
            return self._outcome

    def stop(self, *, grace_seconds: float = 5.0) -> ProcessOutcome:
        """Ask (SIGTERM to the program, ``grace_seconds``), terminate the group, have the leash kill the group, kill group and
        leash over a second channel. Idempotent, from any thread, also from within ``on_line``. Raises ``ProcessFailed`` if it
        is not gone then."""
        rungs = (
            Rung(name=ASKED, act=lambda: self._command(ASK), seconds=grace_seconds),
            Rung(name=TERMINATED, act=lambda: self._command(TERMINATE), seconds=min(TERMINATE_SECONDS, grace_seconds)),
            Rung(name=KILLED, act=lambda: self._command(KILL), seconds=_LEASH_KILL_SECONDS),
            Rung(name=KILLED, act=self._kill_over_second_channel, seconds=KILL_SECONDS),
        )
        with self._stop_lock:  # a second caller waits for the first and finds it gone
            if self.is_alive():
                climb(rungs, self._gone.wait, self._on_rung)
        if self._pump_thread is not current_thread():
            self._drained.wait(_DRAIN_SECONDS)
        outcome = self.outcome()
        if outcome is None:
            raise ProcessFailed(
                f"{self._spec.id} on {self._machine_name} (process {self.pid}) does not end, even after being killed.",
                advice="A driver or a disk does not answer there, or the connection hangs; it ends with the connection.",
            )
        return outcome

    def condition(self) -> ProcessCondition:
        """Asked over a second channel."""
        if self._look_there is None or self._started is None or not self.is_alive():
            return ProcessCondition.UNKNOWN
        try:
            return condition_in(self._look_there(self._started))
        except (EngineError, OSError):
            return ProcessCondition.UNKNOWN

    def read(self) -> None:
        """Start the reader. Called once, by the starter."""
        Thread(target=self._read, name=f"reader {self._spec.id}", daemon=True).start()

    def wait_for_answer(self, seconds: float, settle_seconds: float) -> CouldNotStart | None:
        """Wait until it has started, and ``settle_seconds`` longer for a shell's word that it could not. Why it could not be
        started or ``None``. Raises ``TimeoutError`` when no leash answered in time or the stream ended before it did."""
        self._answered.wait(seconds)
        if self._started is not None and settle_seconds and self._gone.wait(settle_seconds) and self._ended is not None:
            return _refusal_of_shell(self._ended)
        if self._refusal is None and self._started is None:
            raise TimeoutError
        return self._refusal

    def watch(self, on_line: OnLine, on_exit: OnExit, kill_there: KillThere, look_there: LookThere) -> None:
        """Start the pump. Called once, by the starter."""
        self._kill_there, self._look_there = kill_there, look_there
        self._pump_thread = Thread(target=self._pump, args=(on_line, on_exit), name=f"pump {self._spec.id}", daemon=True)
        self._pump_thread.start()

    def give_up(self) -> None:
        """It did not start: let go of the channel."""
        self._heartbeat.remove(self._stream)
        self._stream.close()

    def _command(self, command: bytes) -> None:
        self._heartbeat.command(self._stream, command)

    def _kill_over_second_channel(self) -> None:
        if self._kill_there is not None and self._started is not None:
            with contextlib.suppress(EngineError, OSError):
                self._kill_there(self._started)

    def _on_rung(self, name: str) -> None:
        with self._lock:
            self._rung = name

    def _read(self) -> None:
        try:
            for piece in self._pieces():
                self._take(piece)
                if self._ended is not None:
                    break
        finally:
            self._finish()

    def _pieces(self) -> Iterator[Piece]:
        while chunk := self._stream.read(_READ_BYTES):
            yield from self._output.feed(chunk)
        yield from self._output.finish()

    def _take(self, piece: Piece) -> None:
        if isinstance(piece, bytes):
            self._chunks.put(piece)
        elif isinstance(piece, Started):
            self._started = piece
            self._answered.set()
        elif isinstance(piece, Ended):
            self._ended = piece
        else:
            self._refusal = piece
            self._answered.set()

    def _finish(self) -> None:
        with self._lock:
            ended = self._ended
            self._outcome = ProcessOutcome(
                exit_code=None if ended is None else ended.code,
                stop_asked=bool(self._rung),
                rung=self._rung,
                killed_for_memory=ended is not None and ended.for_memory,
                loss=None if ended is not None or self._rung else self._stream.loss() or ConnectionLoss.LEASH,
            )
        self._heartbeat.remove(self._stream)
        self._stream.close()
        self._gone.set()
        self._answered.set()
        self._chunks.put(b"")

    def _pump(self, on_line: OnLine, on_exit: OnExit) -> None:
        try:
            deliver(lines_in(iter(self._chunks.get, b"")), self._tail, on_line)
        finally:
            self._gone.wait()
            self._drained.set()
            outcome = self.outcome()
            if outcome is not None:
                on_exit(outcome)
