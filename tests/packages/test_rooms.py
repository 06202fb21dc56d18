"""What the packages are made of, as far as it can be said without making them. Making them is ``make packages-test``."""

import configparser
import importlib
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from engine.runtimes.building.build_from_source import COMMIT

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
ROOMS = ("parts", "linux", "windows", "macos")


@pytest.fixture
def room(monkeypatch):
    """Imports a module of a room as the scripts do, and forgets it again."""
    monkeypatch.syspath_prepend(str(PACKAGING))
    yield importlib.import_module
    for name in list(sys.modules):
        if name.partition(".")[0] in ROOMS:
            del sys.modules[name]


def test_no_room_is_a_package():
    assert list(PACKAGING.rglob("__init__.py")) == []


def test_the_version_is_the_projects(room):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    facts = room("parts.facts").read_facts()
    assert (facts.version, facts.licence) == (project["version"], project["license"])


def test_the_time_of_a_build_is_given_or_of_the_commit(room, monkeypatch, tmp_path):
    facts = room("parts.facts")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234")
    assert facts.source_date_epoch(tmp_path) == 1234
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert facts.source_date_epoch(tmp_path) == facts.FIXED_DAY


def test_every_file_of_the_table_is_there_and_has_a_place_of_its_own(room):
    table = room("parts.installed_files")
    for package in table.BOTH:
        lines = [line for line in table.FILES if package in line.packages]
        places = [line.target(package) for line in lines] + [link for link, _ in table.links_of(package)]
        assert len(set(places)) == len(places)
        assert all(place.startswith(("/usr/", "/etc/")) and "{" not in place for place in places)
        kept = [line.source_path(package) for line in lines if not line.source.startswith("made:")]
        assert [str(path) for path in kept if not path.is_file()] == []


def test_a_library_that_nobody_knows_stops_the_packing(room, monkeypatch, tmp_path):
    needs = room("linux.dependencies")
    monkeypatch.setattr(needs, "needed_libraries", lambda _folder: {"libc.so.6", "libm.so.6", "libvulkan.so.1"})
    assert [package.deb for package in needs.dependencies("crossply-node", tmp_path)] == ["libc6 (>= 2.35)"]
    monkeypatch.setattr(needs, "needed_libraries", lambda _folder: {"libc.so.6", "libnew.so.1"})
    with pytest.raises(needs.UnknownLibrary, match=r"libnew\.so\.1"):
        needs.dependencies("crossply-node", tmp_path)


def test_the_window_s_package_takes_the_other_s_place(room, monkeypatch, tmp_path):
    packages = room("linux.nfpm_packages")
    monkeypatch.setattr(packages, "dependencies", lambda _package, _folder: [])
    monkeypatch.setattr(packages, "contents", lambda *_: [])
    facts = room("parts.facts").read_facts()
    window, node = (packages.describe(name, "deb", facts, tmp_path) for name in ("crossply", "crossply-node"))
    assert (window["conflicts"], window["replaces"], window["provides"]) == (["crossply-node"],) * 3
    assert node["conflicts"] == ["crossply"]
    assert "replaces" not in packages.describe("crossply", "rpm", facts, tmp_path), "who asks dnf for the node gets the node"
    assert "provides" not in node


def test_a_frozen_application_runs_a_module_of_ours_and_nobody_elses(room, monkeypatch):
    door = room("parts.started_as_module")
    ran = []
    monkeypatch.setattr(runpy, "run_module", lambda name, **_: ran.append(name))
    monkeypatch.setattr(sys, "argv", ["crossply", "-m", "engine.ssh.tunnels.tunnel_program"])
    with pytest.raises(SystemExit):
        door.run_module_if_asked()
    assert ran == ["engine.ssh.tunnels.tunnel_program"]
    for other in (["crossply", "-m", "os"], ["crossply"], ["crossplyctl", "plan", "-m"]):
        monkeypatch.setattr(sys, "argv", other)
        door.run_module_if_asked()
    assert len(ran) == 1


def test_what_lies_beside_the_code_is_inside(room):
    found = room("parts.data_files").data_files(ROOT, "engine")
    assert (ROOT / "engine/runtimes/building/build_tools.txt", "engine/runtimes/building") in found
    assert (ROOT / "engine/machines/remote_probe/look_program.sh", "engine/machines/remote_probe") in found
    assert all(path.is_file() and "__pycache__" not in path.parts for path, _ in found)


def test_licences_of_llama_cpp_are_those_of_the_commit_that_is_built(room):
    text = room("parts.not_from_pip").LLAMA_CPP.read_text(encoding="utf-8")
    assert f"at commit {COMMIT}," in text.partition("\n")[0]
    assert "The ggml authors" in text


def test_zsh_finds_completions_where_each_kind_of_system_looks(room, monkeypatch):
    files_of = room("parts.installed_files").files_of
    monkeypatch.setattr(room("parts.installed_files").Installed, "source_path", lambda *_: Path(__file__))
    places = {kind: [target for _, target, _ in files_of("crossply", kind) if "/zsh/" in target] for kind in ("deb", "rpm")}
    assert all(target.startswith("/usr/share/zsh/vendor-completions/_crossply") for target in places["deb"])
    assert all(target.startswith("/usr/share/zsh/site-functions/_crossply") for target in places["rpm"])


def test_the_machine_s_libraries_are_read_from_the_freezer_s_list(room, monkeypatch, tmp_path):
    found = room("parts.not_from_pip")
    monkeypatch.setattr(found, "BUILD", tmp_path)
    monkeypatch.setattr(found, "FROZEN", tmp_path)
    (tmp_path / "work/crossply").mkdir(parents=True)
    (tmp_path / "crossply/_internal").mkdir(parents=True)
    (tmp_path / "crossply/_internal/libz.so.1").touch()
    listed = [[("libz.so.1", "/lib/x/libz.so.1", "BINARY"), ("libX11.so.6", "/lib/x/libX11.so.6", "BINARY")]]
    (tmp_path / "work/crossply/COLLECT-00.toc").write_text(repr((listed, "other")))
    assert found.collected_from_the_machine("crossply") == [Path("/lib/x/libz.so.1")], "what was left out is not named"
    assert found.owner(Path("/nowhere/libz.so.1")) == ("libz.so.1", "")


def test_the_service_is_off_and_hardened():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string((PACKAGING / "linux/crossply-node@.service").read_text())
    service = unit["Service"]
    assert service["ExecStart"] == "/usr/lib/crossply/crossplyctl node --serve"
    assert (service["IPAddressDeny"], service["IPAddressAllow"]) == ("any", "localhost")
    assert service["MemoryMax"] == "80%"
    assert service["CapabilityBoundingSet"] == ""
    assert service["User"] == "%i"


@pytest.mark.parametrize("target", ["windows", "macos"])
def test_what_cannot_be_made_here_says_where(target):
    command = [sys.executable, str(PACKAGING / "set_up.py"), target]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 2
    assert f"make {target} needs" in done.stderr
    assert f"python3 packaging/set_up.py {target}" in done.stderr


def test_scripts_for_the_portable_bundle_are_shell_that_sh_accepts():
    for script in ("install.sh", "uninstall.sh", "AppRun"):
        done = subprocess.run(["sh", "-n", str(PACKAGING / "linux/portable" / script)], capture_output=True, check=False)
        assert done.stderr == b""


def test_a_deb_is_made_smaller_and_stays_the_same(room, tmp_path):
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text("Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n")
    (tree / "zeros").write_bytes(bytes(500_000))
    package = tmp_path / "x.deb"
    make = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(package)]
    subprocess.run(make, check=True, capture_output=True)
    room("linux.deb_file").read_members(package.read_bytes())
    repacked = package.read_bytes().replace(b"control.tar     ", b"control.tar.gz  ")  # as nfpm names it
    package.write_bytes(repacked)
    room("linux.deb_file").compress_data(package)
    assert package.stat().st_size < 20_000
    listed = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(package)], capture_output=True, check=True).stdout
    assert bytes(500_000) in listed
    with pytest.raises(ValueError, match="members"):
        room("linux.deb_file").compress_data(package)


def test_every_file_belongs_to_a_line_of_the_size_table(room):
    group_of = room("parts.size_table").group_of
    assert group_of(Path("runtimes/llama.cpp-x/bin/libggml-vulkan.so")) == "llama.cpp: Vulkan"
    assert group_of(Path("_internal/PySide6/Qt/lib/libQt6Core.so.6")) == "Qt and PySide6"
    assert group_of(Path("crossplyctl")).startswith("Crossply and all Python code")
    assert group_of(Path("_internal/libz.so.1")) == "Python and its libraries"
