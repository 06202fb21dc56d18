"""``crossplyctl node --serve``: this machine's workers, on its loopback, in the foreground: what the service runs.

One rpc-server per device, held to its memory where the system lets us, on the ports that ``crossplyctl node`` shows. Whoever
has an SSH key for this account reaches them through a tunnel, finds them on the machine's card and adopts them with
``--keep-running``; nothing listens on the network. A worker that ends is started again; one that keeps ending stops the
service, which then says so. They end with this process, in whatever way it ends.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from engine.cli.terminal import exit_codes
from engine.cli.terminal.output import complain, print_line
from engine.cluster.servers import server_process_id
from engine.errors import EngineError
from engine.llama_cpp.command_lines import rpc_server_argv
from engine.llama_cpp.dialects import Dialect
from engine.ports import ProcessStarter, RunningProcess
from engine.run_files.offered_workers import OfferedWorker, publish, say_how_it_ended, withdraw
from engine.vocabulary.running.process import ProcessOutcome, ProcessSpec
from engine.vocabulary.runtime import Runtime
from engine.vocabulary.worker import RpcServerSpec

KEPT_FOLDER = "kept"
SERVED_CACHE = "served-workers"
"""A folder of their own below our caches: who loads into it marks nothing there."""
STARTED_BY = "crossplyctl node --serve"
LOOK_SECONDS = 0.5
PAUSE_SECONDS = 2.0
"""Between a worker's end and its next start: a port needs a moment, and a broken worker must not keep a core busy."""
MOST_ENDS = 5
ENDS_WITHIN_SECONDS = 60.0

Wait = Callable[[float], bool]
"""Sleep so many seconds, or ``True`` at once when it was asked to stop."""


class ServedWorker:
    """One worker: started, published, started again."""

    def __init__(
        self,
        spec: ProcessSpec,
        starter: ProcessStarter,
        kept: Path,
        now: Callable[[], float],
        empty_cache: Callable[[], object],
    ) -> None:
        self._empty_cache = empty_cache
        self._spec = spec
        self._starter = starter
        self._kept = kept
        self._now = now
        self._ends: deque[float] = deque(maxlen=MOST_ENDS)
        self._process: RunningProcess | None = None
        self._record = ""
        self._recording = threading.Lock()
        self._not_before = 0.0

    def start(self) -> None:
        """Raises ``ProcessFailed`` when it cannot be started at all."""
        self._process = self._starter.start(self._spec, lambda _line: None, self._on_exit)
        try:
            self._record = publish(
                self._kept,
                OfferedWorker(
                    process_id=self._spec.id,
                    pid=self._process.pid,
                    argv=self._spec.argv,
                    keeper_pid=os.getpid(),
                    started_by=STARTED_BY,
                ),
            )
        except OSError as error:
            complain(
                f"{self._spec.id} runs, but cannot be shown to others: {self._kept} cannot be written ({error.strerror})."
            )

    def look_after(self) -> str | None:
        """Start it again when it has ended. A sentence when it keeps ending."""
        if self._process is None or self._process.is_alive():
            return None
        if self._not_before == 0.0:
            self._ends.append(self._now())
            self._not_before = self._now() + PAUSE_SECONDS
            self._withdraw()
            self._empty_cache()
            outcome = self._process.outcome()
            complain(f"{self._spec.id} {outcome.in_words if outcome else 'ended'}.", " ".join(self._process.tail()[-1:]))
        if len(self._ends) == MOST_ENDS and self._ends[-1] - self._ends[0] < ENDS_WITHIN_SECONDS:
            return f"{self._spec.id} ended {MOST_ENDS} times within {ENDS_WITHIN_SECONDS:.0f} s: it is not started again."
        if self._now() >= self._not_before:
            self._not_before = 0.0
            self.start()
        return None

    def stop(self) -> None:
        """And withdraw it."""
        if self._process is not None:
            self._process.stop()
        self._withdraw()

    def _on_exit(self, outcome: ProcessOutcome) -> None:
        # In the thread that waited for it: what is withdrawn meanwhile, or half written when we end, would stay for ever.
        with self._recording:
            if self._record:
                say_how_it_ended(self._kept, self._record, outcome.exit_code)

    def _withdraw(self) -> None:
        with self._recording:
            if self._record:
                withdraw(self._kept, self._record)
            self._record = ""


def specs_of(
    servers: tuple[RpcServerSpec, ...], runtime: Runtime, dialect: Dialect, cache_folder: str
) -> tuple[ProcessSpec, ...]:
    """What is started. Raises ``EngineError``."""
    return tuple(
        ProcessSpec(
            id=server_process_id(server.endpoint),
            argv=rpc_server_argv(server, runtime.rpc_server, dialect),
            environment=(("LLAMA_CACHE", cache_folder),),
            memory_limit_bytes=sum(server.memory_limit_bytes) if server.threads is not None else None,
        )
        for server in servers
    )


def serve(
    specs: tuple[ProcessSpec, ...],
    starter: ProcessStarter,
    data_folder: Path,
    wait: Wait,
    now: Callable[[], float] = time.monotonic,
    empty_cache: Callable[[], object] = lambda: None,
) -> int:
    """Until it is asked to stop (exit status 0) or a worker keeps ending (1). ``empty_cache``: at the beginning and when a
    worker has ended, for a weight that it was writing would be taken for whole (see ``worker_cache``)."""
    workers = [ServedWorker(spec, starter, data_folder / KEPT_FOLDER, now, empty_cache) for spec in specs]
    try:
        empty_cache()
        for worker, spec in zip(workers, specs, strict=True):
            worker.start()
            print_line(f"{spec.id}: on this machine's loopback only")
        while not wait(LOOK_SECONDS):
            for worker in workers:
                if why := worker.look_after():
                    complain(why, "Look at crossplyctl doctor.")
                    return exit_codes.FAILED
        return exit_codes.OK
    except EngineError as error:
        complain(error.happened, error.advice)
        return exit_codes.FAILED
    finally:
        for worker in workers:
            worker.stop()
