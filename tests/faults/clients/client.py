"""Users of the API, each a process of its own: who waits for an answer must not slow down who watches."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("client_program.py")


class Client:
    """One run of ``client_program.py``. A context manager: it is ended with the block."""

    def __init__(self, prefix: Sequence[str], log: Path, *arguments: str) -> None:
        """``prefix``: what brings a command to where the user is. ``log``: a file for its lines."""
        self._log = log
        self._read = 0
        self.lines: list[dict[str, Any]] = []
        with log.open("wb") as out:
            argv = [*prefix, sys.executable, "-I", "-S", str(PROGRAM), *arguments]
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)

    def look(self) -> list[dict[str, Any]]:
        """All that it has said so far."""
        with self._log.open("rb") as file:
            file.seek(self._read)
            whole, _, _ = file.read().rpartition(b"\n")
        if whole:
            self._read += len(whole) + 1
            self.lines += [json.loads(line) for line in whole.splitlines()]
        return self.lines

    def end(self) -> None:
        """It goes away in the middle of whatever it does."""
        self._process.kill()
        self._process.wait(10)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def asking(prefix: Sequence[str], log: Path, url: str, *, patience_seconds: float, pause_seconds: float) -> Client:
    """Short requests without end."""
    return Client(prefix, log, "ask", url, str(patience_seconds), str(pause_seconds))


def holding(prefix: Sequence[str], log: Path, url: str, *, words: int, tokens: int) -> Client:
    """One long, streamed request."""
    return Client(prefix, log, "hold", url, str(words), str(tokens))


def n_tokens(client: Client) -> int:
    """Pieces of the answer that have come."""
    return sum("token" in line for line in client.look())


def first_answer(client: Client, since: float) -> float | None:
    """When the first request that began after ``since`` was answered well."""
    return next((line["ended"] for line in client.look() if line.get("status") == 200 and line["begun"] > since), None)
