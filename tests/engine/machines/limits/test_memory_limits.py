"""On folders made like the kernel's; the kernel itself where it lets us (root in a cgroup that may have children)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from engine.machines.limits.cgroup_limits import find_cgroup_folder
from engine.machines.limits.memory_limits import MemoryLimits, scope_command

MIB = 1 << 20


def make_v1(tmp_path: Path) -> Path:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cgroup").write_text("4:memory:/us\n")
    (tmp_path / "proc/mountinfo").write_text(f"31 23 0:28 / {tmp_path}/memory rw - cgroup cgroup rw,memory\n")
    (tmp_path / "memory/us").mkdir(parents=True)
    return tmp_path / "proc"


def make_v2(tmp_path: Path, subtree_control: str) -> Path:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cgroup").write_text("0::/us\n")
    (tmp_path / "proc/mountinfo").write_text(f"31 23 0:28 / {tmp_path}/cg rw - cgroup2 cgroup2 rw\n")
    (tmp_path / "cg/us").mkdir(parents=True)
    (tmp_path / "cg/us/cgroup.controllers").write_text("cpu memory\n")
    (tmp_path / "cg/us/cgroup.subtree_control").write_text(subtree_control)
    return tmp_path / "proc"


def test_version_1(tmp_path: Path) -> None:
    assert MemoryLimits(proc=make_v1(tmp_path)).hold(77, 5 * MIB) is None
    folder = tmp_path / "memory/us/crossply-77"
    assert (folder / "memory.limit_in_bytes").read_text() == str(5 * MIB)
    assert (folder / "cgroup.procs").read_text() == "77"


def test_version_2_where_the_controller_is_handed_down(tmp_path: Path) -> None:
    assert MemoryLimits(proc=make_v2(tmp_path, "memory\n")).hold(77, 5 * MIB) is None
    folder = tmp_path / "cg/us/crossply-77"
    assert (folder / "memory.max").read_text() == str(5 * MIB)
    assert (folder / "cgroup.procs").read_text() == "77"


def test_version_2_without_it_says_why_and_makes_nothing(tmp_path: Path) -> None:
    why = MemoryLimits(proc=make_v2(tmp_path, "cpu\n"), systemd=tmp_path / "none").hold(77, 5 * MIB)
    assert why == "our cgroup does not hand the memory controller down, and systemd does not run here"
    assert list((tmp_path / "cg/us").glob("crossply-*")) == []


def test_systemd_is_asked_where_it_runs(tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []
    limits = MemoryLimits(run=asked.append, proc=make_v2(tmp_path, ""), systemd=tmp_path)
    assert limits.hold(77, 5 * MIB) is None
    assert asked[0][-14:] == (
        *("crossply-77.scope", "fail", "3", "PIDs", "au", "1", "77", "MemoryMax", "t", str(5 * MIB)),
        *("CollectMode", "s", "inactive-or-failed", "0"),
    )


def test_systemd_s_refusal_is_part_of_the_reason(tmp_path: Path) -> None:
    limits = MemoryLimits(run=lambda _: "no bus", proc=tmp_path, systemd=tmp_path)
    assert limits.hold(77, MIB) == "this system has no memory cgroup, and systemd made no scope (no bus)"


def test_the_user_s_own_systemd_is_asked_unless_we_are_root() -> None:
    assert scope_command(1, 2, for_user=True)[:2] == ("busctl", "--user")
    assert scope_command(1, 2, for_user=False)[:2] == ("busctl", "--system")


def test_letting_go_removes_its_own_and_forgotten_folders_only(tmp_path: Path) -> None:
    proc = make_v1(tmp_path)
    for name in ("crossply-77", "crossply-99999999", "crossply-1", "other"):
        (tmp_path / "memory/us" / name).mkdir()
    MemoryLimits(proc=proc).let_go(77)
    assert sorted(path.name for path in (tmp_path / "memory/us").iterdir()) == ["crossply-1", "other"]


def test_on_this_very_kernel_a_limit_is_a_limit_or_there_is_a_reason() -> None:
    """The program waits for a line before it takes 300 MiB, under a limit of 100 MiB."""
    script = "import sys; sys.stdin.readline(); block = b'x' * (300 << 20); print(len(block))"
    program = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    limits = MemoryLimits()
    why_not = limits.hold(program.pid, 100 * MIB)
    output, _ = program.communicate(b"go\n", timeout=60)
    limits.let_go(program.pid)
    if why_not is None:
        assert (program.returncode, output) == (-9, b"")
        found = find_cgroup_folder("memory")
        assert found is not None
        assert not (found.folder / f"crossply-{program.pid}").exists()
    else:
        assert (program.returncode, output) == (0, b"314572800\n")
        assert "cgroup" in why_not
