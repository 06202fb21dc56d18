"""Starts any number of programs on one machine, whose ssh server allows only so many sessions on one connection.

OpenSSH's ``MaxSessions`` is 10 by default and every program that is started, every command and every file copy is one. A
machine with eight GPUs needs nine for its workers alone. So each connection carries a few programs, and the next one is
opened when they are full: the first connection keeps room for looking, copying and the load stream. Rejected: one program
that starts all the others (one fault would end them all), and asking the administrator for a higher ``MaxSessions``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from engine.ports import OnExit, OnLine, ProcessStarter, RunningProcess
from engine.remote_ports import RemoteShell
from engine.vocabulary.running.process import ProcessSpec

PROGRAMS_PER_CONNECTION = 6

MakeStarter = Callable[[RemoteShell], ProcessStarter]


@dataclass
class _Connection:
    shell: RemoteShell
    starter: ProcessStarter
    processes: list[RunningProcess] = field(default_factory=list)
    starting: int = 0

    def has_room(self) -> bool:
        self.processes = [process for process in self.processes if process.is_alive()]
        return self.shell.is_alive() and len(self.processes) + self.starting < PROGRAMS_PER_CONNECTION


class SharedSessions:
    """Implements ``ports.ProcessStarter`` over as many connections as it takes."""

    def __init__(self, first: RemoteShell, another: Callable[[], RemoteShell], make_starter: MakeStarter) -> None:
        """``another`` logs in once more, without asking anybody anything."""
        self._another = another
        self._make_starter = make_starter
        self._lock = Lock()
        self._connections = [_Connection(shell=first, starter=make_starter(first))]

    def start(self, spec: ProcessSpec, on_line: OnLine, on_exit: OnExit) -> RunningProcess:
        """Start it where there is room. Raises what the starter raises, and what a further login does."""
        connection = self._take_room()
        process: RunningProcess | None = None
        try:
            process = connection.starter.start(spec, on_line, on_exit)
            return process
        finally:
            with self._lock:
                connection.starting -= 1
                if process is not None:
                    connection.processes.append(process)

    def must_be_heard(self, within_seconds: float) -> None:
        """Over the connections that were opened here."""
        with self._lock:
            opened = self._connections[1:]
        for connection in opened:
            connection.shell.must_be_heard(within_seconds)

    def close(self) -> None:
        """Close the connections that were opened here; the first one is its owner's."""
        with self._lock:
            opened = self._connections[1:]
        for connection in opened:
            connection.shell.close()

    def _take_room(self) -> _Connection:
        with self._lock:  # also while it logs in: two that start at once shall not open one each
            self._forget_lost()
            connection = next((known for known in self._connections if known.has_room()), None)
            if connection is None:
                shell = self._another()
                connection = _Connection(shell=shell, starter=self._make_starter(shell))
                self._connections.append(connection)
            connection.starting += 1
            return connection

    def _forget_lost(self) -> None:
        """Of those that were opened here: what one went through (a jump) may still be open."""
        lost = [known for known in self._connections[1:] if not known.shell.is_alive()]
        self._connections = [known for known in self._connections if known not in lost]
        for connection in lost:
            connection.shell.close()
