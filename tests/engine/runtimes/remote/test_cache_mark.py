"""Only one Crossply at a time loads into the cache of a machine's workers; what an unfinished load wrote is gone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import ProbeFailed
from engine.runtimes.remote.cache_mark import begin_load, end_load
from engine.runtimes.remote.remote_places import worker_cache_folder
from engine.runtimes.worker_cache import LOADING, TAKEN
from tests.engine.runtimes.remote.shell_here import ShellHere


@pytest.fixture
def shell(tmp_path):
    return ShellHere(tmp_path / "home")


@pytest.fixture
def cache(tmp_path, shell):
    return Path(worker_cache_folder(str(tmp_path / "home")))


def _written(cache, name, at=3_000_000_000):
    (cache / "rpc").mkdir(exist_ok=True, parents=True)
    path = cache / "rpc" / name
    path.write_bytes(b"x" * 10)
    os.utime(path, (at, at))
    return path


def test_the_folder_is_made_and_is_ours_alone(shell, cache):
    assert begin_load(shell, str(cache)) is None
    assert [folder.stat().st_mode & 0o777 for folder in (cache, cache.parent)] == [0o700, 0o700]
    assert (cache / LOADING).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("at", [3_000_000_000, 1_000_000_000], ids=["after the mark", "the clock was set back"])
def test_what_a_load_that_was_cut_short_has_written_is_gone_before_the_next(shell, cache, at):
    before = _written(cache, "before")
    begin_load(shell, str(cache))
    half = _written(cache, "half", at)
    assert begin_load(shell, str(cache)) is None
    assert (before.exists(), half.exists()) == (True, False)
    half = _written(cache, "half", at)
    assert begin_load(shell, str(cache)) is None
    assert not half.exists(), "nor of the second one"


def test_what_a_whole_load_has_written_stays(shell, cache):
    begin_load(shell, str(cache))
    whole = _written(cache, "whole")
    end_load(shell, str(cache))
    end_load(shell, str(cache))
    assert begin_load(shell, str(cache)) is None
    assert whole.exists()


def test_a_second_one_keeps_out_while_the_first_one_loads(shell, cache):
    begin_load(shell, str(cache), holder="one")
    half = _written(cache, "half")
    assert begin_load(shell, str(cache), holder="two") == TAKEN
    end_load(shell, str(cache), holder="two")
    assert (half.exists(), (cache / LOADING).exists()) == (True, True)
    end_load(shell, str(cache), holder="one")
    assert begin_load(shell, str(cache), holder="two") is None
    assert half.exists()


def test_the_load_of_one_who_was_killed_is_taken_over_once_its_workers_are_gone(shell, cache):
    begin_load(shell, str(cache), holder="one")
    half = _written(cache, "half")
    os.utime(cache / LOADING, (1_000_000_000, 1_000_000_000))
    environment = {**os.environ, "LLAMA_CACHE": str(cache)}
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment) as worker:
        assert begin_load(shell, str(cache), holder="two") == TAKEN
        worker.communicate(b"\n")
    assert half.exists()
    assert begin_load(shell, str(cache), holder="two") is None
    assert not half.exists()


def test_a_name_that_is_none_of_rpc_servers_is_left_alone(shell, cache):
    begin_load(shell, str(cache))
    odd = _written(cache, "half\n.", at=1)
    assert begin_load(shell, str(cache)) is None
    assert odd.exists()


def test_a_folder_that_cannot_be_written_is_not_used(shell, cache):
    cache.parent.mkdir(parents=True)
    cache.write_text("a file")
    assert "cannot be written" in begin_load(shell, str(cache))
    with pytest.raises(ProbeFailed):
        begin_load(shell, "/")
