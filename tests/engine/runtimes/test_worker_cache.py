"""The weight cache keeps within its size, oldest first."""

import os
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
    free = prune_and_measure(tmp_path / "not" / "there")
    assert free is not None
    assert free > 0


def test_what_a_load_that_was_cut_short_has_written_is_gone_before_the_next(tmp_path):
    """rpc-server would take a file that a kill cut short for its tensor."""
    cache = tmp_path / "workers"
    prune_and_measure(cache)
    (cache / "rpc").mkdir()
    before = _file(cache, "before", 10, 1000)
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
