"""On folders made like the kernel's, from its documentation (see the module)."""

from __future__ import annotations

from pathlib import Path

from engine.machines.limits.cgroup_limits import CgroupLimits, find_cgroup_folder, read_cgroup_limits

GIB = 1 << 30


def make(tmp_path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("MOUNT", str(tmp_path)) + "\n")
    return tmp_path / "proc"


def v2(tmp_path: Path, files: dict[str, str], path: str = "/a.slice/b.scope") -> Path:
    return make(
        tmp_path,
        {
            "proc/cgroup": f"0::{path}",
            "proc/mountinfo": "30 23 0:28 / MOUNT/cg rw,nosuid - cgroup2 cgroup2 rw,nsdelegate",
            f"cg{path}/cgroup.controllers": "cpu memory pids",
            **files,
        },
    )


def v1(tmp_path: Path, files: dict[str, str], path: str = "/docker/abc", root: str = "/") -> Path:
    return make(
        tmp_path,
        {
            "proc/cgroup": f"9:name=systemd:/\n4:memory:{path}\n1:cpu,cpuacct:{path}\n0::/",
            "proc/mountinfo": (
                f"31 23 0:28 {root} MOUNT/memory rw - cgroup cgroup rw,memory\n"
                f"32 23 0:29 {root} MOUNT/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
                "33 23 0:30 / MOUNT/unified rw - cgroup2 cgroup2 rw"
            ),
            **files,
        },
    )


def test_version_2_the_tightest_ancestor_wins_and_page_cache_counts_as_room(tmp_path: Path) -> None:
    proc = v2(
        tmp_path,
        {
            "cg/a.slice/memory.max": str(8 * GIB),
            "cg/a.slice/memory.current": str(7 * GIB),
            "cg/a.slice/memory.stat": f"anon 1\ninactive_file {2 * GIB}",
            "cg/a.slice/b.scope/memory.max": "max",
            "cg/a.slice/b.scope/cpu.max": "150000 100000",
            "cg/a.slice/cpu.max": "max 100000",
        },
    )
    expected = CgroupLimits(memory_limit_bytes=8 * GIB, memory_available_bytes=3 * GIB, cpu_quota_cores=1.5)
    assert read_cgroup_limits(proc) == expected


def test_version_1(tmp_path: Path) -> None:
    proc = v1(
        tmp_path,
        {
            "memory/memory.limit_in_bytes": "9223372036854771712",
            "memory/docker/abc/memory.limit_in_bytes": str(4 * GIB),
            "memory/docker/abc/memory.usage_in_bytes": str(GIB),
            "memory/docker/abc/memory.stat": "inactive_file 5\ntotal_inactive_file 0",
            "cpu/docker/abc/cpu.cfs_quota_us": "400000",
            "cpu/docker/abc/cpu.cfs_period_us": "100000",
        },
    )
    expected = CgroupLimits(memory_limit_bytes=4 * GIB, memory_available_bytes=3 * GIB, cpu_quota_cores=4)
    assert read_cgroup_limits(proc) == expected


def test_version_1_in_a_container_that_sees_its_own_cgroup_as_the_root(tmp_path: Path) -> None:
    limit = {"memory/memory.limit_in_bytes": str(2 * GIB), "memory/memory.usage_in_bytes": "0"}
    assert read_cgroup_limits(v1(tmp_path, limit, root="/docker/abc")).memory_limit_bytes == 2 * GIB


def test_no_limit_is_none(tmp_path: Path) -> None:
    unlimited = {"memory/docker/abc/memory.limit_in_bytes": "9223372036854771712", "cpu/docker/abc/cpu.cfs_quota_us": "-1"}
    assert read_cgroup_limits(v1(tmp_path, unlimited)) == CgroupLimits()


def test_a_system_without_cgroups(tmp_path: Path) -> None:
    assert read_cgroup_limits(tmp_path) == CgroupLimits()


def test_version_2_without_the_memory_controller_is_not_taken(tmp_path: Path) -> None:
    proc = v2(tmp_path, {"cg/a.slice/b.scope/cgroup.controllers": "pids"})
    assert find_cgroup_folder("memory", proc) is None


def test_a_path_that_leaves_the_mount_is_not_followed(tmp_path: Path) -> None:
    proc = v2(tmp_path, {"cg/cgroup.controllers": "memory", "proc/cgroup": "0::/../../etc"})
    found = find_cgroup_folder("memory", proc)
    assert found is not None
    assert found.folder == found.mount
