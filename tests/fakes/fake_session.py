"""A session without an engine: same public methods, writes down what it was told, shows the state it is given."""

from __future__ import annotations

from dataclasses import replace

from engine.session.session import Session
from engine.session.state import Choices, ClusterState


class FakeSession(Session):
    """``commands`` holds (method, arguments...) of every call, in order."""

    def __init__(self, state: ClusterState | None = None) -> None:
        self.state = state if state is not None else ClusterState()
        self.commands: list[tuple[object, ...]] = []
        self.logs: dict[str, list[str]] = {}

    def snapshot(self) -> ClusterState:
        return self.state

    def show(self, state: ClusterState) -> None:
        """What an engine would have published."""
        self.state = state

    def say(self, process_id: str, *lines: str) -> None:
        """What a process would have printed."""
        self.logs.setdefault(process_id, []).extend(lines)

    def log_lines(self, process_id: str, after: int = 0) -> tuple[int, tuple[str, ...]]:
        lines = self.logs.get(process_id, [])
        return len(lines), tuple(lines[after:])

    def choose(self, choices: Choices) -> None:
        self.commands.append(("choose", choices))
        self.state = replace(self.state, choices=choices)

    def look_again(self) -> None:
        self.commands.append(("look_again",))

    def install_runtime(self) -> None:
        self.commands.append(("install_runtime",))

    def calibrate(self) -> None:
        self.commands.append(("calibrate",))

    def launch(self) -> None:
        self.commands.append(("launch",))

    def stop(self) -> None:
        self.commands.append(("stop",))

    def ask(self, prompt: str, *, max_tokens: int = 256, chat: bool = True) -> None:
        self.commands.append(("ask", prompt, max_tokens, chat))

    def cancel(self, activity_id: str) -> None:
        self.commands.append(("cancel", activity_id))

    def dismiss(self, problem_index: int) -> None:
        self.commands.append(("dismiss", problem_index))

    def close(self) -> None:
        self.commands.append(("close",))
        self.state = replace(self.state, closing=True)
