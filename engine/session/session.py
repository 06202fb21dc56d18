"""``Session``: the one object a front end is given. (Being written: this is its public face.)"""

from __future__ import annotations

from engine.session.state import Choices, ClusterState


class Session:
    """Owns the state. Commands may be called from any thread and return at once; what came of them is in the state."""

    def snapshot(self) -> ClusterState:
        """The newest state: a pointer read."""
        raise AssertionError

    def log_lines(self, process_id: str, after: int = 0) -> tuple[int, tuple[str, ...]]:
        """Lines of one process printed after number ``after`` (bounded: the oldest are forgotten), and the new number."""
        raise AssertionError

    def choose(self, choices: Choices) -> None:
        """Replace what the person chose; re-plans."""

    def look_again(self) -> None:
        """Probe the machine and the runtimes again."""

    def install_runtime(self) -> None:
        """Build llama.cpp from source into the user's data folder; progress is an ``Activity``."""

    def calibrate(self) -> None:
        """Measure how fast each worker is; progress is an ``Activity``."""

    def launch(self) -> None:
        """Start what the plan says."""

    def stop(self) -> None:
        """Stop everything."""

    def ask(self, prompt: str, *, max_tokens: int = 256, chat: bool = True) -> None:
        """Send a question to the running coordinator; the answer grows in ``state.answer``."""

    def cancel(self, activity_id: str) -> None:
        """Cancel a running activity."""

    def dismiss(self, problem_index: int) -> None:
        """Take a problem off the list."""

    def close(self) -> None:
        """Begin the shut-down; ``state.closed`` turns true when everything is stopped."""
