"""Blocking work that can be given up at once: it runs in a thread of its own, and whoever waits looks at the cancel token.

Python cannot end a thread that sits in ``getaddrinfo`` or in a read. So the work is left behind: what it holds open is closed,
which ends its reads, and what it opens later is closed as soon as it tells of it. Rejected: non-blocking sockets all the way
(paramiko, agents and key rings block), and ending threads by force (corrupts state).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Generic, Protocol, TypeVar

from engine.errors import MachineUnreachable
from engine.ports import CancelToken

T = TypeVar("T")
C = TypeVar("C", bound="Closable")
_LOOK_SECONDS = 0.1
"""How often the cancel token is looked at."""


class Closable(Protocol):
    """A socket, a connection, a process."""

    def close(self) -> None:
        """Ends the reads of other threads, too."""


class Attempt:
    """What a piece of work holds open while it is under way."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: list[Closable] = []
        self._abandoned = False

    def hold(self, thing: C) -> C:
        """To be closed when the work is given up or fails. Raises ``MachineUnreachable`` when it has been given up."""
        with self._lock:
            self._open.append(thing)
            abandoned = self._abandoned
        if abandoned:
            self.close_all()
            raise MachineUnreachable("The connection was given up.")
        return thing

    def abandon(self) -> None:
        """Nobody waits for it any more."""
        with self._lock:
            self._abandoned = True
        self.close_all()

    def close_all(self) -> None:
        """Close what is held, the newest first."""
        with self._lock:
            held, self._open = self._open, []
        for thing in reversed(held):
            with suppress(OSError, EOFError):
                thing.close()


class _Work(Generic[T]):
    """Runs ``work`` once and keeps how it ended."""

    def __init__(self, work: Callable[[Attempt], T], attempt: Attempt) -> None:
        self._work = work
        self._attempt = attempt
        self.ended = Event()
        self.result: list[T] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result.append(self._work(self._attempt))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            self.error = error
            self._attempt.close_all()
        finally:
            self.ended.set()


def run_abandonable(work: Callable[[Attempt], T], *, token: CancelToken, deadline_seconds: float, name: str) -> T:
    """The result of ``work``. Raises what it raises; ``Cancelled`` within 0.2 s when the token says so; and
    ``MachineUnreachable`` with ``name`` (a machine, for people) when it takes longer than the deadline."""
    attempt = Attempt()
    running = _Work(work, attempt)
    Thread(target=running.run, name=f"connect {name}", daemon=True).start()
    deadline = time.monotonic() + deadline_seconds
    try:
        while not running.ended.wait(_LOOK_SECONDS):
            token.check()
            if time.monotonic() > deadline:
                raise MachineUnreachable(
                    f"{name} did not let us in within {deadline_seconds:.0f} s.",
                    advice="See whether it hangs, then try again.",
                )
    except BaseException:
        attempt.abandon()
        raise
    if running.error is not None:
        raise running.error
    return running.result[0]
