"""A session without an engine: same public methods, writes down what it was told, shows the state it is given."""

from __future__ import annotations

from dataclasses import replace

from engine.errors import EngineError
from engine.remote_ports import Secret
from engine.session.session import Session
from engine.session.state import Choices, ClusterState
from engine.session.telling.logs import LogBook
from engine.session.working.documents import Documents
from engine.session.working.launching.api_access import ApiAccess
from engine.session.working.machines.remote_machines import RemoteMachines
from engine.vocabulary.machine import MachineId
from engine.vocabulary.remote import HostKey, SshTarget
from engine.vocabulary.running.api import ApiPlace
from engine.vocabulary.running.problem import Problem
from tests.fakes.ports.fake_gateway import FakeApiKeys

ARRIVED = 1_700_000_000.0
"""When every line of a fake process arrives, in seconds since the epoch."""


class FakeRemoteMachines(RemoteMachines):
    """Writes down into the session's commands what it was told."""

    def __init__(self, commands: list[tuple[object, ...]]) -> None:
        self.commands = commands

    def answer_host_key(self, target: SshTarget, key: HostKey, *, accepted: bool) -> None:
        self.commands.append(("answer_host_key", target, key, accepted))

    def answer_secret(self, target: SshTarget, secret: Secret) -> None:
        self.commands.append(("answer_secret", target, secret))

    def connect_again(self, target: SshTarget) -> None:
        self.commands.append(("connect_again", target))

    def copy_runtime(self, machine_id: MachineId) -> None:
        self.commands.append(("copy_runtime", machine_id))

    def build_runtime(self, machine_id: MachineId) -> None:
        self.commands.append(("build_runtime", machine_id))

    def cancel_copy(self, machine_id: MachineId) -> None:
        self.commands.append(("cancel_copy", machine_id))

    def look_again(self, machine_id: MachineId | None = None) -> None:
        self.commands.append(("look_again", machine_id))


class FakeDocuments(Documents):
    """Writes down into the session's commands what it was told."""

    def __init__(self, commands: list[tuple[object, ...]]) -> None:
        self.commands = commands

    def open_cluster(self, path: str) -> None:
        self.commands.append(("open_cluster", path))

    def save_cluster(self, path: str | None = None) -> None:
        self.commands.append(("save_cluster", path))

    def fetch_demo_model(self) -> None:
        self.commands.append(("fetch_demo_model",))


class FakeApiAccess(ApiAccess):
    """A key in memory, two addresses."""

    def __init__(self) -> None:
        self.keys = FakeApiKeys()
        self.fails: EngineError | None = None

    def has_key(self) -> bool:
        return self.keys.load() is not None

    def make_key(self) -> str:
        if self.fails is not None:
            raise self.fails
        return self.keys.make()

    def key_file(self) -> str:
        return str(self.keys.path)

    def addresses(self) -> tuple[str, ...]:
        return ("10.0.0.7", "192.168.1.2")


class FakeSession(Session):
    """``commands`` holds (method, arguments...) of every call, in order."""

    def __init__(self, state: ClusterState | None = None) -> None:
        self.state = state if state is not None else ClusterState()
        self._chosen = self.state.choices
        self.commands: list[tuple[object, ...]] = []
        self.logs = LogBook(lambda: ARRIVED)
        self.remotes = FakeRemoteMachines(self.commands)
        self.documents = FakeDocuments(self.commands)
        self.api_access = FakeApiAccess()

    @property
    def chosen(self) -> Choices:
        return self._chosen

    def snapshot(self) -> ClusterState:
        return self.state

    def show(self, state: ClusterState) -> None:
        """What an engine would have published."""
        self.state = state
        self._chosen = state.choices

    def fall_behind(self, state: ClusterState) -> None:
        """As if it had not yet heard of what was chosen since this state."""
        self.state = state

    def say(self, process_id: str, *lines: str) -> None:
        """What a process would have printed."""
        for line in lines:
            self.logs.append(process_id, line)

    def choose(self, choices: Choices) -> None:
        self.commands.append(("choose", choices))
        self._chosen = choices
        self.state = replace(self.state, choices=choices)

    def read_model_again(self) -> None:
        self.commands.append(("read_model_again",))

    def look_again(self) -> None:
        self.commands.append(("look_again",))

    def find_machines(self, *, wide: bool = False) -> None:
        self.commands.append(("find_machines", wide))

    def add_machines(self, *targets: SshTarget) -> None:
        self.commands.append(("add_machines", *targets))
        choices = self.state.choices
        self._chosen = replace(choices, targets=(*choices.targets, *targets))
        self.state = replace(self.state, choices=self._chosen)

    def remove_machine(self, target: SshTarget, *, clean: bool = False) -> None:
        self.commands.append(("remove_machine", target, clean))

    def install_runtime(self) -> None:
        self.commands.append(("install_runtime",))

    def calibrate(self) -> None:
        self.commands.append(("calibrate",))

    def measure_plans(self) -> None:
        self.commands.append(("measure_plans",))

    def open_api(self, place: ApiPlace) -> None:
        self.commands.append(("open_api", place))

    def launch(self) -> None:
        self.commands.append(("launch",))

    def try_again(self) -> None:
        self.commands.append(("try_again",))

    def go_back(self) -> None:
        self.commands.append(("go_back",))

    def stop(self) -> None:
        self.commands.append(("stop",))

    def ask(self, prompt: str, *, max_tokens: int = 256, chat: bool = True, temperature: float | None = None) -> None:
        self.commands.append(("ask", prompt, max_tokens, chat))

    def cancel(self, activity_id: str) -> None:
        self.commands.append(("cancel", activity_id))

    def dismiss(self, problem: Problem) -> None:
        self.commands.append(("dismiss", problem))

    def close(self, *, keep_running: bool = True) -> None:
        self.commands.append(("close",) if keep_running else ("close", "stop all"))
        self.state = replace(self.state, closing=True)
