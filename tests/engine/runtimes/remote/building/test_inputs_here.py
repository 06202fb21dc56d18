"""What this machine gives to a build elsewhere."""

import platform
from dataclasses import replace

import pytest

from engine.cluster.matching import ProgramSystem
from engine.errors import RuntimeUnavailable
from engine.runtimes.building.build_from_source import SOURCE
from engine.runtimes.remote.building import inputs_here as module
from engine.runtimes.remote.building.inputs_here import inputs_here
from engine.runtimes.remote.building.our_cmake import OurTools
from engine.runtimes.remote.remote_system import RemoteSystem
from engine.settings.folders import find_folders
from tests.fakes.cancel_tokens import NeverCancelled

SAME = ProgramSystem(os_family=platform.system(), architecture=platform.machine(), glibc=(9, 9))


@pytest.fixture
def folders(tmp_path):
    return replace(find_folders(), data=tmp_path / "data", cache=tmp_path / "cache")


def _programs(folders, programs=SAME):
    return inputs_here(folders, NeverCancelled()).programs(RemoteSystem(programs=programs, free_bytes=None))


def test_the_source_is_the_pinned_one(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "fetch_source", lambda _folders, _on_bytes, _token: tmp_path / "x.tar.gz")
    archive = inputs_here(folders, NeverCancelled()).source(lambda _have, _total: None)
    assert (archive.path, archive.sha256) == (tmp_path / "x.tar.gz", SOURCE.sha256)


def test_programs_for_a_machine_of_our_kind_only(folders, tmp_path, monkeypatch):
    (tmp_path / "cmake/bin").mkdir(parents=True)
    (tmp_path / "cmake/share").mkdir()
    for name in ("cmake/bin/cmake", "ninja"):
        (tmp_path / name).write_bytes(b"\x7fELF")
    tools = OurTools(cmake_data=tmp_path / "cmake", ninja=tmp_path / "ninja")
    monkeypatch.setattr(module, "find_our_tools", lambda _private, _token: tools)
    assert _programs(folders).path.parent == folders.cache / "build-programs"
    assert "has a processor of kind riscv64" in _programs(folders, replace(SAME, architecture="riscv64"))


def test_none_are_a_reason(folders, monkeypatch):
    monkeypatch.setattr(module, "find_our_tools", lambda _private, _token: None)
    assert _programs(folders) == "they are not where pip puts them."

    def fails(_private, _token):
        raise RuntimeUnavailable("There is no network.")

    monkeypatch.setattr(module, "find_our_tools", fails)
    assert _programs(folders) == "There is no network."
