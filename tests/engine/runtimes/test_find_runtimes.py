"""Where programs are looked for, and which come first."""

import os
from pathlib import Path

import pytest

from engine.errors import RuntimeUnavailable
from engine.runtimes import find_runtimes
from engine.runtimes.find_runtimes import INSTALLED, find_candidates, packaged_folders, usual_folders
from engine.runtimes.manifest import COPIED_MARKER, FORMAT, Manifest, list_files, write_manifest
from engine.vocabulary.runtime import RuntimeSource


def make_program(folder, name):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def make_build(builds, name, *, made_at="2026-01-01T00:00:00Z", backends=("CPU", "RPC"), build_number=None, options=("-D",)):
    folder = builds / name
    make_program(folder / "bin", "ggml-rpc-server")
    manifest = Manifest(
        format=FORMAT,
        programs="bin",
        origin="test",
        build_number=build_number,
        commit=None,
        protocol=None,
        backends=backends,
        options=options,
        made_at=made_at,
        files=list_files(folder),
    )
    write_manifest(folder, manifest)
    return folder


@pytest.fixture
def find(tmp_path):
    def find(*, chosen=None, path=(), usual=(), packaged=()):
        environment = {"PATH": os.pathsep.join(str(folder) for folder in path)}
        own = tmp_path / "runtimes"
        return find_candidates(chosen=chosen, own_builds=own, environment=environment, usual=usual, packaged=packaged)

    return find


def test_nothing_is_found_where_nothing_is(find, tmp_path):
    assert find(path=(tmp_path,), usual=(tmp_path / "no such folder",)) == ()


def test_the_order_is_chosen_own_installed_path_usual(find, tmp_path):
    for name in ("chosen", "path", "usual"):
        make_program(tmp_path / name, "ggml-rpc-server")
    make_build(tmp_path / "runtimes", "own")
    make_build(tmp_path / "installed", "llama.cpp-x", made_at="2027-01-01T00:00:00Z", build_number=99999)
    places = {"path": (tmp_path / "path",), "usual": (tmp_path / "usual",), "packaged": (tmp_path / "installed",)}
    found = find(chosen=tmp_path / "chosen", **places)
    assert [candidate.source for candidate in found] == [
        RuntimeSource.CHOSEN,
        RuntimeSource.BUILT,
        RuntimeSource.PACKAGED,
        RuntimeSource.ON_PATH,
        RuntimeSource.BUILD_FOLDER,
    ]


def test_a_frozen_application_looks_beside_itself_first(monkeypatch, tmp_path):
    assert packaged_folders() == (Path(INSTALLED),)
    monkeypatch.setattr(find_runtimes.sys, "frozen", True, raising=False)
    monkeypatch.setattr(find_runtimes.sys, "executable", str(tmp_path / "app/crossply"))
    assert packaged_folders() == (tmp_path / "app/runtimes", Path(INSTALLED))


def test_the_new_name_wins_over_the_stale_one_of_an_in_place_rebuild(find, tmp_path):
    make_program(tmp_path / "bin", "rpc-server")
    new = make_program(tmp_path / "bin", "ggml-rpc-server")
    assert find(path=(tmp_path / "bin",))[0].rpc_server == new


def test_the_old_name_alone_is_found(find, tmp_path):
    old = make_program(tmp_path / "bin", "rpc-server")
    assert find(path=(tmp_path / "bin",))[0].rpc_server == old


def test_a_program_that_may_not_be_run_is_none(find, tmp_path):
    make_program(tmp_path / "bin", "ggml-rpc-server").chmod(0o644)
    assert find(path=(tmp_path / "bin",)) == ()


@pytest.mark.parametrize("below", ["", "bin", "build/bin"])
def test_a_chosen_checkout_or_build_is_searched_where_programs_are(find, tmp_path, below):
    make_program(tmp_path / "llama.cpp" / below, "ggml-rpc-server")
    (candidate,) = find(chosen=tmp_path / "llama.cpp")
    assert candidate.programs == tmp_path / "llama.cpp" / below
    assert candidate.source is RuntimeSource.CHOSEN


def test_a_chosen_folder_without_programs_is_a_clear_error(find, tmp_path):
    with pytest.raises(RuntimeUnavailable, match=r"no ggml-rpc-server .* crossplyctl runtime build"):
        find(chosen=tmp_path)


def test_a_link_leads_to_the_folder_of_the_build(find, tmp_path):
    real = make_program(tmp_path / "Cellar" / "bin", "ggml-rpc-server")
    make_program(tmp_path / "Cellar" / "bin", "llama-server")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ggml-rpc-server").symlink_to(real)
    (candidate,) = find(path=(tmp_path / "bin",))
    assert candidate.program("llama-server") == tmp_path / "Cellar" / "bin" / "llama-server"


def test_one_folder_counts_once(find, tmp_path):
    make_program(tmp_path / "bin", "ggml-rpc-server")
    (tmp_path / "again").symlink_to(tmp_path / "bin")
    assert len(find(path=(tmp_path / "bin", tmp_path / "again"), usual=(tmp_path,))) == 1


def test_own_builds_come_richest_then_newest_first(find, tmp_path):
    builds = tmp_path / "runtimes"
    make_build(builds, "old", made_at="2026-01-01T00:00:00Z")
    make_build(builds, "new", made_at="2026-02-01T00:00:00Z")
    make_build(builds, "rich", backends=("CPU", "RPC", "Vulkan"))
    make_build(builds, "release", build_number=11434, options=())
    assert [candidate.top.name for candidate in find()] == ["release", "rich", "new", "old"]
    assert find()[0].source is RuntimeSource.DOWNLOADED


def test_what_is_being_built_or_was_interrupted_is_no_runtime(find, tmp_path):
    builds = tmp_path / "runtimes"
    make_build(builds, ".building-1")
    make_program(builds / "no manifest" / "bin", "ggml-rpc-server")
    broken = make_build(builds, "broken manifest")
    (broken / "manifest.json").write_text("{")
    assert find() == ()


def test_the_usual_folders_are_absolute_and_many(tmp_path):
    folders = usual_folders(tmp_path)
    assert len(folders) >= 3
    assert all(folder.is_absolute() for folder in folders)


def test_what_another_machine_put_here_for_its_workers_is_not_ours(find, tmp_path):
    make_build(tmp_path / "runtimes", "own")
    (make_build(tmp_path / "runtimes", "copied") / COPIED_MARKER).write_text("{}")
    assert [candidate.top.name for candidate in find()] == ["own"]
