"""The bridge: the only place with Qt and the session in one sentence.

It pulls. Ten times a second, and oftener until a choice is planned, it reads the session's newest state and says ``changed``
only when that is another object.
Rejected: the session pushing signals (5,000 pushed events froze a window for 3.4 s; pulled, the longest gap was 0.024 s) and
QThread (nothing here waits: every command returns at once).
"""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal

from engine.planning.memory.safe_memory import LEAST_RESERVE_FRACTION, MOST_RESERVE_FRACTION
from engine.planning.policies.moved_boundary import moved_boundary, seats_of_workers
from engine.remote_ports import Secret
from engine.session.choosing.choice_history import ChoiceHistory, best_of
from engine.session.choosing.cluster_document import with_own
from engine.session.session import Session
from engine.session.state import Choices, ClusterState
from engine.session.working.ask import ASK
from engine.session.working.launching.api_access import ApiAccess
from engine.session.working.machines.find_machines import FIND
from engine.vocabulary.machine import THIS_MACHINE, MachineId
from engine.vocabulary.plan import Plan, Policy
from engine.vocabulary.remote import HostKey, SshTarget
from engine.vocabulary.running.problem import Problem
from engine.vocabulary.running.recovery import RecoveryMode
from engine.vocabulary.worker import Layout, WorkerId

_PULL_MILLISECONDS = 100
_SOON_MILLISECONDS = 8
"""While something that was chosen is being planned: a dragged boundary is to be seen within 100 ms, half of which the wait for
the next of ten pulls a second would take. Looking is a pointer read."""


class SessionBridge(QObject):
    """Lives on the GUI thread; owns the timer, not the session."""

    changed = Signal(object)
    """The newest ``ClusterState``."""
    edited = Signal()
    """There is something else to undo or redo."""
    log_grew = Signal(object)
    """New lines of all processes, a tuple of ``LogLine``."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._last: ClusterState | None = None
        self._history = ChoiceHistory()
        self._last_line = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_PULL_MILLISECONDS)
        self._timer.timeout.connect(self.pull)

    def start(self) -> None:
        """Pull now and from now on."""
        self._timer.start()
        self.pull()

    def off(self) -> None:
        """Never pull again."""
        self._timer.stop()

    @property
    def state(self) -> ClusterState:
        """The newest state."""
        return self._session.snapshot()

    def pull(self) -> None:
        """One look at the session."""
        state = self._session.snapshot()
        if state is not self._last:
            self._last = state
            self.changed.emit(state)
        self._pull_log()
        self._set_pace(_PULL_MILLISECONDS if state.choices == self._session.chosen else _SOON_MILLISECONDS)

    def _set_pace(self, milliseconds: int) -> None:
        if milliseconds != self._timer.interval():
            self._timer.setInterval(milliseconds)

    def _pull_log(self) -> None:
        lines = self._session.logs.since(self._last_line)
        if lines:
            self._last_line = lines[-1].number
            self.log_grew.emit(lines)

    # -- choices: each starts from the last one, which the state may not have heard of yet

    def choose_model(self, path: str) -> None:
        """Another GGUF file; the same one is read again, for it may be mended or replaced."""
        if path == self._base().model_path:
            self._session.read_model_again()
        self._choose(replace(self._base(), model_path=path, given=None))

    def choose_runtime_folder(self, folder: str) -> None:
        """A folder with llama.cpp programs."""
        self._choose(replace(self._base(), runtime_folder=folder))

    def choose_policy(self, policy: str) -> None:
        """How layers are shared out."""
        self._choose(replace(self._base(), policy=Policy(policy), given=None))

    def choose_reserve(self, fraction: float) -> None:
        """Share of every device's memory that is left alone, held within what is allowed."""
        allowed = max(LEAST_RESERVE_FRACTION, min(MOST_RESERVE_FRACTION, fraction))
        self._choose(replace(self._base(), reserve_fraction=allowed, given=None))

    def choose_recovery(self, mode: str) -> None:
        """What happens when a run breaks."""
        self._choose(replace(self._base(), recovery=RecoveryMode(mode)))

    def choose_model_folders(self, folders: tuple[str, ...]) -> None:
        """Where else models are looked for."""
        self._choose(replace(self._base(), model_folders=folders))

    def choose_prompt_share(self, percent: int) -> None:
        """From chat (0) to documents (100)."""
        self._choose(replace(self._base(), prompt_share=percent / 100, given=None))

    def choose_layout(self, layout: str) -> None:
        """How devices become processes."""
        self._choose(replace(self._base(), layout=Layout(layout), given=None))

    def choose_variant(self, policy: str, layout: str, approach: str = "") -> None:
        """A column of the comparison; one that does not fit changes only the policy and the layout."""
        variants = self._session.snapshot().variants
        given = next((variant.given for variant in variants if approach and variant.approach == approach), None)
        self._choose(replace(self._base(), policy=Policy(policy), layout=Layout(layout), given=given))

    def choose_context(self, tokens: str) -> None:
        """``-c``."""
        base = self._base()
        self._choose(replace(base, shape=replace(base.shape, context_tokens=int(tokens))))

    def choose_slots(self, slots: str) -> None:
        """``-np``."""
        base = self._base()
        self._choose(replace(base, shape=replace(base.shape, slots=int(slots))))

    def choose_cache_type(self, kind: str) -> None:
        """``-ctk`` and ``-ctv``."""
        base = self._base()
        self._choose(replace(base, shape=replace(base.shape, cache_type_k=kind, cache_type_v=kind)))

    def split_cpu(self, split: bool) -> None:
        """Two CPU workers on this machine, or one. They share cores and RAM: it shows a split, it adds no speed."""
        self._choose(replace(self._base(), cpu_workers=2 if split else 1, given=None))

    def keep_running(self, keep: bool) -> None:
        """Leave workers on remote machines running at the end, or stop them."""
        self._choose(replace(self._base(), keep_running=keep))

    def switch_worker(self, worker_id: str, on: bool) -> None:
        """Let a worker take part, or leave it out. A given split that needs it goes: it could only be refused."""
        base = self._base()
        worker = frozenset({WorkerId(worker_id)})
        needed = not on and base.given is not None and worker_id in dict(base.given.seats)
        given = None if needed else base.given
        self._choose(replace(base, left_out=base.left_out - worker if on else base.left_out | worker, given=given))

    def choose_exposure(self, machine_id: str, address: str | None) -> None:
        """Open a machine's workers on one address of its own, or (``None``) reach them through a tunnel."""
        base = self._base()
        kept = tuple(pair for pair in base.lan_addresses if pair[0] != machine_id)
        new = () if address is None else ((MachineId(machine_id), address),)
        self._choose(replace(base, lan_addresses=(*kept, *new)))

    def _base(self) -> Choices:
        return self._session.chosen

    def _choose(self, choices: Choices) -> None:
        self._take(self._history.changed(self._base(), choices), choices)

    def _take(self, history: ChoiceHistory, choices: Choices) -> None:
        """Another history, and what is chosen with it."""
        if choices != self._base():
            self._session.choose(choices)
            self._set_pace(_SOON_MILLISECONDS)
        if history != self._history:
            self._history = history
            self.edited.emit()

    # -- editing the plan by hand, with undo; nothing is started by any of it

    @property
    def history(self) -> ChoiceHistory:
        """What can be undone and redone."""
        return self._history

    def undo(self) -> None:
        """One step back."""
        self._take(*self._history.undone(self._base()))

    def redo(self) -> None:
        """One step forward again."""
        self._take(*self._history.redone(self._base()))

    def back_to_best(self) -> None:
        """The planner's own fastest split."""
        self._choose(best_of(self._base()))

    def begin_gesture(self) -> None:
        """What is chosen until it ends is one step."""
        self._take(self._history.gesture_begun(self._base()), self._base())

    def end_gesture(self) -> None:
        """Let go."""
        self._take(self._history.gesture_ended(self._base()), self._base())

    def cancel_gesture(self) -> None:
        """Let go, and have it as it was before."""
        self._take(*self._history.gesture_cancelled(self._base()))

    def move_boundary(self, boundary: int, layer: int) -> None:
        """Put a boundary of the layer map in front of a layer, or as near as it may come."""
        base = self._base()
        plan = self._session.snapshot().plan
        seats = base.given.seats if base.given is not None else ()
        if not seats and isinstance(plan, Plan):
            seats = seats_of_workers(plan.used_workers)
        if boundary < len(seats) - 1:
            self._choose(replace(base, given=moved_boundary(seats, boundary, layer)))

    # -- the API: for whom it is open is said again in every session, and undone by nothing but that

    @property
    def api_access(self) -> ApiAccess:
        """Its key, and this machine's addresses."""
        return self._session.api_access

    def open_api(self, network_address: str | None, key_on_loopback: bool) -> None:
        """Have it reached so, from now on."""
        place = self._session.snapshot().api_place
        place = replace(place, port=self._base().api_port, network_address=network_address, key_on_loopback=key_on_loopback)
        self._session.open_api(place)

    # -- files

    def open_cluster(self, path: str) -> None:
        """Choose what a cluster file says."""
        self._session.documents.open_cluster(path)

    def save_cluster(self, path: str | None) -> None:
        """Save what is chosen, under another name if one is given."""
        self._session.documents.save_cluster(path)

    def open_ports_of_file(self) -> None:
        """The person agreed to what the open file opens on the network."""
        saved = self._session.snapshot().document.saved
        if saved is not None:
            self._choose(replace(self._base(), lan_addresses=saved.lan_addresses))

    def discard_changes(self) -> None:
        """Choose what the open file says again; ports stay as they are, and so does what is in no file."""
        saved = self._session.snapshot().document.saved
        if saved is not None:
            base = self._base()
            self._choose(replace(with_own(saved, base), lan_addresses=base.lan_addresses))

    def fetch_demo_model(self) -> None:
        """Get the small model."""
        self._session.documents.fetch_demo_model()

    def add_model_folder(self, path: str) -> None:
        """Look for models there, too."""
        folders = self._base().model_folders
        self.choose_model_folders((*folders, *(() if path in folders else (path,))))

    # -- machines over the network

    def find_machines(self, wide: bool = False) -> None:
        """Search the network, from the beginning."""
        self._session.cancel(FIND)
        self._session.find_machines(wide=wide)

    def stop_finding(self) -> None:
        """End the search; what was found stays."""
        self._session.cancel(FIND)

    def add_machines(self, targets: tuple[SshTarget, ...]) -> None:
        """Take machines into the cluster."""
        self._session.add_machines(*targets)

    def remove_machine(self, target: SshTarget, clean: bool) -> None:
        """Take one out, with what we put there or without."""
        self._session.remove_machine(target, clean=clean)

    def answer_host_key(self, target: SshTarget, key: HostKey, accepted: bool) -> None:
        """The person compared the fingerprint, or did not like it."""
        self._session.remotes.answer_host_key(target, key, accepted=accepted)

    def answer_secret(self, target: SshTarget, secret: Secret) -> None:
        """The person typed it. It is handed on and kept nowhere here."""
        self._session.remotes.answer_secret(target, secret)

    def connect_again(self, target: SshTarget) -> None:
        """Try now."""
        self._session.remotes.connect_again(target)

    def copy_runtime(self, machine_id: str) -> None:
        """Copy this machine's build of llama.cpp there."""
        self._session.remotes.copy_runtime(MachineId(machine_id))

    def stop_kept(self, machine_id: str) -> None:
        """Stop the workers that were left running there."""
        self._session.remotes.stop_kept(MachineId(machine_id))

    def build_runtime(self, machine_id: str) -> None:
        """Build llama.cpp from source there."""
        self._session.remotes.build_runtime(MachineId(machine_id))

    def cancel_copy(self, machine_id: str) -> None:
        """Stop copying."""
        self._session.remotes.cancel_copy(MachineId(machine_id))

    def look_again_at(self, machine_id: str) -> None:
        """Look at one machine again; this one is looked at with everything else."""
        if machine_id == THIS_MACHINE:
            self._session.look_again()
        else:
            self._session.remotes.look_again(MachineId(machine_id))

    # -- commands

    def look_again(self) -> None:
        """Probe again."""
        self._session.look_again()

    def install_runtime(self) -> None:
        """Build llama.cpp."""
        self._session.install_runtime()

    def calibrate(self) -> None:
        """Measure the workers that were never measured or whose load changed; where there are none, all of them again."""
        self._session.calibrate(again=True)

    def measure_plans(self) -> None:
        """Run the best plans."""
        self._session.measure_plans()

    def launch(self) -> None:
        """Start what is planned."""
        self._session.launch()

    def try_again(self) -> None:
        """Of a run that broke: start again now."""
        self._session.try_again()

    def go_back(self) -> None:
        """Start anew with the machines that were lost and are there again."""
        self._session.go_back()

    def stop(self) -> None:
        """Stop everything."""
        self._session.stop()

    def ask(self, prompt: str, chat: bool) -> None:
        """Ask the running model, in its chat template or as a text to go on with."""
        self._session.ask(prompt, chat=chat)

    def stop_answer(self) -> None:
        """End the answer that is being given."""
        self._session.cancel(ASK)

    def cancel(self, activity_id: str) -> None:
        """Cancel an activity."""
        self._session.cancel(activity_id)

    def dismiss(self, problem: Problem) -> None:
        """Take a problem off the list."""
        self._session.dismiss(problem)

    def close(self, keep_running: bool = True) -> None:
        """Begin the shut-down; workers that were started to stay are left, or stopped too."""
        self._session.close(keep_running=keep_running)
