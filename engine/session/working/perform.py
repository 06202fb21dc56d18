"""Performs what ``reconcile`` asks for: starts and stops processes through ports, as jobs, and posts what was seen.

Readiness is a fact and not a printed line: an rpc-server is ready when it answers HELLO (its stdout is block-buffered until
the first client connects), llama-server when ``/health`` says so. After that nobody probes an rpc-server of ours again: a
prober that gives up on a busy one kills it later.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.cluster.reconcile import Action, StartCoordinator, StartRpcServer, StartTunnel, StopProcess
from engine.cluster.servers import COORDINATOR, server_process_id, tunnel_process_id
from engine.errors import EngineError, RuntimeUnavailable
from engine.llama_cpp.command_lines import coordinator_argv, native_devices, rpc_server_argv
from engine.llama_cpp.server_log import NO_BACKTRACE, PROGRESS_ENVIRONMENT, STOP_LINE
from engine.ports import OnExit, OnLine, RpcAsker, RunningProcess
from engine.session import events
from engine.session.jobs import Jobs, Token
from engine.session.outside import Outside
from engine.session.reducing.planned.commands import tunnel_argv
from engine.session.state import ClusterState, RunSeen
from engine.session.telling.logs import LogBook
from engine.session.working.count_tunnels import TunnelCounts
from engine.session.working.faults.exit_problems import TUNNEL_TO, Ended
from engine.session.working.faults.hang_problems import Suspect
from engine.session.working.faults.hang_watch import HANG, HangWatch
from engine.session.working.faults.run_ends import RunEnds
from engine.session.working.faults.start_problems import never_answered, no_tunnel, not_started
from engine.session.working.launching.adopt_kept import keeps_there
from engine.session.working.launching.prepare_run import FindMachine, connected
from engine.session.working.launching.whole_caches import WHOLE, caches_are_whole
from engine.session.working.watch_coordinator import CoordinatorWatch
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.remote import TunnelSpec
from engine.vocabulary.running.problem import Problem
from engine.vocabulary.running.process import ProcessId, ProcessOutcome, ProcessSpec
from engine.vocabulary.worker import RpcServerSpec

logger = logging.getLogger(__name__)

Post = Callable[[events.Event], None]
_Start = Callable[[ProcessSpec, OnLine, OnExit], RunningProcess]

READY_SECONDS = 30.0
"""An rpc-server answers within a second; a GPU's driver may take several."""

PROBE_SECONDS = 1.0
STOP_SECONDS = 5.0
"""After being asked, before being made to."""
HURRIED_STOP_SECONDS = 0.5
"""The same of what is left of a broken run: it has nothing to save, people wait, and what hangs does not hear the question."""


@dataclass
class _Held:
    """One process from the moment it was asked for. Guarded by the performer's lock.

    A stop may come before the start job begins (then it never starts), while the starter works (then it is stopped as soon as
    it is there), or later. Exactly one of these says that it ended.
    """

    started: events.ProcessStarted
    keeps_running: bool = False
    starting: bool = False
    ended: bool = False
    stop_asked: bool = False
    process: RunningProcess | None = None


class Performer:
    """Holds the running processes; everything else about them is in the state."""

    def __init__(
        self,
        outside: Outside,
        jobs: Jobs,
        logs: LogBook,
        post: Post,
        machine_of: FindMachine,
        idle_seconds: Callable[[], float],
    ) -> None:
        """``idle_seconds``: since somebody last wanted something of the run."""
        self._outside = outside
        self._machine_of = machine_of
        self._idle_seconds = idle_seconds
        self._jobs = jobs
        self._logs = logs
        self._post = post
        self._lock = threading.Lock()
        self._held: dict[ProcessId, _Held] = {}
        self._ends = RunEnds(jobs, machine_of)
        self._tunnels = TunnelCounts(outside.written_bytes, post)

    def perform(self, action: Action, state: ClusterState) -> None:
        """Begin one action. Returns at once; its first event is posted before, so that it is not asked for twice.

        Raises ``EngineError`` when the run's programs cannot be told what the plan needs.
        """
        if isinstance(action, StartRpcServer):
            self._begin_server(action.spec, state)
        elif isinstance(action, StartTunnel):
            self._begin_tunnel(action.spec, state)
        elif isinstance(action, StartCoordinator):
            self._begin_coordinator(state)
        else:
            self._begin_stop(action, HURRIED_STOP_SECONDS if state.recovery.goes_on else STOP_SECONDS)

    def stop_all(self) -> None:
        """Last resort when the session closes: stop whatever is left and shall not stay, coordinator first."""
        with self._lock:
            ours = {id_: held for id_, held in self._held.items() if held.stop_asked or not held.keeps_running}
            for held in ours.values():
                held.stop_asked = True
            left = sorted(ours.items(), key=lambda item: item[0] != COORDINATOR)
            processes = [(id_, held.process) for id_, held in left if held.process is not None and not held.ended]
        for id_, process in processes:
            try:
                process.stop(grace_seconds=2.0)
            except EngineError as error:
                logger.warning("%s was left behind: %s", id_, error)

    def _begin_server(self, spec: RpcServerSpec, state: ClusterState) -> None:
        run = state.run
        program = dict(run.programs).get(spec.machine_id) if run else None
        if program is None:
            raise RuntimeUnavailable(
                f"The run has no programs to be started with on {spec.machine_name}.", advice="Launch again."
            )
        argv = rpc_server_argv(spec, program.rpc_server, program.dialect, cache=program.keeps_cache)
        id_ = server_process_id(spec.endpoint)
        keeps_running = keeps_there(state, spec.machine_id)
        started = events.ProcessStarted(
            id=id_,
            title=spec.title,
            argv=argv,
            endpoint=spec.endpoint,
            worker_ids=spec.worker_ids,
            machine_name=spec.machine_name,
            machine_id=spec.machine_id,
            keeps_running=keeps_running,
        )
        process_spec = ProcessSpec(
            id=id_,
            argv=argv,
            environment=(("LLAMA_CACHE", program.cache_folder), *NO_BACKTRACE),
            memory_limit_bytes=_ram_limit(spec),
            keeps_running=keeps_running,
        )
        self._begin(started, lambda held, token: self._start_server(held, spec, process_spec, started, token))

    def _begin(self, started: events.ProcessStarted, work: Callable[[_Held, Token], None]) -> None:
        held = _Held(started=started, keeps_running=started.keeps_running)
        with self._lock:
            self._held[started.id] = held
        self._post(started)
        self._jobs.start(started.id, lambda token: work(held, token))

    def _start_server(
        self, held: _Held, spec: RpcServerSpec, process_spec: ProcessSpec, started: events.ProcessStarted, token: Token
    ) -> None:
        process = self._start(
            held, process_spec, started, lambda line: self._logs.append(process_spec.id, line), start=self._start_there(spec)
        )
        if process is None:
            return
        deadline = self._outside.clock.now_seconds() + READY_SECONDS
        while process.is_alive():
            if self._answers(spec):
                self._post(events.ProcessReady(id=process_spec.id, at_seconds=self._outside.clock.now_seconds()))
                return
            token.check()
            if self._outside.clock.now_seconds() > deadline:
                self._post(events.ProblemHappened(problem=never_answered(spec, process.tail(), READY_SECONDS), ends_run=True))
                return
            token.wait(0.05)

    def _start_there(self, server: RpcServerSpec) -> _Start:
        """The machine is looked up when it is needed: one that was lost meanwhile is a failure of this server."""
        if server.machine_id == THIS_MACHINE:
            return self._outside.starter.start

        def start(spec: ProcessSpec, on_line: OnLine, on_exit: OnExit) -> RunningProcess:
            machine = connected(self._machine_of, server.machine_id, server.machine_name)
            return machine.starter.start(spec, on_line, on_exit)

        return start

    def _answers(self, spec: RpcServerSpec) -> bool:
        """First on its own machine, then by the way that the coordinator will go: the tunnel is proven by it."""
        try:
            there = self._asker_there(spec)
            if there is not None and not _is_idle(there, spec.bind_host, spec.bind_port):
                return False
            return _is_idle(self._outside.asker, spec.host, spec.port)
        except EngineError as error:
            logger.info("%s cannot be asked yet: %s", spec.endpoint, error)
            return False

    def _asker_there(self, spec: RpcServerSpec) -> RpcAsker | None:
        machine = self._machine_of(spec.machine_id)
        return None if machine is None else machine.asker

    def _begin_tunnel(self, spec: TunnelSpec, state: ClusterState) -> None:
        id_, argv = tunnel_process_id(spec), tunnel_argv(state, spec)
        started = events.ProcessStarted(
            id=id_,
            title=f"{TUNNEL_TO}{spec.machine_name}",
            argv=argv,
            machine_id=spec.machine_id,
        )
        process_spec = ProcessSpec(id=id_, argv=argv)
        self._begin(started, lambda held, token: self._start_tunnel(held, spec, process_spec, started, token))

    def _start_tunnel(
        self, held: _Held, spec: TunnelSpec, process_spec: ProcessSpec, started: events.ProcessStarted, token: Token
    ) -> None:
        """Ready when it listens on all its ports: it does so only after it has logged in. Nothing is connected for that."""

        def start(shown: ProcessSpec, on_line: OnLine, on_exit: OnExit) -> RunningProcess:
            """In the job and not before: ssh is asked for its options."""
            machine = connected(self._machine_of, spec.machine_id, spec.machine_name)
            return self._outside.starter.start(replace(machine.tunnel(spec.forwards), id=shown.id), on_line, on_exit)

        process = self._start(held, process_spec, started, lambda line: self._logs.append(process_spec.id, line), start=start)
        if process is None:
            return
        deadline = self._outside.clock.now_seconds() + READY_SECONDS
        while process.is_alive():
            if not any(self._outside.asker.is_free("127.0.0.1", forward.local_port) for forward in spec.forwards):
                self._post(events.ProcessReady(id=process_spec.id, at_seconds=self._outside.clock.now_seconds()))
                self._tunnels.follow(spec.machine_id, process, token)
                return
            if self._outside.clock.now_seconds() > deadline:
                self._post(events.ProblemHappened(problem=no_tunnel(spec, process.tail(), READY_SECONDS), ends_run=True))
                return
            token.wait(0.05)

    def _begin_coordinator(self, state: ClusterState) -> None:
        run = state.run
        if run is None or run.runtime is None or run.runtime.llama_server is None:
            raise RuntimeUnavailable("The run has no llama-server to be started with.", advice="Launch again.")
        port = int(run.coordinator_url.rpartition(":")[2])
        command = coordinator_argv(
            run.plan,
            run.servers,
            program=run.runtime.llama_server,
            options=run.server_options,
            api_port=port,
            direct_io=run.direct_io,
            api_key_file=self._outside.coordinator_key_file(),
        )
        started = events.ProcessStarted(
            id=COORDINATOR,
            title="llama-server",
            argv=command.argv,
            endpoint=f"127.0.0.1:{port}",
            worker_ids=tuple(worker for _, worker in native_devices(run.plan)),
        )
        # The variable makes llama-server print its load progress; it then reads its standard input to its end, which is the
        # leash (see llama_cpp.server_log).
        spec = ProcessSpec(
            id=COORDINATOR,
            argv=command.argv,
            environment=(*PROGRESS_ENVIRONMENT, *NO_BACKTRACE),
            reads_leash=True,
            stop_line=STOP_LINE,
            memory_limit_bytes=run.plan.native_cpu.offer.safe_bytes if run.plan.native_cpu else None,
        )
        self._begin(started, lambda held, token: self._run_coordinator(held, run, spec, started, token))

    def _run_coordinator(
        self, held: _Held, run: RunSeen, spec: ProcessSpec, started: events.ProcessStarted, token: Token
    ) -> None:
        def loaded() -> None:
            self._tunnels.tell_now()
            self._jobs.start(WHOLE, lambda _token: caches_are_whole(run, self._outside, self._machine_of))

        watch = CoordinatorWatch(run, self._post, before_ready=loaded, idle_seconds=self._idle_seconds)

        def on_line(line: str) -> None:
            kept = watch.take(line)
            if kept is not None:
                self._logs.append(COORDINATOR, kept)

        self._ends.begin()
        process = self._start(held, spec, started, on_line, watch)
        if process is not None:
            client, clock = self._outside.coordinator_client(run.coordinator_url), self._outside.clock
            hangs = HangWatch(watch, client, self._suspects, self._tunnels.total_bytes, self._post)
            self._jobs.start(HANG, lambda token: hangs.follow(process, clock, token))
            watch.follow(process, client, clock, token)

    def _running(self) -> list[tuple[events.ProcessStarted, RunningProcess]]:
        with self._lock:
            return [(held.started, held.process) for held in self._held.values() if held.process and not held.ended]

    def _suspects(self) -> tuple[Suspect, ...]:
        """What runs now, for whoever wants to know why nothing moves."""
        return tuple(
            Suspect(started=started, pid=process.pid, condition=process.condition(), silent_seconds=silent)
            for started, process in self._running()
            for silent in [self._ends.silent_seconds(started.machine_id)]
        )

    def _start(
        self,
        held: _Held,
        spec: ProcessSpec,
        started: events.ProcessStarted,
        on_line: Callable[[str], None],
        watch: CoordinatorWatch | None = None,
        *,
        start: _Start | None = None,
    ) -> RunningProcess | None:
        with self._lock:
            if held.stop_asked:
                return None  # _stop has said that it ended
            held.starting = True
        self._logs.forget(spec.id)

        def on_exit(outcome: ProcessOutcome) -> None:
            # From the log and not from process.tail(): this may come before the starter returns, and a tail would hold
            # the debug lines that are not kept because they quote the users.
            ended = Ended(
                started=started,
                outcome=replace(outcome, stop_asked=outcome.stop_asked or held.stop_asked),
                lines=self._logs.lines(spec.id)[1],
                run=watch.run if watch else None,
                fatal=watch.fatal if watch else None,
            )
            self._ends.take(ended, lambda problem: self._ended(held, spec.id, outcome, problem))

        try:
            process = (start or self._outside.starter.start)(spec, on_line, on_exit)
        except EngineError as error:
            self._ended(held, spec.id, ProcessOutcome(exit_code=None, stop_asked=False), not_started(started, error))
            return None
        except Exception:  # a bug, which the job runner reports; but what did not start must not be waited for
            self._ended(held, spec.id, ProcessOutcome(exit_code=None, stop_asked=False), None)
            raise
        return self._started(held, started, process)

    def _started(self, held: _Held, started: events.ProcessStarted, process: RunningProcess) -> RunningProcess | None:
        with self._lock:
            held.process = process
            if not held.ended:
                self._post(replace(started, pid=process.pid))
            stop = held.stop_asked
        if stop:  # asked while the starter worked
            process.stop(grace_seconds=STOP_SECONDS)
            return None
        return process

    def _ended(self, held: _Held, id_: ProcessId, outcome: ProcessOutcome, problem: Problem | None) -> None:
        with self._lock:  # so that no pid is told after the end
            if held.ended:
                return
            held.ended = True
            self._post(events.ProcessEnded(id=id_, outcome=outcome, problem=problem))

    def _begin_stop(self, action: StopProcess, grace_seconds: float) -> None:
        self._post(events.ProcessStopping(id=action.id))
        self._jobs.cancel(action.id)
        self._jobs.start(f"stop {action.id}", lambda _token: self._stop(action.id, grace_seconds))

    def _stop(self, id_: ProcessId, grace_seconds: float) -> None:
        with self._lock:
            held = self._held.get(id_)
            if held is None:
                return
            first, held.stop_asked = not held.stop_asked, True
            process = held.process
            never_started = first and not held.starting
        if process is not None:
            try:
                process.stop(grace_seconds=grace_seconds)
            except EngineError:  # told by the job; but a recovery must not wait for it for ever
                self._ended(held, id_, ProcessOutcome(exit_code=None, stop_asked=True, rung="left behind"), None)
                raise
        elif never_started:  # its job will not start it now: nothing else will say that it is gone
            self._ended(held, id_, ProcessOutcome(exit_code=None, stop_asked=True, rung="never started"), None)


def _is_idle(asker: RpcAsker, host: str, port: int) -> bool:
    return asker.ask(host, port, timeout_seconds=PROBE_SECONDS).state == "idle"


def _ram_limit(spec: RpcServerSpec) -> int | None:
    """RAM that the rpc-server may use, where all of what it holds is in RAM: a GPU's share is no business of the system's."""
    only_cpu = all(name == DeviceKind.CPU.upper() for name in spec.runtime_names)
    return sum(spec.memory_limit_bytes) if only_cpu else None
