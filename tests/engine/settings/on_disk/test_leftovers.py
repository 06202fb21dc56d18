"""Only what is ours, old, and nobody's work goes."""

import os
import time
from pathlib import Path

import pytest

from engine.measuring.probe_files import ProbeFiles
from engine.measuring.probes import SHORT
from engine.settings.folders import find_folders
from engine.settings.on_disk import leftovers
from engine.settings.on_disk.leftovers import OLD_SECONDS, sweep_beside, sweep_leftovers
from engine.settings.on_disk.whole_files import UNFINISHED

OLD = time.time() - OLD_SECONDS - 60
DEAD, ALIVE = 999_999_999, os.getpid()


@pytest.fixture
def folders(tmp_path):
    folders = find_folders({"CROSSPLY_DATA": str(tmp_path / "ours")})
    for folder in (folders.state, folders.models, folders.cache):
        folder.mkdir(parents=True)
    return folders


def left(path, *, old=True, folder=False):
    path.mkdir() if folder else path.write_text("half")
    if folder:
        (path / "part").write_text("x")
    if old:
        os.utime(path, (OLD, OLD))
    return path


def test_old_temporary_files_of_ours_go_and_nothing_else(folders, tmp_path):
    gone = [
        left(folders.state / f".settings.json-abcd_123{UNFINISHED}"),
        left(folders.cache / f".runtimes.json-abcd1234{UNFINISHED}"),
        left(tmp_path / f"crossply-calibration-{DEAD}-abcd1234", folder=True),
    ]
    stays = [
        left(folders.state / f".speeds.json-abcd1234{UNFINISHED}", old=False),
        left(folders.state / "settings.json"),
        left(folders.state / "settings.json.damaged-20261126-180500"),
        left(folders.models / "model.gguf"),
        left(folders.models / ".fetching-abcd1234", folder=True),
        left(tmp_path / f"crossply-calibration-{ALIVE}-abcd1234", folder=True),
        left(tmp_path / "crossply-calibration-results"),
    ]
    (folders.state / f".link-abcd1234{UNFINISHED}").symlink_to(folders.models, target_is_directory=True)
    assert sorted(sweep_leftovers(folders, temporary=tmp_path)) == sorted(gone)
    assert [path for path in stays if not path.exists()] == []
    assert [path for path in gone if path.exists()] == []
    assert sweep_leftovers(folders, temporary=tmp_path, now=time.time() + 25 * 3600)[-1].name == ".fetching-abcd1234"
    assert (folders.models / "model.gguf").exists()


def test_nothing_there_and_nothing_that_may_be_removed(tmp_path, monkeypatch):
    folders = find_folders({"CROSSPLY_DATA": str(tmp_path / "none")})
    assert sweep_leftovers(folders, temporary=tmp_path / "none") == ()
    folders.state.mkdir(parents=True)
    theirs = left(folders.state / f".settings.json-abcd1234{UNFINISHED}")
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    assert sweep_leftovers(folders, temporary=tmp_path) == ()
    assert theirs.exists()


def test_beside_a_persons_file_only_what_was_to_become_that_file_goes(tmp_path):
    gone = left(tmp_path / f".lab.toml-abcd1234{UNFINISHED}")
    stays = [left(tmp_path / f".other.toml-abcd1234{UNFINISHED}"), left(tmp_path / ".lab.toml-abcd1234")]
    sweep_beside(tmp_path / "lab.toml")
    assert not gone.exists()
    assert all(path.exists() for path in stays)


def test_the_folder_of_a_calibration_is_known_for_what_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with ProbeFiles() as files:
        folder = Path(files.facts(SHORT).path).parent
        os.utime(folder, (OLD, OLD))
        folders = find_folders({"CROSSPLY_DATA": str(tmp_path / "none")})
        assert sweep_leftovers(folders, temporary=tmp_path) == (), "its process is alive"
        monkeypatch.setattr(leftovers, "_is_alive", lambda pid: pid != os.getpid())
        assert sweep_leftovers(folders, temporary=tmp_path) == (folder,)
