"""A socket that notices when nothing is heard any more.

A pulled cable sends no end of file, and paramiko's keep-alive asks without waiting for an answer, so a read would wait for
ever. Here every read that finds nothing looks at the clock: the connection asks something every few seconds (``connection``),
so a long silence means that nobody is there. ``TCP_USER_TIMEOUT`` was rejected: Linux only, not through a jump, and blind for
a machine whose kernel lives but whose sshd hangs.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Protocol

from engine.vocabulary.running.process import ConnectionLoss


class ByteStream(Protocol):
    """The part of a socket (or of a channel through a jump) that an SSH connection needs."""

    def recv(self, most_bytes: int, /) -> bytes:
        """Raises ``TimeoutError``."""

    def send(self, data: bytes, /) -> int:
        """Raises ``TimeoutError``."""

    def settimeout(self, seconds: float, /) -> None:
        """For both."""

    def close(self) -> None:
        """Ends the reads."""


class HeardSocket:
    """Passes everything on. Its reads fail after ``silence_seconds`` without a byte, once ``expect_answers`` was called."""

    def __init__(self, stream: ByteStream, *, silence_seconds: float) -> None:
        self._stream = stream
        self._silence_seconds = silence_seconds
        self._heard_at: float | None = None
        self._due_at: float | None = None
        self.loss = ConnectionLoss.CLOSED
        """How it was lost, once it is."""
        self._closed = False
        """Read by paramiko under this name, as in ``socket.socket``."""

    def expect_answers(self) -> None:
        """From now on silence is an end."""
        self._heard_at = time.monotonic()

    def must_be_heard(self, within_seconds: float) -> None:
        """Something has happened that makes it doubtful: it gets only so long this time."""
        self._due_at = time.monotonic() + within_seconds

    @property
    def silent_seconds(self) -> float:
        """For how long nothing was heard; 0 before answers are expected."""
        return 0.0 if self._heard_at is None else time.monotonic() - self._heard_at

    def recv(self, most_bytes: int) -> bytes:
        """As the stream's. Raises ``ConnectionAbortedError`` after too long a silence."""
        try:
            data = self._stream.recv(most_bytes)
        except TimeoutError:
            self._look_at_the_clock()
            raise
        if self._heard_at is not None:
            self._heard_at = time.monotonic()
        self._due_at = None
        return data

    def _look_at_the_clock(self) -> None:
        overdue = self._due_at is not None and time.monotonic() > self._due_at
        if overdue or self.silent_seconds > self._silence_seconds:
            self.loss = ConnectionLoss.SILENT
            raise ConnectionAbortedError(103, f"nothing was heard for {self.silent_seconds:.0f} s")

    def send(self, data: bytes) -> int:
        """As the stream's."""
        return self._stream.send(data)

    def settimeout(self, seconds: float) -> None:
        """As the stream's."""
        self._stream.settimeout(seconds)

    def close(self) -> None:
        """Idempotent."""
        self._closed = True
        with suppress(OSError, EOFError):
            self._stream.close()
