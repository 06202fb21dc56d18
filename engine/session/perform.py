"""Performs what ``reconcile`` asks for: starts and stops processes through ports, as jobs, and posts what was seen.

Readiness is a fact and not a printed line: an rpc-server is ready when it answers HELLO (its stdout is block-buffered until
the first client connects), llama-server when ``/health`` says so. After that nobody probes an rpc-server of ours again: a
prober that gives up on a busy one kills it later.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from engine.cluster.reconcile import Action, StartCoordinator, StartRpcServer, StopProcess
from engine.cluster.servers import COORDINATOR, server_process_id
from engine.errors import EngineError
from engine.llama_cpp.command_lines import coordinator_argv, rpc_server_argv
from engine.ports import RunningProcess
from engine.session import events
from engine.session.exit_problems import problem_of_exit
from engine.session.jobs import Jobs, Token
from engine.session.logs import LogBook
from engine.session.outside import Outside
from engine.session.state import ClusterState, RunSeen
from engine.session.watch_coordinator import CoordinatorWatch
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.problem import Problem, ProblemKind
from engine.vocabulary.process import ProcessId, ProcessOutcome, ProcessSpec
from engine.vocabulary.worker import RpcServerSpec

Post = Callable[[events.Event], None]

READY_SECONDS = 30.0
"""An rpc-server answers within a second; a GPU's driver may take several."""

PROBE_SECONDS = 1.0


class Performer:
    """Holds the running processes; everything else about them is in the state."""

    def __init__(self, outside: Outside, jobs: Jobs, logs: LogBook, post: Post) -> None:
        self._outside = outside
        self._jobs = jobs
        self._logs = logs
        self._post = post
        self._lock = threading.Lock()
        self._running: dict[ProcessId, RunningProcess] = {}

    def perform(self, action: Action, state: ClusterState) -> None:
        """Begin one action. Returns at once; its first event is posted before, so that it is not asked for twice."""
        if isinstance(action, StartRpcServer):
            self._begin_server(action.spec, state)
        elif isinstance(action, StartCoordinator):
            self._begin_coordinator(state)
        else:
            self._begin_stop(action)

    def stop_all(self) -> None:
        """Last resort when the session closes: stop whatever is left, coordinator first."""
        with self._lock:
            left = sorted(self._running.items(), key=lambda item: item[0] != COORDINATOR)
        for _id, process in left:
            process.stop(grace_seconds=2.0)

    def _begin_server(self, spec: RpcServerSpec, state: ClusterState) -> None:
        runtime, dialect = state.runtime, state.dialect
        if runtime is None or dialect is None:
            return
        argv = rpc_server_argv(spec, runtime.rpc_server, dialect)
        id_ = server_process_id(spec.endpoint)
        started = events.ProcessStarted(
            id=id_,
            title=f"rpc-server for {', '.join(spec.runtime_names)}",
            argv=argv,
            endpoint=spec.endpoint,
            worker_ids=spec.worker_ids,
        )
        process_spec = ProcessSpec(id=id_, argv=argv, environment=self._worker_environment(spec, state))
        self._post(started)
        self._jobs.start(id_, lambda token: self._start_server(spec, process_spec, started, token))

    def _worker_environment(self, spec: RpcServerSpec, state: ClusterState) -> tuple[tuple[str, str], ...]:
        environment = [("LLAMA_CACHE", self._outside.worker_cache_folder)]
        if any(name.startswith("Vulkan") for name in spec.runtime_names) and self._uses_software_gpu(spec, state):
            # ggml-vulkan skips renderers that compute on the CPU unless they are named.
            environment.append(("GGML_VK_VISIBLE_DEVICES", "0"))
        return tuple(environment)

    @staticmethod
    def _uses_software_gpu(spec: RpcServerSpec, state: ClusterState) -> bool:
        software = {gpu.runtime_name for machine in state.machines for gpu in machine.gpus if gpu.software}
        return any(name in software for name in spec.runtime_names)

    def _start_server(
        self, spec: RpcServerSpec, process_spec: ProcessSpec, started: events.ProcessStarted, token: Token
    ) -> None:
        process = self._start(process_spec, started, lambda line: self._logs.append(process_spec.id, line), spec.endpoint)
        if process is None:
            return
        deadline = self._outside.clock.now_seconds() + READY_SECONDS
        while process.is_alive():
            seen = self._outside.asker.ask(spec.host, spec.port, timeout_seconds=PROBE_SECONDS)
            if seen.state == "idle":
                self._post(events.ProcessReady(id=process_spec.id, at_seconds=self._outside.clock.now_seconds()))
                return
            if self._outside.clock.now_seconds() > deadline:
                self._post(events.ProblemHappened(problem=_never_answered(spec, process), ends_run=True))
                return
            token.wait(0.05)

    def _begin_coordinator(self, state: ClusterState) -> None:
        run, runtime = state.run, state.runtime
        if run is None or runtime is None or runtime.llama_server is None:
            return
        port = int(run.api_url.rpartition(":")[2])
        command = coordinator_argv(
            run.plan, run.servers, program=runtime.llama_server, options=state.server_options, api_port=port
        )
        started = events.ProcessStarted(id=COORDINATOR, title="llama-server", argv=command.argv, endpoint=f"127.0.0.1:{port}")
        # The variable makes llama-server print its load progress; it then reads its standard input to its end, which is the
        # leash (see llama_cpp.server_log).
        environment = (("LLAMA_SERVER_ROUTER_PORT", "0"),)
        spec = ProcessSpec(id=COORDINATOR, argv=command.argv, environment=environment, reads_leash=True)
        self._post(started)
        self._jobs.start(COORDINATOR, lambda token: self._run_coordinator(run, spec, started, token))

    def _run_coordinator(self, run: RunSeen, spec: ProcessSpec, started: events.ProcessStarted, token: Token) -> None:
        watch = CoordinatorWatch(run, self._post)

        def on_line(line: str) -> None:
            if watch.take(line):
                self._logs.append(COORDINATOR, line)

        process = self._start(spec, started, on_line, run.api_url, watch)
        if process is not None:
            client = self._outside.coordinator_client(run.api_url)
            watch.follow(process, client, self._outside.clock, token)

    def _start(
        self,
        spec: ProcessSpec,
        started: events.ProcessStarted,
        on_line: Callable[[str], None],
        where: str,
        watch: CoordinatorWatch | None = None,
    ) -> RunningProcess | None:
        self._logs.forget(spec.id)
        ended = threading.Event()

        def on_exit(outcome: ProcessOutcome) -> None:
            ended.set()
            with self._lock:
                process = self._running.pop(spec.id, None)
            tail = process.tail() if process is not None else ()
            problem = None if outcome.stop_asked else problem_of_exit(started, outcome, tail, watch.fatal if watch else None)
            self._post(events.ProcessEnded(id=spec.id, outcome=outcome, problem=problem))

        try:
            process = self._outside.starter.start(spec, on_line, on_exit)
        except EngineError as error:
            problem = Problem(kind=ProblemKind.WORKER, where=where, happened=error.happened, advice=error.advice)
            outcome = ProcessOutcome(exit_code=None, stop_asked=False)
            self._post(events.ProcessEnded(id=spec.id, outcome=outcome, problem=problem))
            return None
        with self._lock:
            if not ended.is_set():
                self._running[spec.id] = process
        self._post(events.ProcessStarted(id=spec.id, title=started.title, argv=started.argv, pid=process.pid))
        return process

    def _begin_stop(self, action: StopProcess) -> None:
        self._post(events.ProcessStopping(id=action.id))
        self._jobs.cancel(action.id)
        self._jobs.start(f"stop {action.id}", lambda _token: self._stop(action.id))

    def _stop(self, id_: ProcessId) -> None:
        with self._lock:
            process = self._running.get(id_)
        if process is not None:
            process.stop(grace_seconds=5.0)
            return
        # Asked for, but never started (its job was cancelled first): nothing else will say that it is gone.
        self._post(events.ProcessEnded(id=id_, outcome=ProcessOutcome(exit_code=None, stop_asked=True, rung="never started")))


def _never_answered(spec: RpcServerSpec, process: RunningProcess) -> Problem:
    kind = "GPU" if any(name != DeviceKind.CPU.upper() for name in spec.runtime_names) else "CPU"
    return Problem(
        kind=ProblemKind.WORKER,
        where=spec.endpoint,
        happened=f"The {kind} worker at {spec.endpoint} started but did not answer within {READY_SECONDS:.0f} s.",
        advice="Look at its log; the device may be hung or its driver may be starting.",
        details="\n".join(process.tail()[-20:]),
    )
