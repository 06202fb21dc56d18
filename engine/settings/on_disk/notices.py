"""What a person must hear about the files of ours, once: from whoever finds out to whoever can say it.

A logger with a name of its own: ``crossplyctl`` leaves it as it is, so that the sentence goes to stderr; a session takes the
sentences from it into its state. Rejected: a list in every store that somebody must remember to read out.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_LOGGER = logging.getLogger("crossply.files")


def tell(sentence: str) -> None:
    """Say it to whoever listens."""
    _LOGGER.warning("%s", sentence)


class Listener(logging.Handler):
    """Takes the sentences from now on; they wait until ``pass_to`` names somebody who can say them. Use with ``close``."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._guard = threading.Lock()
        self._waiting: list[str] = []
        self._say: Callable[[str], None] | None = None
        _LOGGER.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """``logging.Handler``'s."""
        with self._guard:
            self._waiting.append(record.getMessage())
        self._deliver()

    def pass_to(self, say: Callable[[str], None]) -> None:
        """Call it with every sentence, also with those that wait."""
        self._say = say
        self._deliver()

    def _deliver(self) -> None:
        if self._say is None:
            return
        with self._guard:
            sentences, self._waiting = self._waiting, []
        for sentence in sentences:
            self._say(sentence)

    def close(self) -> None:
        """Listen no longer."""
        _LOGGER.removeHandler(self)
        super().close()
