"""The set-up's own decisions: what is missing, what apt is told, whose headers are taken, what a person sees."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"
DEBIAN = """# a comment: with a colon
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""


def load(name):
    spec = importlib.util.spec_from_file_location(f"packaging_{name}", PACKAGING / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def headers():
    return load("fetch_vulkan_headers")


@pytest.fixture
def system():
    return load("system_packages")


def test_only_this_systems_own_archive_is_taken_and_its_release_replaced(headers, tmp_path):
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (folder / "debian.sources").write_text(DEBIAN)
    (folder / "other.list").write_text("deb [arch=amd64] https://other.example/apt other-bookworm main\n")
    (tmp_path / "sources.list").write_text(
        "# deb http://old.example bookworm main\ndeb [arch=amd64] http://b.example/debian bookworm main contrib\n"
    )
    assert sorted(headers.apt_sources(tmp_path, "bookworm", "trixie")) == [
        "deb [arch=amd64] http://b.example/debian trixie main contrib",
        "deb [signed-by=/usr/share/keyrings/debian.gpg] http://mirror.example/debian trixie main",
    ]


def test_headers_are_recent_only_with_all_three_parts(headers, tmp_path):
    files = {
        "include/vulkan/vulkan_core.h": "VK_EXT_layer_settings",
        "include/vulkan/vulkan.hpp": "",
        "share/cmake/SPIRV-Headers/SPIRV-HeadersConfig.cmake": "",
    }
    for name, text in files.items():
        assert not headers.are_recent(tmp_path)
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert headers.are_recent(tmp_path)
    (tmp_path / "include/vulkan/vulkan_core.h").write_text("1.3.239")
    assert not headers.are_recent(tmp_path)


def fake_program(folder, name, text):
    path = folder / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


def test_missing_packages_are_those_that_no_name_of_is_installed(system, tmp_path, monkeypatch):
    for name in ("gcc", "g++", "make", "apt-get"):
        fake_program(tmp_path, name, "")
    fake_program(tmp_path, "dpkg-query", "echo 'libold installed\nlibgone config-files'\nexit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/nowhere")
    assert system.missing_packages(("libnew|libold", "libgone", "libnever")) == ["git", "libgone", "libnever"]


def test_the_line_for_a_person_has_the_name_that_apt_knows(system, tmp_path, monkeypatch):
    fake_program(tmp_path, "apt-cache", '[ "$2" = libnew ]')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    assert system.one_line(["libnew|libold", "libunknown|libother", "git"]) == (
        "sudo apt-get install --no-install-recommends libnew libother git"
    )


def test_the_lists_are_fetched_only_when_an_installation_fails(system, monkeypatch):
    monkeypatch.setattr(system, "pick_names", lambda entries: entries)
    for statuses, expected in (([0], ["install"]), ([1, 1, 0], ["install", "update", "install"])):
        done, answers = [], iter(statuses)
        run = lambda argv, _, done=done, answers=answers: done.append(argv) or next(answers)  # noqa: E731
        assert system.install(["git"], [], run)
        assert [next(word for word in argv if word in ("install", "update")) for argv in done] == expected


def test_a_plain_user_is_told_the_one_line_and_nothing_is_installed(tmp_path):
    for name in ("gcc", "g++", "make", "apt-get", "dpkg-query"):
        fake_program(tmp_path, name, "exit 1")
    fake_program(tmp_path, "apt-cache", "exit 1")
    code = (
        f"import sys; sys.path.insert(0, {str(PACKAGING)!r}); sys.argv = ['set_up.py', 'run']\n"
        "import os; os.geteuid = lambda: 1000\n"
        f"import set_up, pathlib; set_up.LOG = pathlib.Path({str(tmp_path / 'log' / 'x.log')!r})\n"
        "sys.exit(set_up.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "    sudo apt-get install --no-install-recommends git\n" in done.stderr
    assert "FAILED" in done.stdout
    assert "Traceback" not in done.stderr


def test_progress_away_from_a_terminal_is_plain_lines(capsys):
    progress = load("show_progress").Progress(2)
    progress.step("first")
    progress.at("half way", 0.5)
    progress.done("made")
    progress.step("second")
    progress.failed("The disk is full.")
    said = capsys.readouterr()
    assert "[1/2] first: made (0.0 s)\n[2/2] second: FAILED" in said.out
    assert "\x1b" not in said.out
    assert "The disk is full." in said.err


@pytest.mark.parametrize(("seconds", "expected"), [(0.04, "0.0 s"), (12.3, "12 s"), (59.9, "60 s"), (185, "3 min 05 s")])
def test_times_in_words(seconds, expected):
    assert load("show_progress").words(seconds) == expected
