"""Whole or not there, private, and in the person's own folders with the mode and the link that they chose."""

import os
import stat

import pytest

from engine.settings.on_disk import whole_files
from engine.settings.on_disk.whole_files import private_folder, write_atomically


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def _usual_mask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_what_is_made_is_for_this_user_alone(tmp_path):
    write_atomically(tmp_path / "a" / "b" / "f", b"x")
    assert [mode(path) for path in (tmp_path / "a", tmp_path / "a/b", tmp_path / "a/b/f")] == [0o700, 0o700, 0o600]


def test_a_folder_that_is_there_stays_as_it_is(tmp_path):
    (tmp_path / "shared").mkdir(mode=0o755)
    private_folder(tmp_path / "shared" / "ours")
    assert (mode(tmp_path / "shared"), mode(tmp_path / "shared/ours")) == (0o755, 0o700)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        private_folder(tmp_path / "file" / "ours")


def test_a_file_keeps_the_mode_that_it_has_and_a_link_stays_one(tmp_path):
    real = tmp_path / "real"
    real.write_text("old")
    real.chmod(0o640)
    (tmp_path / "link").symlink_to(real)
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (real.read_text(), mode(real)) == ("new", 0o640)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path, monkeypatch, error, at):
    def fail(*_arguments):
        raise error

    (tmp_path / "f").write_text("old")
    monkeypatch.setattr(*((whole_files.os, "fsync", fail) if at == "fsync" else (whole_files.Path, "replace", fail)))
    with pytest.raises(type(error)):
        write_atomically(tmp_path / "f", b"new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("f", "old")]


def test_flushed_or_quick(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(whole_files.os, "fsync", flushed.append)
    write_atomically(tmp_path / "f", b"x", flushed=False)
    assert flushed == []
    write_atomically(tmp_path / "f", b"x")
    assert len(flushed) == 2, "the content, and the name"


def test_a_long_name(tmp_path):
    name = "n" * 250
    write_atomically(tmp_path / name, b"x")
    assert [path.name for path in tmp_path.iterdir()] == [name]
