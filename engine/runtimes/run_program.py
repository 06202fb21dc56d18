"""Runs a program to its end and gives back what it printed: llama.cpp's programs with ``--version``, pip, cmake, ninja.

The one file of this wing that imports ``subprocess``. Long-lived processes (rpc-server, llama-server at work) are not started
here but by ``engine.processes``, which keeps them on a leash; what is started here ends within a call. The exception is
``short_lived_server``: an rpc-server for the second that one HELLO takes.

If we are killed with -9 while a build runs, ninja dies by SIGPIPE at its next status line, because its output is our pipe.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.errors import ProcessFailed
from engine.ports import CancelToken
from engine.process_parts.output_lines import lines_in

_POLL_SECONDS = 0.2
_GRACE_SECONDS = 5.0
_CHUNK_BYTES = 1 << 16
MOST_OUTPUT_BYTES = 4 << 20
"""Of each stream of a short program: what it prints beyond is read, and dropped. ``--help`` is 50 kB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramOutput:
    """What a program that ended has printed, and its exit status (negative: killed by that signal)."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Both streams: llama.cpp moves lines between them from build to build."""
        return self.stdout + self.stderr


def run_to_end(argv: Sequence[str], *, timeout_seconds: float, environment: Mapping[str, str] | None = None) -> ProgramOutput:
    """Run a short program. Raises ``ProcessFailed`` when it cannot be started or does not end in time."""
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_with_additions(environment),
        )
    except OSError as error:
        raise ProcessFailed(f"{argv[0]} could not be started: {error.strerror or error}.") from None
    with process:
        streams = [_Kept(process.stdout), _Kept(process.stderr)]
        ends = time.monotonic() + timeout_seconds
        try:
            process.wait(timeout_seconds)
            told = [stream.text(ends - time.monotonic()) for stream in streams]
        except subprocess.TimeoutExpired:
            raise ProcessFailed(f"{argv[0]} did not end within {timeout_seconds:g} s.", advice="It was ended.") from None
        finally:
            process.kill()
    return ProgramOutput(exit_code=process.returncode, stdout=told[0], stderr=told[1])


class _Kept:
    """Reads a stream to its end in a thread of its own and keeps the beginning."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self._stream = stream
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, name="output of a program", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for chunk in _chunks(self._stream):
            self._kept += chunk[: MOST_OUTPUT_BYTES - len(self._kept)]

    def text(self, seconds: float) -> str:
        """Raises ``subprocess.TimeoutExpired`` when somebody else still holds the stream then."""
        self._thread.join(max(0.0, seconds))
        if self._thread.is_alive():
            raise subprocess.TimeoutExpired((), seconds)
        return bytes(self._kept).decode("utf-8", "replace").replace("\r\n", "\n")


def run_with_lines(
    argv: Sequence[str],
    *,
    on_line: Callable[[str], None],
    token: CancelToken,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run a long program, hand over each line, and give back its exit status.

    Raises ``Cancelled`` (with the program and its children ended) and ``ProcessFailed`` when it cannot be started.
    """
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=_with_additions(environment),
            start_new_session=True,
        )
    except OSError as error:
        raise ProcessFailed(f"{argv[0]} could not be started: {error.strerror or error}.") from None
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    pump = threading.Thread(target=_pump, args=(process.stdout, lines), name=f"lines of {Path(argv[0]).name}", daemon=True)
    pump.start()
    try:
        _hand_over(lines, on_line, token)
        return process.wait()
    finally:
        _end_group(process)
        pump.join()


@contextmanager
def short_lived_server(argv: Sequence[str]) -> Iterator[Callable[[], bool]]:
    """A server for as long as the block lasts; gives a question "is it still alive?". Its output is thrown away.

    Raises ``ProcessFailed`` when it cannot be started.
    """
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise ProcessFailed(f"{argv[0]} could not be started: {error.strerror or error}.") from None
    try:
        yield lambda: process.poll() is None
    finally:
        _end_group(process)


def _with_additions(environment: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if environment is None else {**os.environ, **environment}


def _pump(stream: IO[bytes] | None, lines: queue.SimpleQueue[str | None]) -> None:
    for line in lines_in(_chunks(stream)):
        lines.put(line)
    lines.put(None)


def _chunks(stream: IO[bytes] | None) -> Iterator[bytes]:
    if stream is None:
        return
    with stream, suppress(OSError, ValueError):  # closed under our hands, when the program was ended
        while chunk := os.read(stream.fileno(), _CHUNK_BYTES):
            yield chunk


def _hand_over(lines: queue.SimpleQueue[str | None], on_line: Callable[[str], None], token: CancelToken) -> None:
    while True:
        token.check()
        try:
            line = lines.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        if line is None:
            return
        on_line(line)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Terminate, then kill, the process and its children. Nothing happens when it has ended."""
    if process.poll() is not None:
        return
    _signal_group(process, signal.SIGTERM)
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        _signal_group(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, number)
        else:  # Windows, untested: no process groups; the children of cmake --build end with it
            process.kill()
