"""Sees that a run hangs: everything lives, ``/health`` says ok, and nothing moves.

Signs of life: while it loads, lines of its log and bytes through the tunnels; once it serves, that it works on nothing, or has
done one batch more (``/metrics`` and ``/slots``). Builds before autumn 2026 answer these between two batches only, later ones
at any time: both a late answer and one that has not changed are no sign. Tokens at a client are none either: one that reads
slowly holds nothing up.

One that refuses connections while it lives is ending and does not come to its end: asked by SIGTERM, llama-server waits for
ever when a request waited for a slot (seen with build 0c1e570).
"""

from __future__ import annotations

from collections.abc import Callable

from engine.ports import Clock, CoordinatorClient, RunningProcess
from engine.session import events
from engine.session.jobs import Token
from engine.session.working.faults.hang_limits import loading_limit, serving_limit
from engine.session.working.faults.hang_problems import Suspect, clear_case, hang_problem, refusing_problem
from engine.session.working.watch_coordinator import CoordinatorWatch
from engine.vocabulary.running.problem import Problem

HANG = "does it move"
LOOK_SECONDS = 1.0
FIRST_DOUBT_SECONDS = 3.0
"""After so long the processes are looked at, and again after twice as long: it takes a command on each machine."""
STOPPED_LOOK_SECONDS = 6.0
"""While all is well they are looked at as often: a worker that somebody stopped shows by nothing else until it is asked."""
REFUSES_SECONDS = 7.0
"""So long it may take to end: a stop of ours makes it end after five."""
LEAST_SENT_BYTES = 64 * 1024
"""ssh's own keep-alives are far less."""


class HangWatch:
    """Of one run of llama-server."""

    def __init__(
        self,
        watch: CoordinatorWatch,
        client: CoordinatorClient,
        suspects: Callable[[], tuple[Suspect, ...]],
        sent_bytes: Callable[[], int],
        post: Callable[[events.Event], None],
    ) -> None:
        """``suspects`` looks at every process, ``sent_bytes`` tells what the tunnels have carried."""
        self._watch = watch
        self._client = client
        self._suspects = suspects
        self._sent_bytes = sent_bytes
        self._post = post
        self._n_idle = 0
        self._refuses = False
        self._marks: tuple[int, ...] = ()
        self._longest_seconds = 0.0
        self._next_doubt_seconds = FIRST_DOUBT_SECONDS

    def follow(self, process: RunningProcess, clock: Clock, token: Token) -> None:
        """Until it ends, or hangs."""
        sign, moved_at = self._sign_of_life(), clock.now_seconds()
        looked_at = moved_at
        while process.is_alive():
            token.wait(LOOK_SECONDS)
            now_sign, now = self._sign_of_life(), clock.now_seconds()
            if now_sign != sign:
                if self._watch.serving:
                    self._longest_seconds = max(self._longest_seconds, now - moved_at)
                sign, moved_at, self._next_doubt_seconds = now_sign, now, FIRST_DOUBT_SECONDS
                if now - looked_at < STOPPED_LOOK_SECONDS:
                    continue
                looked_at, problem = now, clear_case(self._suspects())
            else:
                problem = self._judge(now - moved_at, process)
            if problem is not None and process.is_alive():
                self._post(events.ProblemHappened(problem=problem, ends_run=True))
                return

    def _sign_of_life(self) -> tuple[int, ...]:
        if not self._watch.serving:
            return (self._watch.n_lines, self._sent_bytes() // LEAST_SENT_BYTES)
        done = self._client.work_done()
        self._refuses = done is not None and not done.takes_requests
        if self._refuses:
            return (-1, self._n_idle, *self._marks)
        if done is not None and not (done.requests and done.marks):
            self._n_idle += 1
        if done is not None:
            self._marks = done.marks
        return (-1, self._n_idle, *self._marks)

    def _judge(self, seconds: float, process: RunningProcess) -> Problem | None:
        run, serving = self._watch.run, self._watch.serving
        if serving and self._refuses:
            return refusing_problem(seconds) if seconds >= REFUSES_SECONDS else None
        limit = serving_limit(run.plan, self._watch.measured, self._longest_seconds) if serving else loading_limit(run.plan)
        if seconds >= limit:
            doing = "works on a request" if serving else "loads the model"
            return hang_problem(self._suspects(), seconds, doing, "\n".join(process.tail()[-20:]) if not serving else "")
        if seconds < self._next_doubt_seconds:
            return None
        self._next_doubt_seconds = 2 * seconds
        return clear_case(self._suspects())
