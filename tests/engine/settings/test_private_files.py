"""Nobody else reads what we write."""

import os
import stat
import subprocess
import sys

import pytest

from engine.settings.folders import DATA_VARIABLE, find_folders
from engine.settings.private_files import close_to_others, keep_private


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def test_files_and_folders_are_ours_alone_from_then_on_and_in_children_too(tmp_path, monkeypatch):
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    os.umask(0)
    keep_private()
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    subprocess.run([sys.executable, "-c", f"open({str(tmp_path / 'of a child')!r}, 'w')"], check=True)
    assert [mode(tmp_path / name) for name in ("folder", "file", "of a child")] == [0o700, 0o600, 0o600]


def test_folders_from_before_are_closed_and_one_that_a_person_named_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    folders = find_folders()
    for folder in (folders.state, folders.logs, folders.cache, folders.models):
        folder.mkdir(mode=0o755)
    tmp_path.chmod(0o755)
    keep_private()
    assert [mode(folder) for folder in (folders.state, folders.logs, folders.cache)] == [0o700] * 3
    assert mode(folders.data) == 0o755
    monkeypatch.delenv(DATA_VARIABLE)
    keep_private(folders)
    assert mode(folders.data) == 0o700


@pytest.mark.parametrize("kind", ["missing", "a file", "a link"])
def test_what_is_no_folder_of_ours_is_left_alone(tmp_path, kind):
    path, other = tmp_path / "state", tmp_path / "other"
    other.mkdir(mode=0o755)
    if kind == "a file":
        path.touch(mode=0o644)
    elif kind == "a link":
        path.symlink_to(other)
    close_to_others(path)
    assert mode(other) == 0o755
    assert kind != "a file" or mode(path) == 0o644
