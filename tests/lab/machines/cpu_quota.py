"""Slow processors: a cgroup with a quota, of version 1 or 2, whichever this machine lets us write."""

from __future__ import annotations

import contextlib
from pathlib import Path

from tests.lab.machines.box import LabFailed

_PERIOD_MICROSECONDS = 10_000
_ROOT = Path("/sys/fs/cgroup")


def limit(name: str, pids: list[int], fraction: float | None) -> None:
    """Put processes (and what they start from now on) into cgroup ``name`` with ``fraction`` of one processor in all."""
    try:
        group = _group(name)
        _write_quota(group, fraction)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                (group / "cgroup.procs").write_text(str(pid), encoding="ascii")
    except OSError as problem:
        raise LabFailed(f"This machine lets nobody limit processor time with cgroups: {problem}") from problem


def _group(name: str) -> Path:
    first = _ROOT / "cpu"
    if (first / "cpu.shares").exists() or (first / "cgroup.procs").exists():
        group = first / name
    else:
        (_ROOT / "cgroup.subtree_control").write_text("+cpu", encoding="ascii")
        group = _ROOT / name
    group.mkdir(exist_ok=True)
    return group


def _write_quota(group: Path, fraction: float | None) -> None:
    quota = None if fraction is None else max(1000, int(_PERIOD_MICROSECONDS * fraction))
    if (group / "cpu.cfs_quota_us").exists():
        (group / "cpu.cfs_period_us").write_text(str(_PERIOD_MICROSECONDS), encoding="ascii")
        (group / "cpu.cfs_quota_us").write_text(str(-1 if quota is None else quota), encoding="ascii")
    else:
        (group / "cpu.max").write_text(f"{'max' if quota is None else quota} {_PERIOD_MICROSECONDS}", encoding="ascii")
