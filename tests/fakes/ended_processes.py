"""Whether a process has ended, asked so that it may end while it is asked.

``psutil.pid_exists(pid)`` and then ``Process(pid)`` is a race: it may end between the two (it did, in one CI run of many).
"""

from __future__ import annotations

import time

import psutil


def has_ended(pid: int) -> bool:
    """A zombie counts as ended: in a container nobody may collect orphans."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def ends(pid: int, limit_seconds: float = 10.0) -> bool:
    """Whether it has ended within this time."""
    deadline = time.monotonic() + limit_seconds
    while not has_ended(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def seconds_until_ended(pids: list[int], limit_seconds: float) -> float:
    """How long they still live; fails when one of them outlives the limit."""
    started = time.monotonic()
    for pid in pids:
        assert ends(pid, started + limit_seconds - time.monotonic()), f"process {pid} lives on"
    return time.monotonic() - started
