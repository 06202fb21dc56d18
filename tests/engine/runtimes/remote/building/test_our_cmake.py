"""Our cmake and ninja, packed for a machine that has none, and used there."""

import shutil
import tarfile

import pytest

from engine.runtimes.remote.building import our_cmake
from engine.runtimes.remote.building.our_cmake import OurTools, find_our_tools, pack, system_of
from tests.fakes.cancel_tokens import NeverCancelled


@pytest.fixture
def place(tmp_path):
    """As a virtual environment with both wheels has them."""
    data = tmp_path / "venv/lib/python3.11/site-packages/cmake/data"
    (data / "bin").mkdir(parents=True)
    shutil.copy("/bin/true", data / "bin/cmake")
    for name in ("Modules/a.cmake", "Help/manual.rst"):
        (data / "share/cmake-3.31" / name).parent.mkdir(parents=True)
        (data / "share/cmake-3.31" / name).write_text(name)
    (tmp_path / "venv/bin").mkdir()
    shutil.copy("/bin/true", tmp_path / "venv/bin/ninja")
    return tmp_path / "venv"


def test_they_are_found_and_packed_without_the_manual(place, tmp_path):
    tools = find_our_tools(tmp_path / "private", NeverCancelled(), places=(tmp_path / "nothing", place))
    archive = pack(tools, tmp_path / "cache")
    with tarfile.open(archive.path) as tar:
        names = {member.name for member in tar if member.isfile()}
    assert names == {"cmake/bin/cmake", "cmake/share/cmake-3.31/Modules/a.cmake", "bin/ninja"}
    assert pack(tools, tmp_path / "cache") == archive


def test_where_they_are_nowhere_they_are_fetched(place, tmp_path, monkeypatch):
    def fetch(private, *, token, which):
        assert which("cmake") is None, "the system's own cannot be sent"
        shutil.copytree(place, private)

    monkeypatch.setattr(our_cmake, "find_tools", fetch)
    private = tmp_path / "private"
    assert find_our_tools(private, NeverCancelled(), places=()).ninja == private / "bin/ninja"


def test_a_wheel_of_an_unknown_form_is_none(place, tmp_path, monkeypatch):
    monkeypatch.setattr(our_cmake, "find_tools", lambda _private, **_more: None)
    (place / "bin/ninja").write_text("#!/usr/bin/python3\n")
    assert find_our_tools(place, NeverCancelled(), places=()) is None


def test_they_need_a_system_of_our_kind(place):
    data = place / "lib/python3.11/site-packages/cmake/data"
    needed = system_of(OurTools(cmake_data=data, ninja=place / "bin/ninja"), os_family="Linux", architecture="x86_64")
    assert (needed.os_family, needed.architecture) == ("Linux", "x86_64")
    assert needed.glibc >= (2, 2)
