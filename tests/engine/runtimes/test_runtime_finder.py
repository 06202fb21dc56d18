"""The finder remembers what it learnt, and forgets it when the programs change."""

import pytest

from engine.runtimes import runtime_finder
from engine.runtimes.runtime_finder import LocalRuntimeFinder
from engine.settings.folders import find_folders
from tests.fakes.llama_cpp.fake_llama_cpp import write_fake_build


@pytest.fixture
def finder(tmp_path):
    def make(**environment):
        folders = find_folders({"CROSSPLY_DATA": str(tmp_path / "data")})
        return LocalRuntimeFinder(folders, environment=environment, usual=(tmp_path / "usual",), packaged=())

    return make


@pytest.fixture
def count_learning(monkeypatch):
    learnt = []
    real = runtime_finder.learn
    monkeypatch.setattr(runtime_finder, "learn", lambda candidate, print_: learnt.append(candidate) or real(candidate, print_))
    return learnt


def test_nothing_there_is_an_empty_answer(finder):
    assert finder().find(None) == ()


def test_programs_are_run_once_and_again_only_when_they_change(finder, tmp_path, count_learning):
    folder = write_fake_build(tmp_path / "usual")
    first = finder().find(None)
    assert finder().find(None) == first
    assert len(count_learning) == 1
    write_fake_build(folder, version_line="version: 11500 (abcdef0)", version=(7, 1, 0))
    assert finder().find(None)[0].build_number == 11500
    assert len(count_learning) == 2


def test_an_unusable_build_is_asked_again_every_time(finder, tmp_path, count_learning):
    write_fake_build(tmp_path / "usual", has_rpc=False)
    assert finder().find(None) == finder().find(None)
    assert len(count_learning) == 2


def test_a_backend_that_lies_there_and_does_not_load_is_asked_for_again(finder, tmp_path, count_learning):
    folder = write_fake_build(tmp_path / "usual")
    (folder / "libggml-vulkan.so").write_text("its loader is not installed")
    assert finder().find(None)[0].backends == ("CPU", "RPC")
    write_fake_build(folder, backends=("RPC", "CPU", "Vulkan"))
    assert finder().find(None)[0].backends == ("CPU", "RPC", "Vulkan")
    finder().find(None)
    assert len(count_learning) == 2


def test_a_damaged_memory_is_no_memory(finder, tmp_path):
    write_fake_build(tmp_path / "usual")
    first = finder().find(None)
    (tmp_path / "data" / "cache" / "runtimes.json").write_text("{")
    assert finder().find(None) == first


def test_usable_ones_come_before_unusable_ones_except_the_chosen(finder, tmp_path):
    bad = write_fake_build(tmp_path / "path", has_rpc=False)
    good = write_fake_build(tmp_path / "usual")
    assert [runtime.folder for runtime in finder(PATH=str(bad)).find(None)] == [str(good), str(bad)]
    assert [runtime.folder for runtime in finder(CROSSPLY_RUNTIME=str(bad)).find(None)] == [str(bad), str(good)]
    assert [runtime.folder for runtime in finder().find(str(bad))] == [str(bad), str(good)]
