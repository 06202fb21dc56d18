"""Jobs: work that takes time, on a small pool. Serial per key, parallel across keys, each with a cancel token.

Rejected: ``concurrent.futures`` alone (no order per key, no cancellation of what runs). A queue's turn is decided under the
same lock that adds work, so no wake-up is lost.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.errors import Cancelled

logger = logging.getLogger(__name__)


class Token:
    """The cancel token of one job (implements ``ports.CancelToken``)."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def cancel(self) -> None:
        """Ask the job to stop."""
        self._asked.set()

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to stop."""
        return self._asked.is_set()

    def check(self) -> None:
        """Raise ``Cancelled`` if the job was asked to stop."""
        if self._asked.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Sleep, or raise ``Cancelled`` as soon as the job is asked to stop."""
        if self._asked.wait(seconds):
            raise Cancelled


Work = Callable[[Token], None]


@dataclass
class _Job:
    key: str
    work: Work
    token: Token = field(default_factory=Token)


class Jobs:
    """A pool of threads that are started as they are needed."""

    def __init__(self, on_bug: Callable[[str, Exception], None], *, size: int = 256) -> None:
        """``size``: 100 machines, each with a look and a load stream that live as long as the session; threads are started as
        they are needed."""
        self._on_bug = on_bug
        self._size = size
        self._lock = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._running: list[_Job] = []
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    def start(self, key: str, work: Work) -> Token:
        """Queue a job; jobs with the same key run one after another. After ``close`` it is silently not run."""
        job = _Job(key, work)
        with self._lock:
            if self._closed:
                job.token.cancel()
                return job.token
            self._waiting.append(job)
            # Not "nobody is idle": one idle thread that was just woken for an earlier job would be counted on twice.
            if self._n_startable() > self._idle and len(self._threads) < self._size:
                self._add_thread()
            self._lock.notify()
        return job.token

    def cancel(self, key: str) -> None:
        """Ask the running and the waiting jobs of one key to stop."""
        with self._lock:
            for job in (*self._waiting, *self._running):
                if job.key == key:
                    job.token.cancel()

    def close(self, deadline_seconds: float) -> tuple[str, ...]:
        """Refuse new work, cancel all, join. Returns the keys of jobs that did not end in time."""
        with self._lock:
            self._closed = True
            for job in (*self._waiting, *self._running):
                job.token.cancel()
            self._waiting.clear()
            self._lock.notify_all()
        ends = time.monotonic() + deadline_seconds
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))
        with self._lock:
            return tuple(job.key for job in self._running)

    def _n_startable(self) -> int:
        """Waiting jobs that a thread could begin now: one per key that is not being worked on."""
        return len({job.key for job in self._waiting} - {job.key for job in self._running})

    def _add_thread(self) -> None:
        thread = threading.Thread(target=self._run, name=f"job-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                if not job.token.cancelled:
                    job.work(job.token)
            except Cancelled:
                logger.debug("job %s was cancelled", job.key)
            except Exception as error:
                logger.exception("job %s has a bug", job.key)
                self._on_bug(job.key, error)
            finally:
                with self._lock:
                    self._running.remove(job)
                    self._lock.notify_all()

    def _next(self) -> _Job | None:
        with self._lock:
            while True:
                busy = {job.key for job in self._running}
                for job in self._waiting:
                    if job.key not in busy:
                        self._waiting.remove(job)
                        self._running.append(job)
                        return job
                if self._closed:
                    return None
                self._idle += 1
                self._lock.wait()
                self._idle -= 1
