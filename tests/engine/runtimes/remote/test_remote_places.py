"""Our folders on another machine, and folders that cannot be ours."""

import pytest

from engine.errors import ProbeFailed
from engine.runtimes.remote.remote_places import checked_folder, copy_places, worker_cache_folder


def test_everything_is_below_the_data_folder():
    places = copy_places("/home/ada/.local/share/crossply", "llama.cpp-1")
    top = "/home/ada/.local/share/crossply/runtimes/"
    assert places.final == top + "llama.cpp-1"
    for path in (places.incoming, places.lock, places.replaced, places.manifest, places.marker):
        assert path.startswith(top + ".")
    assert places.arriving("bin/x") == places.incoming + "/bin/x"


def test_the_cache_of_remote_workers_is_not_that_of_local_ones():
    assert worker_cache_folder("/home/ada") == "/home/ada/.cache/crossply/remote-workers"
    assert worker_cache_folder("/") == "/.cache/crossply/remote-workers"  # a container's user without a home


@pytest.mark.parametrize(
    "path",
    ["", "/", "relative", "/home/../etc", "/home/ada/", "//x", "/a\nb", "/a\x1b[31m", "/" + "a" * 2000, "~/x", "/a/./b"],
)
def test_these_are_refused(path):
    with pytest.raises(ProbeFailed):
        checked_folder(path)
