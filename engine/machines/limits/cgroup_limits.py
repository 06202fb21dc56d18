"""What a container leaves us of this machine: memory limits and processor quotas of our cgroups, versions 1 and 2 (Linux).

A limit anywhere above us holds, so every folder from our own cgroup up to the mount is read and the tightest wins. Sources:
kernel documentation, ``admin-guide/cgroup-v2.rst`` (memory.max, memory.current, cpu.max), ``cgroup-v1/memory.rst``
(memory.limit_in_bytes, memory.usage_in_bytes, memory.stat) and ``scheduler/sched-bwc.rst``; cgroups(7) for /proc/self/cgroup.

On systems without these files (macOS, Windows) nothing is found and nothing is limited.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.machines.file_trees import DiskFiles, FileTree

_NO_LIMIT_BYTES = 1 << 60
"""Version 1 writes "no limit" as the largest multiple of the page size: 9223372036854771712."""
_MOST_DIGITS = 24
"""Longer is no number of the kernel's; another machine may send anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CgroupFolder:
    """Where one controller's files of our own cgroup are."""

    version: int
    folder: Path
    mount: Path
    """Our cgroup's ancestors, as far as we can see them, end here."""

    def upwards(self) -> Iterator[Path]:
        """Our own folder, then its parents up to the mount."""
        folder = self.folder
        while True:
            yield folder
            if folder in (self.mount, folder.parent):
                return
            folder = folder.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class CgroupLimits:
    """The tightest limits on us. ``None`` = not limited."""

    memory_limit_bytes: int | None = None
    memory_available_bytes: int | None = None
    """Least room under any limit now; page cache that can be dropped (``inactive_file``) counts as room, as in
    ``MemAvailable``."""
    cpu_quota_cores: float | None = None


def read_cgroup_limits(proc: Path = Path("/proc/self"), files: FileTree | None = None) -> CgroupLimits:
    """Read them, of this machine or from ``files``. Files that are missing or unreadable limit nothing."""
    files = files or DiskFiles()
    memory = find_cgroup_folder("memory", proc, files)
    limits = [found for folder in memory.upwards() if (found := _memory(files, folder, memory.version))] if memory else []
    cpu = find_cgroup_folder("cpu", proc, files)
    quotas = [cores for folder in cpu.upwards() if (cores := _cpu_quota(files, folder, cpu.version))] if cpu else []
    return CgroupLimits(
        memory_limit_bytes=min((limit for limit, _ in limits), default=None),
        memory_available_bytes=min((room for _, room in limits), default=None),
        cpu_quota_cores=min(quotas, default=None),
    )


def find_cgroup_folder(controller: str, proc: Path = Path("/proc/self"), files: FileTree | None = None) -> CgroupFolder | None:
    """Our cgroup for ``controller``: in version 1 if it is mounted there, else in version 2 if that has it."""
    files = files or DiskFiles()
    paths = _cgroup_paths(files.read(proc / "cgroup"))
    mounts = _cgroup_mounts(files.read(proc / "mountinfo"))
    for name, version in ((controller, 1), ("", 2)):
        if name in paths and name in mounts:
            root, mount = mounts[name]
            folder = CgroupFolder(version=version, folder=_inside(files, mount, root, paths[name]), mount=mount)
            if version == 1 or controller in files.read(folder.folder / "cgroup.controllers").split():
                return folder
    return None


def _inside(files: FileTree, mount: Path, root: str, path: str) -> Path:
    """A container often sees its own cgroup as the root of the mount, while /proc names it as the host does."""
    inner = path.removeprefix(root.rstrip("/")) if path.startswith(root) else "/"
    folder = mount / inner.lstrip("/")
    return folder if ".." not in folder.parts and files.names(folder) is not None else mount


def _cgroup_paths(text: str) -> dict[str, str]:
    """``4:memory:/a/b`` -> {"memory": "/a/b"}; version 2 (``0::/a/b``) under the empty name."""
    paths = {}
    for line in text.splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        paths.update(dict.fromkeys(controllers.split(","), path))
    return paths


def _cgroup_mounts(text: str) -> dict[str, tuple[str, Path]]:
    """Controller -> (root of the mount, mount point), from mountinfo (proc(5)); version 2 under the empty name."""
    mounts: dict[str, tuple[str, Path]] = {}
    for line in text.splitlines():
        fields, _, filesystem = line.partition(" - ")
        kind, _, options = (*filesystem.split(" ", 2), "", "")[:3]
        where = fields.split(" ")
        if kind not in ("cgroup", "cgroup2") or len(where) < 5:
            continue
        names = [""] if kind == "cgroup2" else options.split(",")
        for name in names:
            mounts.setdefault(name, (where[3], Path(where[4])))
    return mounts


def _memory(files: FileTree, folder: Path, version: int) -> tuple[int, int] | None:
    """(limit, room) of one cgroup."""
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if version == 1 else ("memory.max", "memory.current")
    limit, used = (_number(files.read(folder / name)) for name in names)
    if limit is None or limit >= _NO_LIMIT_BYTES:
        return None
    statistic = "total_inactive_file" if version == 1 else "inactive_file"
    droppable = _statistic(files.read(folder / "memory.stat"), statistic)
    return limit, max(0, limit - max(0, (used or 0) - droppable))


def _cpu_quota(files: FileTree, folder: Path, version: int) -> float | None:
    if version == 1:
        quota, period = (_number(files.read(folder / name)) for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
    else:
        quota, period = (_number(word) for word in (*files.read(folder / "cpu.max").split(), "", "")[:2])
    return quota / period if quota and period and quota > 0 else None


def _statistic(text: str, name: str) -> int:
    lines = (line.partition(" ")[2] for line in text.splitlines() if line.startswith(f"{name} "))
    return _number(next(lines, "")) or 0


def _number(text: str) -> int | None:
    try:
        return int(text) if len(text) <= _MOST_DIGITS else None
    except ValueError:  # "max", or no such file
        return None
