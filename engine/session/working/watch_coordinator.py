"""Watches llama-server: its lines while it loads (layers, buffers, progress), then its answers and counters.

Its debug lines hold the users' words (``slot process_token: ... next token: 'Paris'``), so once it serves, debug lines are
neither kept nor parsed: nobody's prompts end up in a log of ours.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from engine.cluster.servers import COORDINATOR
from engine.errors import CoordinatorUnusable
from engine.llama_cpp import server_log
from engine.llama_cpp.command_lines import native_devices
from engine.llama_cpp.crash_lines import FatalError
from engine.planning.costs.layer_costs import HEADLINE_DECODE_TOKENS, HEADLINE_PROMPT_TOKENS
from engine.ports import Clock, CoordinatorClient, Counters, RunningProcess
from engine.session import events
from engine.session.jobs import Token
from engine.session.state import RunSeen
from engine.vocabulary.running.layer_map import ActualBuffers
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.throughput import LoadProgress, RequestTimings, ThroughputSample

BENCHMARK_PROMPT_TOKENS = HEADLINE_PROMPT_TOKENS
BENCHMARK_DECODE_TOKENS = HEADLINE_DECODE_TOKENS

COUNTER_SECONDS = 1.0

FREE_SECONDS = 3.0
"""So long nobody must have asked before the standard request is sent: whoever waited for the run comes first."""

DYING_SECONDS = 0.5
"""A llama-server that aborts drops its connections a moment before it is seen to be gone."""

LATE_LINES_SECONDS = 2.0
"""A build that reports no layers at all must still come up: it is then told that the plan is not proven."""


class CoordinatorWatch:
    """One run of llama-server."""

    def __init__(
        self,
        run: RunSeen,
        post: Callable[[events.Event], None],
        before_ready: Callable[[], None] = lambda: None,
        idle_seconds: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """``before_ready`` is called when the model is loaded, before that is told. ``idle_seconds``: since a person or a
        client last wanted something of the run; the standard request waits until they are done. It is not broken off for
        them: llama-server looks for a closed connection only after a second in which no request of anybody made progress
        (server-queue.cpp:462), and our own questions for its counters count as such."""
        self.run = run
        self._idle_seconds = idle_seconds
        self._unmeasured = run.benchmark is None
        self._before_ready = before_ready
        self._post = post
        self._log = server_log.ServerLog()
        self._native = dict(native_devices(run.plan))
        self._layers: list[tuple[int, str]] = []
        self._buffers: dict[str, ActualBuffers] = {}
        self._offload_seen = False
        self.serving = False
        self.measured: RequestTimings | None = None
        """Of the standard request."""
        self.n_lines = 0
        self._last_text = ""
        self.fatal: FatalError | None = None
        """The first fatal line that says something."""

    def take(self, line: str) -> str | None:
        """Take one line, on the pump's thread. Returns it as it is kept in the log, or ``None`` when it is not.

        The same line again is not kept: llama-server says that it is idle whenever its counters are read.
        """
        self.n_lines += 1
        if self.serving and is_debug(line):
            return None
        for event in self._log.feed(line):
            self._report(event)
        text = server_log.readable(line)
        repeated, self._last_text = text == self._last_text, text
        return None if repeated else text

    def _report(self, event: server_log.LogEvent) -> None:
        if isinstance(event, server_log.LayerAssigned):
            self._layers.append((event.layer, event.device))
        elif isinstance(event, server_log.LayersOffloaded):  # printed after the last layer line
            self._post(events.LayersReported(layers=tuple(self._layers)))
            self._offload_seen = True
            self._judge_offload(event)
        elif isinstance(event, server_log.BufferAllocated):
            self._buffer(event)
        elif isinstance(event, server_log.LoadProgressed):
            total = self.run.plan.model.total_bytes
            self._post(events.LoadProgressed(load=LoadProgress(done_bytes=int(event.fraction * total), total_bytes=total)))
        elif isinstance(event, server_log.PipelineDecided):
            self._post(events.PipelineReported(pipelined=event.enabled))
        elif isinstance(event, FatalError) and (self.fatal is None or not event.vague):
            self.fatal = event

    def _judge_offload(self, event: server_log.LayersOffloaded) -> None:
        """Layers that stay on the coordinator cost the pipeline and the memory that the plan promised: unless that is the
        plan, when its own CPU holds the whole model."""
        if event.n_offloaded == event.n_layers or self.run.plan.native_cpu is not None:
            return
        happened = f"llama-server kept {event.n_layers - event.n_offloaded} of {event.n_layers} layers on the coordinator."
        problem = Problem(
            kind=ProblemKind.LAYER_MAP, where="llama-server", happened=happened, advice="Stop and report this plan."
        )
        self._post(events.ProblemHappened(problem=problem))

    def _buffer(self, event: server_log.BufferAllocated) -> None:
        owner = self._owner(event.buffer_name)
        known = self._buffers.get(owner, ActualBuffers(worker_id=owner))
        self._buffers[owner] = server_log.with_buffer(known, event)
        self._post(events.BuffersReported(buffers=tuple(self._buffers.values())))

    def _owner(self, buffer_name: str) -> str:
        place = server_log.buffer_owner(buffer_name)
        if place is None:
            device = server_log.native_device_of(buffer_name)
            return self._native.get(device or "", buffer_name)
        endpoint, index = place
        for server in self.run.servers:
            if server.endpoint == endpoint and index < len(server.worker_ids):
                return server.worker_ids[index]
        return buffer_name

    def follow(self, process: RunningProcess, client: CoordinatorClient, clock: Clock, token: Token) -> None:
        """Until it ends: wait for ready, send the standard request, then read counters once a second."""
        if not self._wait_until_ready(process, client, token):
            return
        self._wait_for_lines(process, clock, token)
        if not process.is_alive():
            return
        self.serving = True
        self._before_ready()
        self._post(events.ProcessReady(id=COORDINATOR, at_seconds=clock.now_seconds()))
        self._read_counters(process, client, clock, token)

    @staticmethod
    def _wait_until_ready(process: RunningProcess, client: CoordinatorClient, token: Token) -> bool:
        """That it hangs meanwhile is for ``faults.hang_watch`` to see."""
        while process.is_alive():
            if client.is_ready():
                return True
            token.wait(0.1)
        return False

    def _wait_for_lines(self, process: RunningProcess, clock: Clock, token: Token) -> None:
        """``/health`` may answer before its log lines came through the pipe; they hold the layer map."""
        deadline = clock.now_seconds() + LATE_LINES_SECONDS
        while not self._offload_seen and process.is_alive() and clock.now_seconds() < deadline:
            token.wait(0.05)

    def _measure_once(self, process: RunningProcess, client: CoordinatorClient, token: Token) -> None:
        """The standard request, as soon as nobody else asks."""
        if not self._unmeasured or self._idle_seconds() < FREE_SECONDS:
            return
        self._unmeasured = False
        self._benchmark(process, client, token)

    def _benchmark(self, process: RunningProcess, client: CoordinatorClient, token: Token) -> None:
        context = self.run.plan.shape.context_tokens // self.run.plan.shape.slots
        prompt = min(BENCHMARK_PROMPT_TOKENS, max(1, context - BENCHMARK_DECODE_TOKENS - 1))
        try:
            timings = client.measure(prompt_tokens=prompt, decode_tokens=min(BENCHMARK_DECODE_TOKENS, max(1, context // 2)))
        except CoordinatorUnusable as error:
            token.wait(DYING_SECONDS)
            if not process.is_alive():
                return  # its end is told by the one who sees it
            problem = Problem(kind=ProblemKind.COORDINATOR, where="llama-server", happened=error.happened, advice=error.advice)
            self._post(events.ProblemHappened(problem=problem))
            return
        token.check()
        self.measured = timings
        self._post(events.BenchmarkDone(timings=timings))

    def _read_counters(self, process: RunningProcess, client: CoordinatorClient, clock: Clock, token: Token) -> None:
        before, before_seconds = None, clock.now_seconds()
        while process.is_alive():
            self._measure_once(process, client, token)
            now_seconds = clock.now_seconds()
            try:
                now = client.counters()
            except CoordinatorUnusable:
                now = None  # it is ending, or too busy to answer: a gap in the curve
            if now is not None:
                sample = sample_between(before, now, before_seconds=before_seconds, now_seconds=now_seconds)
                self._post(events.ThroughputMeasured(sample=sample))
                before, before_seconds = now, now_seconds
            token.wait(COUNTER_SECONDS)


def is_debug(line: str) -> bool:
    """Whether a line is of llama-server's debug level, in either of its two forms."""
    return '"level":"debug"' in line or bool(_PLAIN_DEBUG.match(line))


_PLAIN_DEBUG = re.compile(r"(?:\x1b\[[0-9;]*m)*\d+\.\d\d\.\d{3}\.\d{3} D ")


def sample_between(before: Counters | None, now: Counters, *, before_seconds: float, now_seconds: float) -> ThroughputSample:
    """Rates between two readings; ``None`` where nothing of that kind was done in between.

    A request that was being answered at both readings gives tokens over wall time; one that ended in between gives
    llama-server's own figure for the whole of it, since the totals move only when a request ends.
    """
    earlier = before or Counters(prompt_tokens=0, prompt_seconds=0, decoded_tokens=0, decode_seconds=0)
    decode = _rate(now.decoded_tokens - earlier.decoded_tokens, now.decode_seconds - earlier.decode_seconds)
    begun = dict(earlier.decoding)
    going_on = sum(decoded - begun[task] for task, decoded in now.decoding if task in begun)
    return ThroughputSample(
        at_seconds=now_seconds,
        decode_tokens_per_second=_rate(going_on, now_seconds - before_seconds) or decode,
        prefill_tokens_per_second=_rate(
            now.prompt_tokens - earlier.prompt_tokens, now.prompt_seconds - earlier.prompt_seconds
        ),
    )


def _rate(tokens: float, seconds: float) -> float | None:
    return tokens / seconds if tokens > 0 and seconds > 0 else None
