"""What a lab leaves when its test is killed, and how the next lab takes it away.

Processes, namespaces, mounts and links end by themselves (see :mod:`tests.lab.machines.box`). The folder and the cgroups do
not: they carry the process id *and* start time of their owner, so that a reused process id is not taken for a living owner.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import tempfile
from pathlib import Path

from tests.lab.machines.box import is_gone, wait_until_gone

PREFIX = "crossply-lab-"
PIDS = "processes"


def start_time(pid: int) -> str | None:
    """When a process began, in clock ticks since boot (field 22 of /proc/PID/stat); None when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]


def new_name() -> str:
    """``crossply-lab-PID-STARTTIME-NONCE``."""
    return f"{PREFIX}{os.getpid()}-{start_time(os.getpid())}-{secrets.token_hex(3)}"


def owner_is_alive(name: str) -> bool:
    """Whether the process that a name of :func:`new_name` belongs to is still there."""
    pid, _, rest = name.removeprefix(PREFIX).partition("-")
    began = rest.partition("-")[0]
    return not pid.isdigit() or (start_time(int(pid)) == began and not is_gone(int(pid)))


def note_process(folder: Path, pid: int) -> None:
    """Remember a process of the lab in its folder."""
    with (folder / PIDS).open("a", encoding="utf-8") as noted:
        noted.write(f"{pid} {start_time(pid)}\n")


def remove_leftovers() -> list[str]:
    """Take away what labs of dead owners left. Names of those labs."""
    dead = [folder for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*") if not owner_is_alive(folder.name)]
    for folder in dead:
        _end_noted(folder)
        remove_cgroups(folder.name)
        shutil.rmtree(folder, ignore_errors=True)
    return [folder.name for folder in dead]


def remove_cgroups(name: str) -> None:
    """Remove the cgroups of a lab's hosts; those that still have processes stay."""
    for hierarchy in ("/sys/fs/cgroup", "/sys/fs/cgroup/cpu"):
        for group in Path(hierarchy).glob(f"{name}-*"):
            with contextlib.suppress(OSError):
                group.rmdir()


def _end_noted(folder: Path) -> None:
    """Holders end with their owner unless a process that outlived it inherited the leash."""
    try:
        noted = [line.split() for line in (folder / PIDS).read_text(encoding="utf-8").splitlines()]
    except OSError:
        return
    alive = [int(pid) for pid, began in noted if began not in ("None", "") and start_time(int(pid)) == began]
    for pid in alive:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until_gone(alive)
