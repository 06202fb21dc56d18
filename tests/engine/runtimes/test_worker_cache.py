"""The weight cache keeps within its size, oldest first."""

import os
import subprocess
import sys
from pathlib import Path

from engine.runtimes.worker_cache import LARGEST_BYTES, LOADING, cache_is_whole, cap_bytes, prune, prune_and_measure


def _file(folder: Path, name: str, size: int, used_at: int) -> Path:
    path = folder / "rpc" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (used_at, used_at))
    return path


def test_the_oldest_go_first(tmp_path):
    old, middle, new = (_file(tmp_path, name, 100, used) for name, used in (("a", 1), ("b", 2), ("c", 3)))
    assert prune(tmp_path, 250) == 200
    assert not old.exists()
    assert middle.exists()
    assert new.exists()


def test_within_the_cap_nothing_goes(tmp_path):
    kept = _file(tmp_path, "a", 100, 1)
    assert prune(tmp_path, 100) == 100
    assert kept.exists()


def test_a_link_is_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"x" * 500)
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "link").symlink_to(outside)
    assert prune(cache, 0) == 0
    assert outside.exists()


def test_no_folder_is_an_empty_cache(tmp_path):
    assert prune(tmp_path / "missing") == 0


def test_the_cap_is_a_share_of_the_disk_and_bounded():
    assert cap_bytes(free_bytes=60, cached_bytes=40) == 25
    assert cap_bytes(free_bytes=10**15, cached_bytes=0) == LARGEST_BYTES


def test_the_default_cap_comes_from_the_disk(tmp_path):
    kept = _file(tmp_path, "a", 100, 1)
    assert prune(tmp_path) == 100
    assert kept.exists()


def test_how_much_is_free_beside_it(tmp_path: Path) -> None:
    before = prune_and_measure(tmp_path / "not" / "there")
    assert before.why_not is None
    assert before.free_bytes is not None
    assert before.free_bytes > 0


def test_what_a_load_that_was_cut_short_has_written_is_gone_before_the_next(tmp_path):
    """rpc-server would take a file that a kill cut short for its tensor."""
    cache = tmp_path / "workers"
    (cache / "rpc").mkdir(parents=True)
    before = _file(cache, "before", 10, 1000)
    prune_and_measure(cache)
    written = cache / "rpc" / "half"
    written.write_bytes(b"x")
    prune_and_measure(cache)
    assert (before.exists(), written.exists()) == (True, False)
    written.write_bytes(b"x")
    prune_and_measure(cache)
    assert not written.exists(), "nor of the second one"


def test_what_a_whole_load_has_written_stays(tmp_path):
    cache = tmp_path / "workers"
    prune_and_measure(cache)
    (cache / "rpc").mkdir()
    written = _file(cache, "whole", 10, 2_000_000_000)
    cache_is_whole(cache)
    cache_is_whole(cache)
    prune_and_measure(cache)
    assert written.exists()


def test_the_mark_is_no_part_of_the_cache(tmp_path):
    prune_and_measure(tmp_path)
    assert prune(tmp_path, 0) == 0
    assert (tmp_path / LOADING).exists()


def _aged(cache: Path) -> None:
    """Its holder was killed a while ago."""
    os.utime(cache / LOADING, (1_000_000_000, 1_000_000_000))


def _half(cache: Path) -> Path:
    (cache / "rpc").mkdir(exist_ok=True)
    path = cache / "rpc" / "half"
    path.write_bytes(b"x")
    return path


def test_a_second_window_does_not_load_into_the_cache_while_the_first_one_does(tmp_path):
    """Its rpc-server would take what is half written for the whole, and each end of a load would hide that of the other."""
    assert prune_and_measure(tmp_path, holder="one").why_not is None
    half = _half(tmp_path)
    second = prune_and_measure(tmp_path, holder="two")
    assert "another Crossply" in second.why_not
    cache_is_whole(tmp_path, holder="two")
    assert (half.exists(), (tmp_path / LOADING).exists()) == (True, True)
    prune_and_measure(tmp_path, holder="one")
    assert not half.exists()
    cache_is_whole(tmp_path, holder="one")
    assert prune_and_measure(tmp_path, holder="two").why_not is None


def test_the_load_of_one_who_was_killed_is_taken_over_once_its_workers_are_gone(tmp_path):
    prune_and_measure(tmp_path, holder="one")
    half = _half(tmp_path)
    environment = {**os.environ, "LLAMA_CACHE": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment) as worker:
        _aged(tmp_path)
        assert prune_and_measure(tmp_path, holder="two").why_not is not None
        worker.communicate(b"\n")
    assert half.exists()
    assert prune_and_measure(tmp_path, holder="two").why_not is None
    assert not half.exists()


def test_a_clock_that_was_set_back_hides_nothing(tmp_path):
    prune_and_measure(tmp_path)
    half = _half(tmp_path)
    os.utime(half, (1_000_000_000, 1_000_000_000))
    prune_and_measure(tmp_path)
    assert not half.exists()


def test_a_folder_that_cannot_be_used_is_no_end_of_the_launch(tmp_path):
    (tmp_path / "file").write_text("")
    before = prune_and_measure(tmp_path / "file" / "workers")
    assert "cannot be used" in before.why_not


def test_a_disk_that_takes_no_mark_loses_nothing_that_was_whole(tmp_path, monkeypatch):
    kept = _file(tmp_path, "a", 100, 1)

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_text", full)
        assert "No space left" in prune_and_measure(tmp_path).why_not
    assert prune_and_measure(tmp_path).why_not is None
    assert kept.exists()
