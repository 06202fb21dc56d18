"""Progress of a set-up that a person can trust: step n of m, real time, a bar only where the fraction is known.

On a terminal one line is redrawn; elsewhere (a CI log) plain lines: when a step starts, every 20 seconds, when it ends.
Standard library only: this runs before anything is installed.
"""

from __future__ import annotations

import shutil
import sys
import time

_PLAIN_EVERY_SECONDS = 20.0
_BAR_CELLS = 24


def words(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 05 s``."""
    if seconds < 1:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02} s"


class Progress:
    """Shows the steps of one set-up on standard output."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._number = 0
        self._name = ""
        self._begun = self._step_begun = time.monotonic()
        self._last_plain = 0.0
        self._fraction: float | None = None
        self._tty = sys.stdout.isatty()

    def step(self, name: str) -> None:
        """The next step begins."""
        self._number += 1
        self._name, self._fraction = name, None
        self._step_begun = self._last_plain = time.monotonic()
        if self._tty:
            self._draw("")

    def at(self, detail: str, fraction: float | None = None) -> None:
        """Where the step is. ``fraction`` from 0 to 1 only where it is known; it never goes back."""
        if fraction is not None:
            self._fraction = max(fraction, self._fraction or 0.0)
        now = time.monotonic()
        if self._tty:
            self._draw(detail)
        elif now - self._last_plain > _PLAIN_EVERY_SECONDS:
            self._last_plain = now
            percent = f"{self._fraction:4.0%} " if self._fraction is not None else ""
            print(f"{self._head()} {percent}{detail} ({words(now - self._step_begun)})", flush=True)

    def done(self, result: str) -> None:
        """The step ended well."""
        self._clear()
        print(f"{self._head()} {result} ({words(time.monotonic() - self._step_begun)})", flush=True)

    def failed(self, sentence: str) -> None:
        """The step failed: what, and what to do."""
        self._clear()
        print(f"{self._head()} FAILED after {words(time.monotonic() - self._step_begun)}", flush=True)
        print(f"\n{sentence}\n", file=sys.stderr, flush=True)

    def total(self) -> str:
        """Time since the beginning, in words."""
        return words(time.monotonic() - self._begun)

    def _head(self) -> str:
        return f"[{self._number}/{self._steps}] {self._name}:"

    def _draw(self, detail: str) -> None:
        bar = ""
        if self._fraction is not None:
            full = round(self._fraction * _BAR_CELLS)
            bar = f"{'█' * full}{'░' * (_BAR_CELLS - full)} {self._fraction:4.0%} "
        line = f"{self._head()} {bar}{words(time.monotonic() - self._step_begun)}  {detail}"
        sys.stdout.write("\r\x1b[2K" + line[: _columns() - 1])
        sys.stdout.flush()

    def _clear(self) -> None:
        if self._tty:
            sys.stdout.write("\r\x1b[2K")


def _columns() -> int:
    return shutil.get_terminal_size((100, 24)).columns
