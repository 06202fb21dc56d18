"""The shell program that looks for llama.cpp's programs: where it looks, in which order, and that it stays bounded."""

import shutil
import subprocess

import pytest

from engine.runtimes.find_runtimes import BELOW, usual_folders
from engine.runtimes.remote.find_script import LONGEST_SECONDS, MOST_BUILDS, find_script
from engine.runtimes.remote.shell_script import run_script
from tests.engine.runtimes.remote.shell_here import ShellHere, fake_programs


@pytest.fixture
def shell(tmp_path):
    return ShellHere(tmp_path / "home")


def _folders(shell, data, first=""):
    sections = run_script(shell, find_script(), (str(data), first), timeout_seconds=LONGEST_SECONDS)
    assert sections[-1].key == "looked"
    return [section.text for section in sections if section.key == "folder"]


def _own(data, name):
    top = data / "runtimes" / name
    fake_programs(top / "bin")
    (top / "manifest.json").write_text("{}")
    return str(top / "bin")


@pytest.mark.parametrize("shell_name", ["sh", "bash"])
def test_it_is_a_program_that_shells_accept(shell_name):
    done = subprocess.run([shell_name, "-n"], input=find_script().encode(), capture_output=True, check=False)
    assert done.stderr == b""


def test_ours_are_first_then_path_then_the_usual_places(tmp_path, shell):
    data = tmp_path / "home/data"
    ours = [_own(data, "a"), _own(data, "b")]
    on_path = fake_programs(tmp_path / "somewhere")
    usual = fake_programs(tmp_path / "home/llama.cpp/build/bin")
    shell.environment["PATH"] = f"/usr/bin:{on_path}:/bin"
    assert _folders(shell, data) == [*ours, str(on_path), str(usual)]
    assert _folders(shell, data, "b")[:2] == ours[::-1]


def test_what_a_package_installed_comes_after_ours_and_before_the_path(tmp_path, shell):
    data = tmp_path / "home/data"
    ours, installed = _own(data, "a"), _own(tmp_path / "usr", "llama.cpp-x")
    fake_programs(tmp_path / "usr/runtimes/no manifest/bin")
    shell.environment["PATH"] = f"/usr/bin:{fake_programs(tmp_path / 'somewhere')}:/bin"
    script = find_script(str(tmp_path / "usr/runtimes"))
    sections = run_script(shell, script, (str(data), ""), timeout_seconds=LONGEST_SECONDS)
    told = [section.text for section in sections if section.key == "kind"]
    assert told == ["own", "packaged", "path"]
    assert [section.text for section in sections if section.key == "folder"][:2] == [ours, installed]


def test_every_usual_place_is_looked_at(tmp_path, shell):
    script = find_script()
    assert all(f" {place} " in f" {script} ".replace("\n", " ").replace(";", " ") for place in BELOW)
    home = tmp_path / "home"
    for folder in usual_folders(home):
        if folder.is_relative_to(home):
            fake_programs(folder)
            assert str(folder) in _folders(shell, home / "data")


def test_a_folder_counts_once_whatever_leads_to_it(tmp_path, shell):
    programs = fake_programs(tmp_path / "real")
    (tmp_path / "links").mkdir()
    (tmp_path / "links/ggml-rpc-server").symlink_to(programs / "ggml-rpc-server")
    shell.environment["PATH"] = f"{programs}:{tmp_path}/links:{programs}/:/usr/bin:/bin"
    assert _folders(shell, tmp_path / "data") == [str(programs)]


def test_unfinished_and_hidden_builds_do_not_count(tmp_path, shell):
    data = tmp_path / "home/data"
    fake_programs(data / "runtimes/half/bin")
    _own(data, ".incoming-x")
    assert _folders(shell, data) == []


def test_no_more_than_so_many(tmp_path, shell):
    data = tmp_path / "home/data"
    for number in range(MOST_BUILDS + 3):
        _own(data, f"b{number:02}")
    assert len(_folders(shell, data)) == MOST_BUILDS


def test_odd_folders_are_names_and_nothing_else(tmp_path, shell):
    data = tmp_path / "home/a 'b' $(touch x) *"
    ours = _own(data, "my build")
    programs = fake_programs(tmp_path / "on * path")
    shell.environment["PATH"] = f"/usr/bin:/bin:{programs}"
    assert _folders(shell, data) == [ours, str(programs)]
    assert not (tmp_path / "home/x").exists()


def test_nothing_is_written(tmp_path, shell):
    programs = fake_programs(tmp_path / "on path")
    shell.environment["PATH"] = f"/usr/bin:/bin:{programs}"
    before = sorted(tmp_path.rglob("*"))
    _folders(shell, tmp_path / "home/data")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_program_that_prints_for_ever_is_cut(tmp_path, shell):
    programs = fake_programs(tmp_path / "on path", says=f"exec {shutil.which('yes')} device")
    shell.environment["PATH"] = f"/usr/bin:/bin:{programs}"
    sections = run_script(shell, find_script(), (str(tmp_path / "data"), ""), timeout_seconds=LONGEST_SECONDS)
    assert all(len(section.text) <= 262_144 for section in sections)
    assert sections[-1].key == "looked"
