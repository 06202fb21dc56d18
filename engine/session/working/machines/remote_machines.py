"""Logging in to machines, looking at them, letting go of them: the jobs, and who is connected.

Jobs of one machine run one after another (one key per machine), machines side by side. A machine that cannot be reached is
tried again with growing pauses for as long as it is wanted; one that asks a question or refuses waits for the person.
Secrets go from the person's answer into the next login and nowhere else.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import (
    EngineError,
    HostKeyUnknown,
    LoginRefused,
    MachineUnreachable,
    ProbeTimedOut,
    RuntimeUnavailable,
    SecretNeeded,
)
from engine.llama_cpp.dialects import Dialect, dialect_of
from engine.remote_ports import RemoteMachine, Secret
from engine.session import events, remote_events
from engine.session.jobs import Jobs, Token
from engine.session.outside import Outside
from engine.session.state import ClusterState, RuntimePhase
from engine.session.working.machines.give_runtime import Give, give_runtime, problem_at
from engine.session.working.machines.look import problem_of, watch_until_lost
from engine.session.working.machines.quiet import LOOKING_SECONDS, wait_until_quiet
from engine.vocabulary.machine import Machine, MachineId
from engine.vocabulary.remote import HostKey, HostKeyQuestion, RemoteLook, RemotePhase, SshTarget
from engine.vocabulary.running.problem import ProblemKind
from engine.vocabulary.runtime import Runtime
from engine.vocabulary.worker import Link

logger = logging.getLogger(__name__)

Post = Callable[[events.Event], None]

LINKS = "links"

RETRY_SECONDS = (2.0, 5.0, 10.0, 20.0, 30.0)
"""Pauses between attempts to reach a machine; the last one goes on."""


@dataclass
class _Held:
    """One wanted machine. ``machine`` is set while we are logged in."""

    target: SshTarget
    secrets: tuple[Secret, ...] = ()
    machine: RemoteMachine | None = None
    link: Link | None = None
    link_waits: bool = False
    """To be measured: once, however often it is logged in to while a run of weeks lets nothing be measured."""
    load_job: Token | None = None
    giving: Token | None = None
    """Of the job that copies or builds llama.cpp there now."""
    compared_with: str | None = None
    """Id of the coordinator's build that the newest look compares with, or was asked to."""


class RemoteMachines:
    """Who is connected. From any thread."""

    def __init__(self, outside: Outside, jobs: Jobs, post: Post, snapshot: Callable[[], ClusterState]) -> None:
        self._outside = outside
        self._jobs = jobs
        self._post = post
        self._snapshot = snapshot
        self._lock = threading.Lock()
        self._held: dict[SshTarget, _Held] = {}

    def machine(self, machine_id: MachineId) -> RemoteMachine | None:
        """The machine, if we are logged in to it."""
        with self._lock:
            return next((held.machine for held in self._held.values() if held.target.machine_id == machine_id), None)

    def keep_to(self, wanted: tuple[SshTarget, ...], runtime: Runtime | None) -> None:
        """Connect to what is wanted, let go of what is not, look again where the last look compared with another build.
        Called by the session's thread after every batch; returns at once."""
        with self._lock:
            new = [target for target in wanted if target not in self._held]
            gone = [held for target, held in self._held.items() if target not in wanted]
            self._held |= {target: _Held(target=target) for target in new}
            for held in gone:
                del self._held[held.target]
        for target in new:
            self._connect(target)
        for held in gone:
            self._let_go(held)
        self._look_where_stale(runtime)

    def answer_host_key(self, target: SshTarget, key: HostKey, *, accepted: bool) -> None:
        """The person looked at the fingerprint."""
        held = self._get(target)
        if held is None:
            return
        if accepted:
            self._connect(target, before=lambda: self._outside.connector.accept_host_key(key))
        else:
            happened = f"You did not accept the key that {target.text} showed."
            refusal = LoginRefused(happened, advice="Try again when you have compared it.")
            self._turn(target, RemotePhase.REFUSED, refusal)

    def answer_secret(self, target: SshTarget, secret: Secret) -> None:
        """The person typed it."""
        held = self._get(target)
        if held is not None:
            with self._lock:
                held.secrets = (*held.secrets, secret)
            self._connect(target)

    def connect_again(self, target: SshTarget) -> None:
        """Try now."""
        held = self._get(target)
        if held is not None:
            with self._lock:
                held.secrets = ()
            self._connect(target)

    def look_again(self, machine_id: MachineId | None = None) -> None:
        """Look again at one machine, or at all that we are logged in to."""
        with self._lock:
            targets = [held.target for held in self._held.values() if held.machine is not None]
        for target in targets:
            if machine_id in (None, target.machine_id):
                self._look_soon(target)

    def copy_runtime(self, machine_id: MachineId) -> None:
        """Copy the coordinator's build there; progress is an ``Activity``."""
        held = self._by_id(machine_id)
        if held is not None:
            self._jobs.start(_key(held.target), lambda token: self._copy(held, token))

    def build_runtime(self, machine_id: MachineId) -> None:
        """Build llama.cpp from source there, with its GPU toolchain; ``cancel_copy`` stops it. Not while a cluster is up."""
        held = self._by_id(machine_id)
        if held is not None:
            self._jobs.start(_key(held.target), lambda token: self._build(held, token))

    def cancel_copy(self, machine_id: MachineId) -> None:
        """Stop copying or building; what is there already is used next time."""
        held = self._by_id(machine_id)
        with self._lock:
            if held is not None and held.giving is not None:
                held.giving.cancel()

    def stop_kept(self, machine_id: MachineId) -> None:
        """Stop what was left running there, and look again."""
        held = self._by_id(machine_id)
        if held is not None:
            self._jobs.start(_key(held.target), lambda token: self._stop_kept(held, token))

    def _stop_kept(self, held: _Held, token: Token) -> None:
        if held.machine is not None:
            try:
                held.machine.stop_kept()
            except EngineError as error:
                self._post(events.ProblemHappened(problem=problem_of(error, ProblemKind.MACHINE, held.target.text)))
            self._look_or_reconnect(held.target, token)

    def remove_ours(self, target: SshTarget) -> None:
        """Delete what we put there, or tell why not. What is being done there now is given up first. Blocks: for a job."""
        self._jobs.cancel(_key(target))
        machine = self.machine(target.machine_id)
        try:
            if machine is None:
                happened = f"There is no connection to {target.text}, so what Crossply put there is still there."
                raise MachineUnreachable(happened, advice="Add it again when it answers, and remove it then.")
            machine.remove_ours()
        except EngineError as error:
            self._post(events.ProblemHappened(problem=problem_of(error, ProblemKind.MACHINE, target.text)))

    def doubt_all(self, within_seconds: float) -> None:
        """Each must be heard by then, or is lost."""
        with self._lock:
            machines = [held.machine for held in self._held.values() if held.machine is not None]
        for machine in machines:
            machine.must_be_heard(within_seconds)

    def close(self) -> None:
        """Disconnect from all, and from what is being connected to now. What runs there on a leash ends."""
        with self._lock:
            machines = [held.machine for held in self._held.values() if held.machine is not None]
            self._held.clear()
        for machine in machines:
            machine.close()

    # -- jobs

    def _connect(self, target: SshTarget, before: Callable[[], None] | None = None) -> None:
        self._jobs.cancel(_key(target))
        self._jobs.start(_key(target), lambda token: self._stay_connected(target, before, token))

    def _stay_connected(self, target: SshTarget, before: Callable[[], None] | None, token: Token) -> None:
        attempt = 0
        while self._get(target) is not None:
            self._post(remote_events.MachineTurned(target=target, phase=RemotePhase.CONNECTING))
            try:
                if before is not None:
                    before()
                    before = None
                self._log_in(target, token)
                return
            except MachineUnreachable as error:
                self._turn(target, RemotePhase.UNREACHABLE, error)
            except (HostKeyUnknown, SecretNeeded) as question:
                self._ask(target, question)
                return
            except EngineError as error:
                self._turn(target, RemotePhase.REFUSED, error)
                return
            except Exception:  # a bug, which the job runner reports; but nobody must wait for this machine
                self._turn(target, RemotePhase.REFUSED, None)
                raise
            token.wait(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            attempt += 1

    def _log_in(self, target: SshTarget, token: Token) -> None:
        held = self._get(target)
        if held is None:
            return
        self._drop(held)
        machine = self._outside.connector.connect(target, held.secrets, token)
        with self._lock:
            wanted = self._held.get(target) is held
            if wanted:
                held.machine = machine
        if not wanted:
            machine.close()
            return
        self._look_job(target, token)

    def _look_job(self, target: SshTarget, token: Token, *, shown: bool = True) -> None:
        """``shown``: leave what it was, which takes it out of the plan until the look is over."""
        held = self._get(target)
        if held is None or held.machine is None:
            return
        if shown:
            self._post(remote_events.MachineTurned(target=target, phase=RemotePhase.LOOKING))
        try:
            look = self._look_patiently(held, held.machine, token)
        except MachineUnreachable:
            raise
        except EngineError as error:
            self._turn(target, RemotePhase.REFUSED, error)
            return
        self._watch(held, held.machine, look.machine)
        if held.link is None and not held.link_waits:
            held.link_waits = True
            self._jobs.start(LINKS, lambda token: self._measure_link(held, token))

    def _measure_link(self, held: _Held, token: Token) -> None:
        """One after another, and not while anything goes on: a shared link is half as fast, and that is no fact."""
        wait_until_quiet(self._snapshot, token)
        held.link_waits, machine = False, held.machine
        if machine is None:
            return  # it is asked for again when we are logged in
        try:
            held.link = machine.measure_link(token)
        except EngineError as error:
            logger.info("The link to %s was not measured: %s", held.target.text, error)
            return
        self._post(remote_events.LinkMeasured(target=held.target, link=held.link))

    def _look_soon(self, target: SshTarget) -> None:
        self._jobs.start(_key(target), lambda token: self._look_or_reconnect(target, token))

    def _look_or_reconnect(self, target: SshTarget, token: Token) -> None:
        """A second look at what takes part in the plan does not take it out meanwhile."""
        state = self._snapshot()
        takes_part = any(seen.target == target and seen.takes_part(state.runtime) for seen in state.remotes)
        try:
            self._look_job(target, token, shown=not takes_part)
        except MachineUnreachable:
            self._stay_connected(target, None, token)

    def _look_patiently(self, held: _Held, machine: RemoteMachine, token: Token) -> RemoteLook:
        """One that is overloaded now answers later: no person is needed for that, nor is what runs there to be given up."""
        while True:
            try:
                return self._look(held, machine, token)
            except ProbeTimedOut as error:
                self._turn(held.target, RemotePhase.UNREACHABLE, error)
                token.wait(RETRY_SECONDS[-1])

    def _look(self, held: _Held, machine: RemoteMachine, token: Token) -> RemoteLook:
        runtime = self._our_runtime(token)
        held.compared_with = ours = runtime.id if runtime else None
        look = machine.look(runtime, token)
        dialect = _dialect_of(look)
        looked = remote_events.RemoteLooked(target=held.target, look=look, dialect=dialect, looked_for_runtime=ours)
        self._post(looked)
        return look

    def _our_runtime(self, token: Token) -> Runtime | None:
        """What builds there are compared with: that is known a second after the start of the program, and not before."""
        while self._snapshot().runtime_phase is RuntimePhase.LOOKING:
            token.wait(LOOKING_SECONDS)
        return self._snapshot().runtime

    def _watch(self, held: _Held, machine: RemoteMachine, seen: Machine) -> None:
        if held.load_job is not None:
            held.load_job.cancel()
        key = f"load {held.target.text}"
        held.load_job = self._jobs.start(key, lambda token: self._watch_load(held, machine, seen, token))

    def _watch_load(self, held: _Held, machine: RemoteMachine, seen: Machine, token: Token) -> None:
        try:
            watch_until_lost(held.target, machine, seen, self._post, token)
        except MachineUnreachable as error:
            with self._lock:
                lost = held.machine is machine and self._held.get(held.target) is held
            if lost:
                self._turn(held.target, RemotePhase.UNREACHABLE, error)
                token.wait(RETRY_SECONDS[0])
                self._connect(held.target)

    def _copy(self, held: _Held, token: Token) -> None:
        if held.machine is not None:
            self._give(held, f"Copying llama.cpp to {held.target.text}", held.machine.copy_runtime, token)

    def _build(self, held: _Held, token: Token) -> None:
        if held.machine is None:
            return
        if self._snapshot().run_wanted:
            happened = f"llama.cpp is not built on {held.target.text} while a cluster is up."
            self._post(problem_at(held.target, RuntimeUnavailable(happened, advice="Stop it first.")))
            return
        self._give(held, f"Building llama.cpp on {held.target.text}", held.machine.build_runtime, token)

    def _give(self, held: _Held, title: str, give: Give, token: Token) -> None:
        with self._lock:
            held.giving = token
        try:
            given = give_runtime(held.target, title, give, self._snapshot(), self._post, token)
        finally:
            with self._lock:
                held.giving = None
        if given:
            self._look_soon(held.target)  # with a token of its own: who cancels a moment too late does not end this

    # -- the rest

    def _look_where_stale(self, runtime: Runtime | None) -> None:
        if runtime is None:
            return
        for remote in self._snapshot().remotes:
            held = self._get(remote.target)
            looked = remote.phase in (RemotePhase.READY, RemotePhase.NO_RUNTIME)
            if held is None or not looked or runtime.id in (remote.looked_for_runtime, held.compared_with):
                continue
            held.compared_with = runtime.id
            self._look_soon(held.target)

    def _ask(self, target: SshTarget, error: HostKeyUnknown | SecretNeeded) -> None:
        question = HostKeyQuestion(key=error.key) if isinstance(error, HostKeyUnknown) else error.question
        self._post(remote_events.MachineTurned(target=target, phase=RemotePhase.ASKING, question=question))

    def _turn(self, target: SshTarget, phase: RemotePhase, error: EngineError | None) -> None:
        problem = None if error is None else problem_of(error, ProblemKind.MACHINE, target.text)
        self._post(remote_events.MachineTurned(target=target, phase=phase, problem=problem))

    def _let_go(self, held: _Held) -> None:
        self._jobs.cancel(_key(held.target))
        self._drop(held)
        self._post(remote_events.MachineForgotten(target=held.target))

    def _drop(self, held: _Held) -> None:
        with self._lock:
            machine, held.machine = held.machine, None
        if held.load_job is not None:
            held.load_job.cancel()
        if machine is not None:
            self._jobs.start(f"close {held.target.text}", lambda _token: machine.close())

    def _get(self, target: SshTarget) -> _Held | None:
        with self._lock:
            return self._held.get(target)

    def _by_id(self, machine_id: MachineId) -> _Held | None:
        with self._lock:
            return next((held for held in self._held.values() if held.target.machine_id == machine_id), None)


def _key(target: SshTarget) -> str:
    return f"machine {target.text}"


def _dialect_of(look: RemoteLook) -> Dialect | None:
    return None if look.usable is None else dialect_of(look.usable.help_text)
