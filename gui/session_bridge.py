"""The bridge: the only place with Qt and the session in one sentence.

It pulls. Ten times a second it reads the session's newest state and says ``changed`` only when that is another object.
Rejected: the session pushing signals (5,000 pushed events froze a window for 3.4 s; pulled, the longest gap was 0.024 s) and
QThread (nothing here waits: every command returns at once).
"""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal

from engine.session.session import Session
from engine.session.state import Choices, ClusterState
from engine.vocabulary.plan import Policy
from engine.vocabulary.worker import Layout, WorkerId

_PULL_MILLISECONDS = 100


class SessionBridge(QObject):
    """Lives on the GUI thread; owns the timer, not the session."""

    changed = Signal(object)
    """The newest ``ClusterState``."""
    log_grew = Signal(str, object)
    """Process id, its new lines as a tuple: of the process that is watched."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._last: ClusterState | None = None
        self._asked: Choices | None = None
        self._choices_when_asked: Choices | None = None
        self._watched = ""
        self._log_position = 0
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
            if state.choices != self._choices_when_asked:
                self._asked = None
            self.changed.emit(state)
        self._pull_log()

    def watch_log(self, process_id: str) -> None:
        """Follow another process's output, from its beginning."""
        self._watched = process_id
        self._log_position = 0
        self._pull_log()

    def _pull_log(self) -> None:
        if not self._watched:
            return
        position, lines = self._session.log_lines(self._watched, self._log_position)
        self._log_position = position
        if lines:
            self.log_grew.emit(self._watched, lines)

    # -- choices: each starts from the last one asked for, which the session may not have taken up yet

    def choose_model(self, path: str) -> None:
        """Another GGUF file."""
        self._choose(replace(self._base(), model_path=path))

    def choose_runtime_folder(self, folder: str) -> None:
        """A folder with llama.cpp programs."""
        self._choose(replace(self._base(), runtime_folder=folder))

    def choose_policy(self, policy: str) -> None:
        """How layers are shared out."""
        self._choose(replace(self._base(), policy=Policy(policy)))

    def choose_layout(self, layout: str) -> None:
        """How devices become processes."""
        self._choose(replace(self._base(), layout=Layout(layout)))

    def choose_variant(self, policy: str, layout: str) -> None:
        """A column of the comparison."""
        self._choose(replace(self._base(), policy=Policy(policy), layout=Layout(layout)))

    def choose_context(self, tokens: str) -> None:
        """``-c``."""
        base = self._base()
        self._choose(replace(base, shape=replace(base.shape, context_tokens=int(tokens))))

    def choose_slots(self, slots: str) -> None:
        """``-np``."""
        base = self._base()
        self._choose(replace(base, shape=replace(base.shape, slots=int(slots))))

    def split_cpu(self, split: bool) -> None:
        """Two CPU workers on this machine, or one. They share cores and RAM: it shows a split, it adds no speed."""
        self._choose(replace(self._base(), cpu_workers=2 if split else 1))

    def switch_worker(self, worker_id: str, on: bool) -> None:
        """Let a worker take part, or leave it out."""
        base = self._base()
        worker = frozenset({WorkerId(worker_id)})
        self._choose(replace(base, left_out=base.left_out - worker if on else base.left_out | worker))

    def _base(self) -> Choices:
        return self._session.snapshot().choices if self._asked is None else self._asked

    def _choose(self, choices: Choices) -> None:
        self._choices_when_asked = self._session.snapshot().choices
        self._asked = choices
        self._session.choose(choices)

    # -- commands

    def look_again(self) -> None:
        """Probe again."""
        self._session.look_again()

    def install_runtime(self) -> None:
        """Build llama.cpp."""
        self._session.install_runtime()

    def calibrate(self) -> None:
        """Measure the workers."""
        self._session.calibrate()

    def launch(self) -> None:
        """Start what is planned."""
        self._session.launch()

    def stop(self) -> None:
        """Stop everything."""
        self._session.stop()

    def ask(self, prompt: str, chat: bool) -> None:
        """Ask the running model, in its chat template or as a text to go on with."""
        self._session.ask(prompt, chat=chat)

    def cancel(self, activity_id: str) -> None:
        """Cancel an activity."""
        self._session.cancel(activity_id)

    def dismiss(self, problem_index: int) -> None:
        """Take a problem off the list."""
        self._session.dismiss(problem_index)

    def close(self) -> None:
        """Begin the shut-down."""
        self._session.close()
