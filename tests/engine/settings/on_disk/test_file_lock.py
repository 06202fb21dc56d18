"""The lock that proves that somebody runs, and the one that lets one at a time change a file."""

import errno
import subprocess
import sys
import threading

import pytest

from engine.settings.on_disk import file_lock
from engine.settings.on_disk.file_lock import hold_lock, try_lock


def test_one_holder_at_a_time(tmp_path):
    path = tmp_path / "lock"
    with path.open("a+") as one, path.open("a+") as other:
        assert try_lock(one.fileno())
        assert not try_lock(other.fileno())
        assert not try_lock(other.fileno(), shared=True)
        one.close()
        assert try_lock(other.fileno())


def test_those_who_only_look_do_not_see_each_other(tmp_path):
    path = tmp_path / "lock"
    with path.open("a+") as one, path.open("a+") as other, path.open("a+") as holder:
        assert try_lock(one.fileno(), shared=True)
        assert try_lock(other.fileno(), shared=True)
        assert not try_lock(holder.fileno())


def test_it_is_waited_for_and_not_for_ever(tmp_path):
    file = tmp_path / "new" / "file"
    with hold_lock(file):
        with pytest.raises(TimeoutError, match="another Crossply"), hold_lock(file, seconds=0.02):
            pass
        waiting = threading.Thread(target=lambda: hold_lock(file, seconds=30).__enter__())
        waiting.start()
    waiting.join(30)
    assert not waiting.is_alive()
    assert (file.parent / "file.lock").stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_killed_holder_holds_nothing(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from engine.settings.on_disk.file_lock import hold_lock\n"
        "with hold_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "f")], stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
        with hold_lock(tmp_path / "f", seconds=10):
            pass


@pytest.mark.parametrize(("number", "goes_on"), [(errno.ENOLCK, True), (errno.EOPNOTSUPP, True), (errno.EIO, False)])
def test_a_file_system_without_locks_is_used_without(tmp_path, monkeypatch, number, goes_on):
    def refuse(_handle):
        raise OSError(number, "no")

    monkeypatch.setattr(file_lock, "try_lock", refuse)
    if goes_on:
        with hold_lock(tmp_path / "f"):
            pass
    else:
        with pytest.raises(OSError, match="no"), hold_lock(tmp_path / "f"):
            pass
