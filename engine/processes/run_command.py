"""Short commands: run to their end under a deadline, with bounded output. For asking (``--help``, ``-d list``), not serving.

``subprocess.run(timeout=...)`` was rejected: it kills only the direct child (and then waits for ever on a pipe that a
grandchild holds), it has no bound on the output, and nothing ends the command when we are killed. Here it is on a leash.
"""

from __future__ import annotations

import os
import subprocess  # noqa: TID251 - short commands; long-lived programs are started in local_process
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Thread
from typing import IO

from engine.errors import ProcessFailed
from engine.processes.child_environment import child_environment
from engine.processes.leash import Leash, new_leash
from engine.processes.start_failure import start_failure
from engine.vocabulary.running.process import ProcessId, ProcessOutcome, ProcessSpec

MAX_OUTPUT_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_HELD_SECONDS = 2.0
"""For what is still in the pipe when everybody on the leash has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """How a command ended and what it said. Exit code 0 means nothing for some of llama.cpp's programs: read the text."""

    argv: tuple[str, ...]
    exit_code: int | None
    """Negative = ended by that signal; ``None`` = it was ended by us at the deadline."""
    stdout: str
    stderr: str
    cut: bool = False
    """Whether more than ``MAX_OUTPUT_BYTES`` came on one of them; the rest was dropped."""

    @property
    def timed_out(self) -> bool:
        """Whether it was ended at the deadline."""
        return self.exit_code is None

    @property
    def in_words(self) -> str:
        """``ended with status 1``, ``did not end in time``."""
        if self.timed_out:
            return "did not end in time"
        return ProcessOutcome(exit_code=self.exit_code, stop_asked=False).in_words


class _Collector:
    """Reads one pipe to its end in a thread; keeps the first bytes, drops the rest so that the command never stalls."""

    def __init__(self, stream: IO[bytes], limit_bytes: int) -> None:
        self._stream = stream
        self._limit = limit_bytes
        self._kept = bytearray()
        self.cut = False
        self._thread = Thread(target=self._read, name="command output", daemon=True)
        self._thread.start()

    def text(self) -> str:
        """Waits for the end of the pipe, but not for a descendant that left the group, and so the leash, and holds it."""
        self._thread.join(_HELD_SECONDS)
        return bytes(self._kept).decode("utf-8", errors="replace")

    def _read(self) -> None:
        with self._stream:
            while chunk := os.read(self._stream.fileno(), _CHUNK_BYTES):
                room = self._limit - len(self._kept)
                self._kept += chunk[:room]
                self.cut = self.cut or len(chunk) > room


def run_command(
    argv: Iterable[str],
    timeout_seconds: float,
    environment: Iterable[tuple[str, str]] = (),
    *,
    folder: str | None = None,
    max_output_bytes: int = MAX_OUTPUT_BYTES,
) -> CommandResult:
    """Run ``argv`` to its end, stdin from /dev/null. ``environment`` is added to ours. At the deadline it is killed with all
    it started, and the result says ``timed_out`` with what it had said. Raises ``ProcessFailed`` when it cannot be started."""
    arguments = tuple(argv)
    spec = ProcessSpec(
        id=ProcessId(arguments[0] if arguments else "a command"),
        argv=arguments,
        environment=tuple(environment),
        folder=folder,
    )
    try:
        leash = new_leash()
    except OSError as error:
        raise ProcessFailed(f"Could not start {spec.id}: {error.strerror}.", advice="Close other programs.") from error
    try:
        process = _popen(spec, leash)
    except (OSError, ValueError) as error:
        leash.let_go()
        raise start_failure(spec, error) from error
    return _run_to_end(spec, process, leash, timeout_seconds, max_output_bytes)


def _run_to_end(
    spec: ProcessSpec, process: subprocess.Popen[bytes], leash: Leash, timeout_seconds: float, max_output_bytes: int
) -> CommandResult:
    assert process.stdout is not None  # noqa: S101 - tells the type checker: it is a pipe
    assert process.stderr is not None  # noqa: S101 - the same
    stdout, stderr = _Collector(process.stdout, max_output_bytes), _Collector(process.stderr, max_output_bytes)
    exit_code: int | None = None
    try:
        exit_code = process.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        leash.kill()
        process.wait()
    finally:
        leash.let_go()
    return CommandResult(
        argv=spec.argv, exit_code=exit_code, stdout=stdout.text(), stderr=stderr.text(), cut=stdout.cut or stderr.cut
    )


def _popen(spec: ProcessSpec, leash: Leash) -> subprocess.Popen[bytes]:
    if not spec.argv:
        raise ValueError("an empty command")
    process = subprocess.Popen(
        list(spec.argv),
        bufsize=0,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=spec.folder,
        env=child_environment(os.environ, spec.environment),
        restore_signals=False,
        process_group=leash.process_group,
        creationflags=leash.creation_flags,
    )
    leash.hold(process.pid)
    return process
