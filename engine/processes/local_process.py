"""Programs on this machine: started on a leash, pumped, and stopped by the ladder. The one place that starts them.

What holds for every program started here:

- it is in a process group of its own, on a leash (``leash``), so it and its descendants end when we do, even by ``kill -9``;
- SIGPIPE is ignored in it. An rpc-server that answers a socket whose other end has gone is killed by SIGPIPE otherwise
  (llama_cpp: ggml-rpc.cpp ``send_data`` uses ``send`` without ``MSG_NOSIGNAL``). Python ignores SIGPIPE, an ignored signal
  stays ignored over exec, and ``restore_signals=False`` keeps ``Popen`` from undoing that;
- stdin is /dev/null (or, with ``reads_leash``, a pipe that stays open and silent while we live; or, with ``first_line``, a
  pipe with that one line), stderr goes into stdout, and a pump reads it to its end.

Two threads per program: the *pump* reads, the *waiter* waits for the program itself. One thread would not do: a program that
left a descendant behind which holds the pipe open would never be seen to end. The waiter then ends the rest of the group,
which ends the pipe, and the pump calls ``on_exit``: once, after the last line. Where a descendant has left the group (a daemon
that a ``ProxyCommand`` started) and holds the pipe all the same, the waiter does so after 5 s.
``QProcess`` (no Qt in here) and asyncio (psutil, NVML and paramiko all block) were rejected.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess  # noqa: TID251 - the one file for long-lived programs
import sys
from pathlib import Path
from threading import Event, Lock, Thread, current_thread

from engine.errors import ProcessFailed
from engine.ports import OnExit, OnLine
from engine.process_parts.condition import condition_in
from engine.process_parts.output_lines import Tail
from engine.process_parts.stop_ladder import ASKED, KILL_SECONDS, KILLED, TERMINATE_SECONDS, TERMINATED, Rung, climb
from engine.processes.child_environment import child_environment
from engine.processes.leash import Leash, new_leash
from engine.processes.memory_kills import MemoryKills
from engine.processes.memory_limit import MemoryLimiter, limit_with_headroom
from engine.processes.output_pump import pump
from engine.processes.start_failure import start_failure
from engine.vocabulary.running.process import ProcessCondition, ProcessOutcome, ProcessSpec

logger = logging.getLogger(__name__)

_LONGEST_FIRST_LINE_BYTES = 32 * 1024
"""Fits into a new pipe, so that writing it never waits for the program."""
_SIGKILL = 9
"""Windows' ``signal`` has no such name."""
_HELD_SECONDS = 5.0
_DRAIN_SECONDS = 2.0
"""How long ``stop`` waits for the last lines once the program is gone."""


class LocalProcess:
    """A program that was started. Implements ``ports.RunningProcess``."""

    def __init__(
        self, spec: ProcessSpec, process: subprocess.Popen[bytes], leash: Leash, limiter: MemoryLimiter | None
    ) -> None:
        self._spec = spec
        self._process = process
        self._leash = leash
        self._limiter = limiter
        self._memory_kills = MemoryKills(process.pid)
        self._tail = Tail()
        self._lock = Lock()
        self._stop_lock = Lock()
        self._rung = ""
        self._outcome: ProcessOutcome | None = None
        self._gone = Event()
        self._drained = Event()
        self._told = False
        self._pump_thread: Thread | None = None

    @property
    def pid(self) -> int:
        """The program's own process id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return not self._gone.is_set()

    def tail(self) -> tuple[str, ...]:
        """The last lines of its output."""
        return self._tail.lines()

    def outcome(self) -> ProcessOutcome | None:
        """How it ended, or ``None`` while it runs."""
        with self._lock:
            return self._outcome

    def condition(self) -> ProcessCondition:
        """From ``/proc``; not known where there is none."""
        try:
            return condition_in(Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return ProcessCondition.UNKNOWN if self.is_alive() else ProcessCondition.GONE

    def stop(self, *, grace_seconds: float = 5.0) -> ProcessOutcome:
        """Ask (SIGTERM to the program, ``grace_seconds``), terminate the group, kill the group. Idempotent, from any thread,
        also from within ``on_line``. Raises ``ProcessFailed`` if even the kill did not end it."""
        rungs = (
            Rung(name=ASKED, act=self._ask, seconds=grace_seconds),
            Rung(name=TERMINATED, act=self._leash.terminate, seconds=min(TERMINATE_SECONDS, grace_seconds)),
            Rung(name=KILLED, act=self._leash.kill, seconds=KILL_SECONDS),
        )
        with self._stop_lock:  # a second caller waits for the first and finds it gone
            if self.is_alive():
                climb(rungs, self._gone.wait, self._on_rung)
        if self._pump_thread is not current_thread():
            self._drained.wait(_DRAIN_SECONDS)
        outcome = self.outcome()
        if outcome is None:
            raise ProcessFailed(
                f"{self._spec.id} (process {self.pid}) does not end, even after being killed: it hangs in the system.",
                advice="A driver or a disk does not answer; restarting the machine helps.",
            )
        return outcome

    def watch(self, on_line: OnLine, on_exit: OnExit) -> None:
        """Start the two threads. Called once, by the starter."""
        self._pump_thread = Thread(target=self._pump, args=(on_line, on_exit), name=f"pump {self._spec.id}", daemon=True)
        self._pump_thread.start()
        Thread(target=self._wait, args=(on_exit,), name=f"waiter {self._spec.id}", daemon=True).start()

    def _ask(self) -> None:
        stdin = self._process.stdin
        if stdin is not None and self._spec.stop_line is not None:
            with contextlib.suppress(OSError, ValueError):  # it closed its end, or we did just now
                stdin.write(self._spec.stop_line.encode() + b"\n")
        self._leash.ask(self.pid)

    def _on_rung(self, name: str) -> None:
        with self._lock:
            self._rung = name

    def _wait(self, on_exit: OnExit) -> None:
        self._memory_kills.wait()
        code = self._process.wait()
        for_memory = code == -_SIGKILL and not self._rung and self._memory_kills.happened()
        with self._lock:
            self._outcome = ProcessOutcome(
                exit_code=code, stop_asked=bool(self._rung), rung=self._rung, killed_for_memory=for_memory
            )
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._leash.let_go()
        if self._limiter is not None:
            self._limiter.let_go(self.pid)
        self._gone.set()
        if not self._drained.wait(_HELD_SECONDS):
            self._tell_end(on_exit)

    def _pump(self, on_line: OnLine, on_exit: OnExit) -> None:
        stdout = self._process.stdout
        assert stdout is not None, "started with a pipe"  # noqa: S101 - tells the type checker
        try:
            with stdout:
                pump(stdout.fileno(), self._tail, on_line)
        finally:
            self._gone.wait()
            self._drained.set()
            self._tell_end(on_exit)

    def _tell_end(self, on_exit: OnExit) -> None:
        with self._lock:
            outcome, told, self._told = self._outcome, self._told, True
        if outcome is not None and not told:
            on_exit(outcome)


class LocalProcessStarter:
    """Starts programs on this machine. Implements ``ports.ProcessStarter``."""

    def __init__(self, memory_limiter: MemoryLimiter | None = None) -> None:
        self._limiter = memory_limiter

    def start(self, spec: ProcessSpec, on_line: OnLine, on_exit: OnExit) -> LocalProcess:
        """Start it. ``on_line`` may be called before this returns. Raises ``ProcessFailed`` with one sentence."""
        _check_sigpipe_is_ignored()
        _check_what_is_asked(spec)
        try:
            leash = new_leash()
        except OSError as error:
            raise ProcessFailed(f"Could not start {spec.id}: {error.strerror}.", advice="Close other programs.") from error
        try:
            process = _popen(spec, leash)
            leash.hold(process.pid)
        except (OSError, ValueError) as error:
            leash.let_go()
            raise start_failure(spec, error) from error
        _hand_over_first_line(spec, process)
        limiter = self._limit_memory(spec, process.pid)
        running = LocalProcess(spec, process, leash, limiter)
        running.watch(on_line, on_exit)
        return running

    def _limit_memory(self, spec: ProcessSpec, pid: int) -> MemoryLimiter | None:
        """The plan keeps within the limit anyway: where it cannot be enforced, that is a line in the log, not a refusal."""
        if spec.memory_limit_bytes is None or self._limiter is None:
            return None
        why_not = self._limiter.hold(pid, limit_with_headroom(spec.memory_limit_bytes))
        if why_not is not None:
            logger.info("No memory limit is enforced on %s: %s.", spec.id, why_not)
            return None
        return self._limiter


def _popen(spec: ProcessSpec, leash: Leash) -> subprocess.Popen[bytes]:
    if not spec.argv:
        raise ValueError("an empty command")
    return subprocess.Popen(
        list(spec.argv),
        bufsize=0,
        stdin=subprocess.PIPE if spec.reads_leash or spec.first_line is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=spec.folder,
        env=child_environment(os.environ, spec.environment),
        restore_signals=False,
        process_group=leash.process_group,
        creationflags=leash.creation_flags,
    )


def _check_what_is_asked(spec: ProcessSpec) -> None:
    if spec.keeps_running:
        raise ProcessFailed(f"Could not start {spec.id}: programs on this machine end with Crossply.")
    if spec.first_line is not None and len(spec.first_line.encode()) > _LONGEST_FIRST_LINE_BYTES:
        raise ProcessFailed(f"Could not start {spec.id}: it is handed more than {_LONGEST_FIRST_LINE_BYTES} bytes.")


def _hand_over_first_line(spec: ProcessSpec, process: subprocess.Popen[bytes]) -> None:
    stdin = process.stdin
    if stdin is None or spec.first_line is None:
        return
    with contextlib.suppress(OSError):  # it has ended already: its exit tells
        stdin.write(spec.first_line.encode() + b"\n")
        if not spec.reads_leash:
            stdin.close()


def _check_sigpipe_is_ignored() -> None:
    if sys.platform != "win32" and signal.getsignal(signal.SIGPIPE) is not signal.SIG_IGN:
        raise RuntimeError("SIGPIPE is not ignored in this process: programs that it starts would die of it")
