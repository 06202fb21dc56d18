"""A full disk while something large is made."""

import pytest

from engine.errors import RuntimeUnavailable
from engine.runtimes.building.build_from_source import BuildOptions, build_runtime
from engine.runtimes.building.disk_trouble import disk_trouble
from engine.runtimes.building.install_release import Release, install_release
from engine.runtimes.demo_model import fetch_demo_model
from engine.settings.folders import find_folders
from tests.fakes.cancel_tokens import NeverCancelled


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(28, "No space left on device", "/d/f"),
            r"The model could not be written: No space left on device \(/d/f\)\.",
        ),
        (OSError("odd"), r"The model could not be written: odd\."),
    ],
)
def test_one_sentence(error, said):
    with pytest.raises(RuntimeUnavailable, match=said), disk_trouble("The model"):
        raise error


def test_whatever_is_made_large_says_so(tmp_path):
    (tmp_path / "file").touch()
    folders = find_folders({"CROSSPLY_DATA": str(tmp_path / "file")})
    release = Release(name="b1", url="https://example.org/b1.zip", sha256="0" * 64)
    for make in (
        lambda: fetch_demo_model(folders, lambda *_: None, NeverCancelled()),
        lambda: build_runtime(folders, BuildOptions(), lambda *_: None, NeverCancelled()),
        lambda: install_release(folders, release, lambda *_: None, NeverCancelled()),
    ):
        with pytest.raises(RuntimeUnavailable, match=r"could not be written: (Not a directory|File exists)"):
            make()
