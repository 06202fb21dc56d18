"""A process of ours: what to start, which phase it is in, and how it ended, in words."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

ProcessId = NewType("ProcessId", str)
"""Ours, not the system's: ``rpc-server 127.0.0.1:50052``, ``llama-server``."""


class ProcessPhase(StrEnum):
    """Where a process is in its life. Transitions are held in ``cluster.phases``."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """A process to be started. ``environment`` is added to our own."""

    id: ProcessId
    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    folder: str | None = None
    reads_leash: bool = False
    """Give the program the leash as its standard input instead of nothing: for llama-server, which then reports its load
    progress and ends by itself when the leash is let go (see ``llama_cpp.server_log``)."""
    stop_line: str | None = None
    """A line for its standard input that tells it to end, written before the signal that asks; only with ``reads_leash``."""
    memory_limit_bytes: int | None = None
    """Hold it to this, and some headroom, where the system offers it (see ``processes.memory_limit``). ``None`` = no limit."""
    first_line: str | None = field(default=None, repr=False)
    """Written to its standard input at the start, with a line end: for what must be in no command line, such as a password.
    At most 32 KiB. Without ``reads_leash`` its input then ends."""
    keeps_running: bool = False
    """On a remote machine: it outlives us and is found again (see ``ssh.leashed.kept_processes``). Elsewhere refused."""


class ConnectionLoss(StrEnum):
    """How a program on another machine was lost from sight: its exit status is not known then."""

    CLOSED = "the connection ended"
    """Closed or reset by the other side: that machine, or what is between, still answered."""
    SILENT = "nothing was heard"
    """Switched off, asleep, hanging, cable pulled."""
    LEASH = "what held it ended"
    """The connection is well; the program of ours that held it there is gone, and it with it."""


class ProcessCondition(StrEnum):
    """What the system says of a process that has not ended."""

    RUNNING = "running"
    STOPPED = "stopped by a signal"
    """SIGSTOP, or a debugger: it goes on only when somebody tells it to."""
    STUCK = "waiting in the system"
    """Uninterruptible: for a disk, a driver, a network file system."""
    GONE = "gone"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessOutcome:
    """How a process ended."""

    exit_code: int | None
    """As the system says it: negative = killed by that signal, ``None`` = could not be found out."""
    stop_asked: bool
    """Whether we asked for it; otherwise any exit of an rpc-server is a failure, 0 included."""
    rung: str = ""
    """Which rung of the stop ladder worked: ``asked``, ``terminated``, ``killed``."""
    killed_for_memory: bool = False
    """Ended by SIGKILL at the moment in which the system counted a kill for want of memory."""
    loss: ConnectionLoss | None = None
    """Set where it is not known how it ended because the connection to it was lost."""

    @property
    def in_words(self) -> str:
        """``ended with status 3``, ``crashed with signal 11 (SIGSEGV)``."""
        if self.loss is not None:
            return f"was lost ({self.loss.value})"
        if self.killed_for_memory:
            return "was killed by the system for want of memory (signal 9, SIGKILL)"
        if self.exit_code is None:
            return "ended, its exit status is not known"
        number = -self.exit_code if self.exit_code < 0 else self.exit_code - 128
        if self.exit_code < 0 or self.exit_code in (132, 134, 139):
            try:
                return f"ended by signal {number} ({signal.Signals(number).name})"
            except ValueError:
                return f"ended by signal {number}"
        return f"ended with status {self.exit_code}"
