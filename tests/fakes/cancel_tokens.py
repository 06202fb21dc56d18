"""Cancel tokens for tests: one that nobody asks to stop, one that is asked at a given moment."""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import Cancelled


class NeverCancelled:
    """Nobody asks. Waiting costs no time."""

    def check(self) -> None:
        """Nothing happens."""

    def wait(self, seconds: float) -> None:
        """Nothing happens."""


class CancelledWhen:
    """Asked as soon as ``condition`` holds."""

    def __init__(self, condition: Callable[[], bool]) -> None:
        self._condition = condition

    def check(self) -> None:
        """Raise when the condition holds."""
        if self._condition():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """As ``check``; costs no time."""
        self.check()
