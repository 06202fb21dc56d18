"""The stop ladder: ask, terminate, kill, each rung with a fresh deadline. Knows no process and no system; steps are handed in.

A fresh deadline per rung: with one deadline for all, a program that used it up while being asked politely would be killed
without having been terminated, and nobody would wait for the kill to work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

ASKED = "asked"
TERMINATED = "terminated"
KILLED = "killed"

TERMINATE_SECONDS = 2.0
"""At most: whoever has no patience with the polite question has none with this one."""
KILL_SECONDS = 10.0
"""A killed process that is not gone by then hangs inside the kernel (a driver, a dead network disk)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step: what is done, and how long it may take to work."""

    name: str
    act: Callable[[], None]
    seconds: float


def climb(rungs: tuple[Rung, ...], gone: Callable[[float], bool], on_rung: Callable[[str], None]) -> str | None:
    """Try each rung until ``gone(seconds)`` (waits up to so long) is true. ``on_rung`` is told before each step. The name of
    the rung that worked, or ``None`` when none did."""
    for rung in rungs:
        on_rung(rung.name)
        rung.act()
        if gone(rung.seconds):
            return rung.name
    return None
