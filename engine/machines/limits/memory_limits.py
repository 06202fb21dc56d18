"""Memory limits for programs of ours: a cgroup of their own below ours where we may make one, else a systemd scope.

cgroups: kernel documentation ``cgroup-v1/memory.rst`` (memory.limit_in_bytes) and ``cgroup-v2.rst`` (memory.max). In version 2
a cgroup that holds processes cannot hand the memory controller down ("no internal processes"), and below systemd the tree is
systemd's, so there it is asked for a transient scope around the pid (org.freedesktop.systemd1(5), ``StartTransientUnit`` with
``PIDs``), which the user's own systemd may do without being root. **The systemd call is untested**: no machine with a running
systemd was at hand; its command line is tested, not its effect.

Rejected: ``systemd-run --scope PROGRAM``, a wrapper that need not leave SIGPIPE ignored; RLIMIT_AS, which counts address space
(a mapped model file, CUDA's reservations) and not memory; the job object's limit on Windows (to come with a Windows machine).
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from engine.machines.limits.cgroup_limits import CgroupFolder, find_cgroup_folder

Run = Callable[[tuple[str, ...]], str | None]
"""Runs a short command: ``None`` when it worked, else what went wrong. Raises nothing."""

_PREFIX = "crossply-"
_SYSTEMD_RUNS = Path("/run/systemd/system")
"""Exists while systemd is the init system (sd_booted(3))."""


class MemoryLimits:
    """Implements ``processes.memory_limit.MemoryLimiter``."""

    def __init__(self, *, run: Run | None = None, proc: Path = Path("/proc/self"), systemd: Path = _SYSTEMD_RUNS) -> None:
        self._run = run
        self._proc = proc
        self._systemd = systemd

    def hold(self, pid: int, limit_bytes: int) -> str | None:
        """cgroup first, then systemd. ``None`` = it is held; else why neither worked."""
        why_no_cgroup = self._hold_in_cgroup(pid, limit_bytes)
        if why_no_cgroup is None:
            return None
        if self._run is None or not self._systemd.exists():
            return f"{why_no_cgroup}, and systemd does not run here"
        why_no_scope = self._run(scope_command(pid, limit_bytes, for_user=not _is_root()))
        return None if why_no_scope is None else f"{why_no_cgroup}, and systemd made no scope ({why_no_scope})"

    def let_go(self, pid: int) -> None:
        """Remove its cgroup, and those that a killed Crossply left. A scope removes itself."""
        found = find_cgroup_folder("memory", self._proc)
        for folder in found.folder.glob(f"{_PREFIX}*") if found else ():
            held = folder.name.removeprefix(_PREFIX)
            if held == str(pid) or not Path(f"/proc/{held}").exists():
                with contextlib.suppress(OSError):  # somebody is still in it
                    folder.rmdir()

    def _hold_in_cgroup(self, pid: int, limit_bytes: int) -> str | None:
        found = find_cgroup_folder("memory", self._proc)
        if found is None:
            return "this system has no memory cgroup"
        if found.version == 2 and "memory" not in _read(found.folder / "cgroup.subtree_control").split():
            return "our cgroup does not hand the memory controller down"
        try:
            _fill(found, pid, limit_bytes)
        except OSError as error:
            self.let_go(pid)
            return f"a memory cgroup could not be made ({error.strerror})"
        return None


def _fill(parent: CgroupFolder, pid: int, limit_bytes: int) -> None:
    folder = parent.folder / f"{_PREFIX}{pid}"
    folder.mkdir(exist_ok=True)
    names = ("memory.limit_in_bytes",) if parent.version == 1 else ("memory.max", "memory.swap.max")
    (folder / names[0]).write_text(str(limit_bytes), encoding="ascii")
    for swap in names[1:]:
        # Without swap a limit is a limit; where the kernel accounts no swap there is no such file.
        if (folder / swap).exists():
            (folder / swap).write_text("0", encoding="ascii")
    (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")


def scope_command(pid: int, limit_bytes: int, *, for_user: bool) -> tuple[str, ...]:
    """The call that puts a running process into a transient scope of its own with ``MemoryMax``."""
    return (
        "busctl",
        "--user" if for_user else "--system",
        "call",
        "org.freedesktop.systemd1",
        "/org/freedesktop/systemd1",
        "org.freedesktop.systemd1.Manager",
        "StartTransientUnit",
        "ssa(sv)a(sa(sv))",
        f"{_PREFIX}{pid}.scope",
        "fail",
        "3",
        *("PIDs", "au", "1", str(pid)),
        *("MemoryMax", "t", str(limit_bytes)),
        *("CollectMode", "s", "inactive-or-failed"),
        "0",
    )


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
