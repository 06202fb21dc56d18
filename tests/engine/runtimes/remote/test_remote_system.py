"""System, processor, C library and free space of another machine."""

import platform
import shutil

import pytest

from engine.errors import ProbeFailed
from engine.runtimes.remote.remote_system import look_at_system
from tests.engine.runtimes.remote.shell_here import ShellHere


def test_of_this_machine(tmp_path):
    seen = look_at_system(ShellHere(tmp_path), str(tmp_path / "not/yet/there"))
    assert seen.programs.os_family == platform.system()
    assert seen.programs.architecture == platform.machine()
    assert seen.programs.glibc == tuple(int(part) for part in platform.libc_ver()[1].split("."))
    assert abs(seen.free_bytes - shutil.disk_usage(tmp_path).free) < 2_000_000_000


@pytest.mark.parametrize(
    ("said", "glibc"),
    [
        ("glibc 2.31", (2, 31)),
        ("ldd (Debian GLIBC 2.36-9+deb12u14) 2.36", (2, 36)),
        ("ldd (GNU libc) 2.17", (2, 17)),
        ("musl libc (x86_64)", None),
        ("", None),
    ],
)
def test_which_c_library_it_is(tmp_path, said, glibc):
    assert look_at_system(_with_tools(tmp_path, getconf=f"echo '{said}'"), "/x").programs.glibc == glibc


def test_a_disk_that_is_not_told_is_not_known(tmp_path):
    assert look_at_system(_with_tools(tmp_path, df="exit 1"), "/x").free_bytes is None


def test_free_space_below_zero_is_none(tmp_path):
    shell = _with_tools(tmp_path, df="echo '/dev/sda1 with spaces  1000 900 -5 101% /home/a b'")
    assert look_at_system(shell, "/x").free_bytes == 0


@pytest.mark.parametrize("said", ["", "two words", "x" * 5 + ";"])
def test_a_system_that_is_none(tmp_path, said):
    with pytest.raises(ProbeFailed, match="gpu-node"):
        look_at_system(_with_tools(tmp_path, uname=f"echo '{said}'"), "/x")


def _with_tools(tmp_path, **tools):
    folder = tmp_path / "tools"
    folder.mkdir()
    for name, program in tools.items():
        (folder / name).write_text(f"#!/bin/sh\n{program}\n")
        (folder / name).chmod(0o755)
    return ShellHere(tmp_path / "home", path=f"{folder}:/usr/bin:/bin")
