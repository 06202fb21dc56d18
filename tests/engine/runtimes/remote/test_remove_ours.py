"""What we put on a machine goes; what others put there stays. The workers' cache keeps within its size."""

import os

import pytest

from engine.errors import ProbeFailed, RemoteFileProblem
from engine.runtimes.manifest import COPIED_MARKER
from engine.runtimes.remote.copying.copy_runtime import copy_runtime
from engine.runtimes.remote.remote_places import worker_cache_folder
from engine.runtimes.remote.remove_ours import free_bytes_in, prune_worker_cache, remove_ours
from tests.engine.runtimes.remote.builds_here import a_build
from tests.engine.runtimes.remote.shell_here import ShellHere
from tests.fakes.cancel_tokens import NeverCancelled


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def data(home):
    return home / ".local/share/crossply"


@pytest.fixture
def shell(home):
    return ShellHere(home)


def _remove(shell, home, data):
    remove_ours(shell, str(data), worker_cache_folder(str(home)))


def _cached(home, name, size, used_at):
    path = home / ".cache/crossply/remote-workers/rpc" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (used_at, used_at))
    return path


def test_nothing_of_ours_is_left(tmp_path, shell, home, data):
    (home / ".profile").write_text("theirs")
    copy_runtime(shell, a_build(tmp_path / "llama.cpp-x"), str(data), lambda *_: None, NeverCancelled())
    (data / "runtimes/.incoming-y.lock/me").mkdir(parents=True)
    (data / "runtimes/.incoming-y/bin").mkdir(parents=True)
    (data / "runtimes/.replaced-z").mkdir()
    (data / "kept").mkdir()
    (data / "kept/worker.json").write_text("{}")
    _cached(home, "a", 10, 1)
    _remove(shell, home, data)
    assert sorted(path.name for path in home.rglob("*") if path.is_file()) == [".profile"]
    assert not data.exists()
    assert not (home / ".cache/crossply").exists()


def test_what_a_crossply_of_that_account_has_stays(shell, home, data):
    theirs = [data / "runtimes/llama.cpp-y/manifest.json", data / "models/m.gguf", home / ".cache/crossply/workers/rpc/a"]
    ours = data / "runtimes/llama.cpp-x" / COPIED_MARKER
    for path in (*theirs, ours):
        path.parent.mkdir(parents=True)
        path.write_text("x")
    _remove(shell, home, data)
    assert all(path.exists() for path in theirs)
    assert not ours.parent.exists()


def test_no_link_is_followed(tmp_path, shell, home, data):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / COPIED_MARKER).write_text("x")
    (data / "runtimes").mkdir(parents=True)
    (data / "runtimes/llama.cpp-x").symlink_to(outside)
    (data / "kept").symlink_to(outside)
    (home / ".cache/crossply").mkdir(parents=True)
    (home / ".cache/crossply/remote-workers").symlink_to(outside)
    _remove(shell, home, data)
    assert (outside / COPIED_MARKER).exists()


def test_where_there_is_nothing_it_is_fine(shell, home, data):
    _remove(shell, home, data)
    assert list(home.iterdir()) == []


def test_what_cannot_be_deleted_is_said(tmp_path, shell, home, data):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "rm").write_text("#!/bin/sh\nexit 1\n")
    (tools / "rm").chmod(0o755)
    shell.environment["PATH"] = f"{tools}:/usr/bin:/bin"
    _cached(home, "a", 10, 1)
    with pytest.raises(RemoteFileProblem, match="gpu-node"):
        _remove(shell, home, data)


@pytest.mark.parametrize("folder", ["/", "", "/home/ada/..", "data"])
def test_a_folder_that_cannot_be_ours_is_refused(shell, home, folder):
    with pytest.raises(ProbeFailed):
        remove_ours(shell, folder, worker_cache_folder(str(home)))
    with pytest.raises(ProbeFailed):
        remove_ours(shell, str(home), folder)


def test_of_the_cache_the_oldest_go_first(shell, home):
    old, middle, new = (_cached(home, name, 100, used) for name, used in (("a1", 1000), ("b2", 2000), ("c3", 3000)))
    assert prune_worker_cache(shell, worker_cache_folder(str(home)), 250) == 200
    assert not old.exists()
    assert middle.exists()
    assert new.exists()


def test_within_the_limit_nothing_goes(shell, home):
    kept = _cached(home, "a", 100, 1000)
    assert prune_worker_cache(shell, worker_cache_folder(str(home)), 100) == 100
    assert prune_worker_cache(shell, worker_cache_folder(str(home))) == 100
    assert kept.exists()


def test_the_default_limit_is_that_of_this_machine(tmp_path, shell, home):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "df").write_text("#!/bin/sh\necho 'Filesystem'; echo '/dev/x 1000 1000 0 100% /'\n")
    (tools / "df").chmod(0o755)
    shell.environment["PATH"] = f"{tools}:/usr/bin:/bin"
    for number in range(8):
        _cached(home, f"a{number}", 1000, 1000 + number)
    assert prune_worker_cache(shell, worker_cache_folder(str(home))) == 2000  # a quarter of what the disk could give


def test_of_the_cache_no_link_and_no_odd_name_is_touched(tmp_path, shell, home):
    outside = tmp_path / "outside"
    outside.write_bytes(b"x" * 500)
    (_cached(home, "a", 10, 1000).parent / "link").symlink_to(outside)
    odd = _cached(home, "a b; rm x", 10, 1000)
    prune_worker_cache(shell, worker_cache_folder(str(home)), 0)
    assert outside.exists()
    assert odd.exists()


def test_without_a_cache_there_is_nothing_to_do(shell, home):
    assert prune_worker_cache(shell, worker_cache_folder(str(home)), 0) == 0
    assert prune_worker_cache(shell, worker_cache_folder(str(home))) == 0


@pytest.mark.parametrize(
    ("said", "free_bytes"),
    [
        (b"Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 100 40 60 40% /home\n", 60 * 1024),
        (b"a\n/dev/v\n  100 40 60 40% /\n", None),
        (b"df: no such folder\n", None),
        (b"", None),
        (b"/dev/x 1 1 9999999999999999 1% /\n", None),
        (b"/dev/x 1 1 \xff 1% /\n", None),
    ],
)
def test_how_much_a_disk_there_has_left(said, free_bytes):
    assert free_bytes_in(said) == free_bytes
