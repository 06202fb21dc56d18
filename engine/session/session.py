"""``Session``: the one object a front end is given. One inbox, one writer.

``drain`` is an ordinary call: the session's thread makes it in a loop, a test makes it itself, with no thread and no sleep.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from engine.cluster.reconcile import Wanted, reconcile
from engine.errors import EngineError
from engine.session import events
from engine.session.administration.kept_to_policy import kept_to, overruled
from engine.session.follow_ups import FollowUps
from engine.session.jobs import Jobs, Token
from engine.session.outside import Outside
from engine.session.pace import Pace
from engine.session.plan_runs.in_background import MEASURE_PLANS, measure_best_plans
from engine.session.recovering.clock import RecoveryClock
from engine.session.reducing.processes_seen import alive, is_left_running
from engine.session.reducing.reduce import reduce
from engine.session.reducing.serving import serving_of
from engine.session.state import Choices, ClusterState, RunPhase
from engine.session.telling.logs import LogBook
from engine.session.working.ask import ASK, ask
from engine.session.working.documents import Documents
from engine.session.working.faults.sleep_watch import watch_sleep
from engine.session.working.launching.api_access import ApiAccess
from engine.session.working.launching.open_api import open_api_or_tell
from engine.session.working.launching.prepare_run import prepare_run
from engine.session.working.machines import look
from engine.session.working.machines.find_machines import FIND, find_machines
from engine.session.working.machines.remote_machines import RemoteMachines
from engine.session.working.measured import calibrate
from engine.session.working.measured.serve_alone import Bench
from engine.session.working.perform import Performer
from engine.vocabulary.remote import SshTarget
from engine.vocabulary.running.api import ApiPlace, Serving
from engine.vocabulary.running.problem import Problem, ProblemKind

logger = logging.getLogger(__name__)

_CLOSE_SECONDS = 15.0
_PUBLISH_SECONDS = 0.5
_CLOCKS_APART_SECONDS = 1.0


class Session:
    """Owns the state. Commands may be called from any thread and return at once; what came of them is in the state."""

    def __init__(
        self,
        outside: Outside,
        choices: Choices | None = None,
        *,
        publish: Callable[[ClusterState], None] | None = None,
        jobs: Jobs | None = None,
    ) -> None:
        """``publish`` is called twice a second, on a job's thread, with a state that changed. ``jobs``: a test's own."""
        self._outside = outside
        self._state = ClusterState(choices=kept_to(outside.policy, choices or Choices()), policy=outside.policy)
        self.overruled = overruled(outside.policy, choices or Choices())
        """What of the first choices the administrator forbids, in sentences."""
        self._publish = publish
        self._inbox: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
        self.logs = LogBook()
        self._jobs = jobs or Jobs(self.on_bug)
        self.remotes = RemoteMachines(outside, self._jobs, self.post, self.snapshot)
        """Commands about remote machines: answers to their questions, copying, looking again."""
        self.documents = Documents(outside, self._jobs, self.post, self.snapshot, lambda: self._chosen, self.choose)
        """Commands about files: models, cluster files."""
        self.api_access = ApiAccess(outside)
        """The API's key and this machine's addresses."""
        self._performer = Performer(outside, self._jobs, self.logs, self.post, self.remotes.machine, self._idle_seconds)
        self._thread: threading.Thread | None = None
        self._choosing = threading.RLock()
        self._chosen = self._state.choices
        self._prepared_launch = 0
        self._follow_ups = FollowUps(outside, self._jobs, self.post)
        self._recovery = RecoveryClock(outside.clock, self.post, self.remotes.look_again, self._idle_seconds)
        self._serving: Serving | None = None
        self._pace = Pace()

    # -- reading

    def snapshot(self) -> ClusterState:
        """The newest state: a pointer read."""
        return self._state

    @property
    def chosen(self) -> Choices:
        """What was chosen last: the state may not have heard of it yet, and the next choice is to start from it."""
        with self._choosing:
            return self._chosen

    # -- commands

    def start(self) -> None:
        """Start the session's thread and take the first look at everything. Once: two threads would start everything twice."""
        if self._thread is not None:
            raise RuntimeError("A session is started once, and this one has its thread.")
        self._thread = threading.Thread(target=self._run, name="session", daemon=True)
        self._thread.start()
        self.look_again()
        if self._state.choices.model_path is not None:
            self._read_model(self._state.choices.model_path)
        self._jobs.start("load", lambda token: look.sample_load(self._outside, self.snapshot, self.post, token))
        self._jobs.start(
            "sleep", lambda token: watch_sleep(self._outside.clock, self.remotes, self.snapshot, self.post, token)
        )
        if self._publish is not None:
            self._jobs.start("publish", self._publish_changes)

    def choose(self, choices: Choices) -> None:
        """Replace what the person chose, kept to what the administrator locked; re-plans."""
        choices = kept_to(self._outside.policy, choices)
        with self._choosing:
            # Compared with the last choice and not with the state, which may not have heard of that one yet.
            before, self._chosen = self._chosen, choices
            self.post(events.ChoicesChanged(choices=choices))
            if choices.model_path is not None and choices.model_path != before.model_path:
                self._read_model(choices.model_path)
                self.documents.model_chosen(choices.model_path)
            if choices.runtime_folder != before.runtime_folder:
                self._look(choices.runtime_folder)

    def choose_for_now(self, choices: Choices) -> None:
        """The same for as long as something is tried: a session that remembers what is chosen does not remember this."""
        Session.choose(self, choices)

    def read_model_again(self) -> None:
        """Read the chosen model once more: the file may be there by now, or be another one."""
        path = self.chosen.model_path
        if path is not None:
            self._read_model(path)

    def look_again(self) -> None:
        """Probe the machines and the runtimes again, and read a model again that could not be used."""
        self._look(self._chosen.runtime_folder)
        if self._state.model_problem is not None:
            self.read_model_again()
        self.remotes.look_again()

    def find_machines(self, *, wide: bool = False) -> None:
        """Search the network; what it finds grows in ``state.finding``. Cancel with ``cancel(FIND)``."""

        def find(token: Token) -> None:
            find_machines(self._outside, wide=wide, snapshot=self.snapshot, post=self.post, token=token)

        self._jobs.start(FIND, find)

    def add_machines(self, *targets: SshTarget) -> None:
        """Take machines into the cluster: we log in to them and look at them."""
        with self._choosing:
            new = [target for target in dict.fromkeys(targets) if target not in self._chosen.targets]
            if new:
                self.choose(replace(self._chosen, targets=(*self._chosen.targets, *new)))

    def remove_machine(self, target: SshTarget, *, clean: bool = False) -> None:
        """Take a machine out of the cluster; with ``clean`` what we put there is deleted first."""

        def remove(_token: Token) -> None:
            if clean:
                self.remotes.remove_ours(target)
            with self._choosing:
                chosen = self._chosen
                lan = tuple(pair for pair in chosen.lan_addresses if pair[0] != target.machine_id)
                left = tuple(other for other in chosen.targets if other != target)
                self.choose(replace(chosen, targets=left, lan_addresses=lan))

        self._jobs.start(f"remove {target.text}", remove)

    def install_runtime(self) -> None:
        """Build llama.cpp from source into the user's data folder; progress is an ``Activity``."""

        def install_and_look(token: Token) -> None:
            look.install_runtime(self._outside, self.post, token)
            self.look_again()

        self._jobs.start(look.INSTALL, install_and_look)

    def calibrate(self, *, again: bool = False) -> None:
        """Measure how fast the workers are that were not measured yet, or were under another load; ``again``: where there are
        none, all of them. Progress is an ``Activity``."""
        state = self._state
        self._jobs.start(look.CALIBRATE, lambda token: calibrate.calibrate(self._bench(state, token), self.post, again=again))

    def measure_plans(self) -> None:
        """Run the chosen plan and the best predicted ones for real, in turn; what was measured is in the history and beside
        the predictions. Cancel with ``cancel(MEASURE_PLANS)``."""
        self._jobs.start(MEASURE_PLANS, lambda token: measure_best_plans(self, self._outside, token))

    def open_api(self, place: ApiPlace) -> None:
        """Have the API's address answer, also while nothing runs, for those whom ``place`` lets in (its port counts once). A
        launch opens it at the latest."""
        self.post(events.ApiPlaceChosen(place=place))
        self._jobs.start("api", lambda _token: open_api_or_tell(self._outside, place, self.post))

    def launch(self) -> None:
        """Start what the plan says."""
        self.post(events.LaunchAsked())

    def try_again(self) -> None:
        """Of a run that broke: start it again now, on what is left. Also the answer *go on* to the question."""
        self.post(events.TryAgainAsked())

    def go_back(self) -> None:
        """Start the run that serves anew with the machines that it lost and that are there again; nothing where none is."""
        self.post(events.GoBackAsked())

    def stop(self) -> None:
        """Stop everything."""
        self.post(events.StopAsked())

    def ask(self, prompt: str, *, max_tokens: int = 256, chat: bool = True, temperature: float | None = None) -> None:
        """Send a question to the running coordinator; the answer grows in ``state.answer``. ``temperature`` 0: the likeliest
        answer every time, else as llama-server has it."""
        run = self._state.run
        if run is None or self._state.run_phase is not RunPhase.READY:
            return
        client = self._outside.coordinator_client(run.coordinator_url)
        clock, post = self._outside.clock, self.post
        self._jobs.start(
            ASK,
            lambda token: ask(
                client, prompt, max_tokens, chat=chat, temperature=temperature, clock=clock, post=post, token=token
            ),
        )

    def cancel(self, activity_id: str) -> None:
        """Cancel a running activity."""
        self._jobs.cancel(activity_id)

    def dismiss(self, problem: Problem) -> None:
        """Take a problem off the list."""
        self.post(events.ProblemDismissed(problem=problem))

    def close(self, *, keep_running: bool = True) -> None:
        """Begin the shut-down; ``state.closed`` turns true when everything is stopped, but for workers that were started to
        stay, unless ``keep_running`` is false. Returns at once."""
        self.post(events.CloseAsked(keep_running=keep_running))

    def join(self, seconds: float = _CLOSE_SECONDS + 5.0) -> bool:
        """Wait until the session has ended after ``close``. Returns whether it has."""
        if self._thread is not None:
            self._thread.join(seconds)
            return not self._thread.is_alive()
        return True

    # -- the single writer

    def post(self, event: events.Event) -> None:
        """Put an event into the inbox. From any thread."""
        self._inbox.put(event)

    def drain(self, *first: events.Event) -> None:
        """Reduce ``first`` and what is waiting now, publish the new state, begin what is to be done."""
        state = self._state
        waiting = self._inbox.qsize()  # not "until it is empty": a flood must not keep the state from being published
        if first or waiting:
            state = self._timed(state)
        for event in (*first, *(self._inbox.get() for _ in range(waiting))):
            state = self._reduced(state, event)
        self._state = state
        try:
            self._act(state)
        except EngineError as error:
            problem = look.problem_of(error, ProblemKind.WORKER, "this machine")
            self.post(events.ProblemHappened(problem=problem, ends_run=True))
        except Exception as error:
            logger.exception("the session has a bug")
            self.post(events.ProblemHappened(problem=_bug("session", error), ends_run=True))

    def _timed(self, state: ClusterState) -> ClusterState:
        """What is reduced now happened now. The clocks drift apart only while the machine sleeps."""
        now_seconds = self._outside.clock.now_seconds()
        zero = time.time() - now_seconds
        moved = abs(zero - state.zero_is_at_seconds) > _CLOCKS_APART_SECONDS
        return replace(state, now_seconds=now_seconds, zero_is_at_seconds=zero if moved else state.zero_is_at_seconds)

    def _reduced(self, state: ClusterState, event: events.Event) -> ClusterState:
        """One bad event must not end the only thread that could still stop what runs."""
        try:
            return reduce(state, event)
        except Exception as error:
            logger.exception("%s could not be taken in", type(event).__name__)
            return reduce(state, events.ProblemHappened(problem=_bug(type(event).__name__, error)))

    def _act(self, state: ClusterState) -> None:
        self._tell_gateway(state)
        self._follow_ups.act(state)
        if not state.closing:
            self.remotes.keep_to(state.choices.targets, state.runtime)
        broken = state.run_phase is RunPhase.RECOVERING
        self._recovery.act(state)
        if state.run_wanted and state.run is None and not broken:
            self._prepare(state)
            return
        run = state.run if state.run_wanted and not broken else None
        wanted = None if run is None else Wanted(servers=run.servers, tunnels=run.tunnels)
        seen = {process.id: process.phase for process in state.processes if not is_left_running(process, state)}
        for action in reconcile(wanted, seen):
            self._performer.perform(action, state)

    def _idle_seconds(self) -> float:
        """Since somebody last wanted something of the run: here, or through the API. 0 while it works for one."""
        answer = self._state.answer
        asks = answer is not None and not answer.finished
        return 0.0 if asks else self._outside.gateway.idle_seconds()

    def _tell_gateway(self, state: ClusterState) -> None:
        serving = serving_of(state)
        if serving != self._serving:
            self._serving = serving
            self._outside.gateway.point_at(serving)

    def _prepare(self, state: ClusterState) -> None:
        if self._prepared_launch != state.n_launches:
            self._prepared_launch = state.n_launches
            self._jobs.start("prepare", lambda _token: prepare_run(self._outside, state, self.post, self.remotes.machine))

    def _run(self) -> None:
        closing_since: float | None = None
        while True:
            self.drain(*self._first_event())
            if not self._state.closing:
                continue
            now = self._outside.clock.now_seconds()
            closing_since = now if closing_since is None else closing_since
            to_end = [process for process in alive(self._state) if not is_left_running(process, self._state)]
            if not to_end or now - closing_since > _CLOSE_SECONDS:
                self._end()
                return

    def _first_event(self) -> tuple[events.Event, ...]:
        try:
            first = self._inbox.get(timeout=0.2)
        except queue.Empty:
            return ()
        threading.Event().wait(self._pace.pause_seconds(time.monotonic()))
        return (first,)

    def _end(self) -> None:
        late = self._jobs.close(5.0)
        self._performer.stop_all()
        self.remotes.close()
        self._outside.gateway.close()
        if late:
            logger.warning("jobs that did not end in time: %s", ", ".join(late))
        state = self._state
        while not self._inbox.empty():
            state = self._reduced(state, self._inbox.get())
        self._state = replace(state, closed=True)

    # -- jobs

    def _publish_changes(self, token: Token) -> None:
        last: ClusterState | None = None
        while self._publish is not None:
            if self._state is not last:
                last = self._state
                self._publish(last)
            token.wait(_PUBLISH_SECONDS)

    def _bench(self, state: ClusterState, token: Token) -> Bench:
        return Bench(outside=self._outside, state=state, machine_of=self.remotes.machine, token=token)

    def _look(self, chosen_folder: str | None) -> None:
        self._jobs.start("look", lambda _token: look.look_at_everything(self._outside, chosen_folder, self.post))

    def _read_model(self, path: str) -> None:
        self._jobs.start("model", lambda _token: look.read_model(self._outside, path, self.post))

    def on_bug(self, key: str, error: Exception) -> None:
        """A job raised. What the engine expects is told as it is, anything else as a bug; both end the run they belong to."""
        problem = look.problem_of(error, ProblemKind.WORKER, key) if isinstance(error, EngineError) else _bug(key, error)
        ends_run = key.startswith(("prepare", "tunnel", "rpc-server", "llama-server"))
        self.post(events.ProblemHappened(problem=problem, ends_run=ends_run))


def _bug(where: str, error: Exception) -> Problem:
    return Problem(
        kind=ProblemKind.BUG,
        where=where,
        happened=f"Crossply has a bug in '{where}': {type(error).__name__}: {error}",
        advice="Please report it with the log.",
    )
