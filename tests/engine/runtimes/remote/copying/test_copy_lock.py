"""One Crossply at a time copies."""

import os
import shutil
import time

import pytest

from engine.errors import Cancelled, ProbeFailed, RuntimeUnavailable
from engine.runtimes.remote.copying.copy_lock import CopyLock, only_one_copies, this_holder
from tests.engine.runtimes.remote.shell_here import ShellHere
from tests.fakes.cancel_tokens import CancelledWhen, NeverCancelled


@pytest.fixture
def shell(tmp_path):
    return ShellHere(tmp_path / "home")


def _hold(shell, path, holder="me", token=None, said=None):
    said = [] if said is None else said
    return only_one_copies(shell, str(path), lambda _, what: said.append(what), token or NeverCancelled(), holder=holder)


def test_it_is_there_while_held_and_gone_after(shell, tmp_path):
    with _hold(shell, tmp_path / "lock"):
        assert (tmp_path / "lock/me").is_dir()
    assert not (tmp_path / "lock").exists()


def test_it_is_released_when_the_work_fails(shell, tmp_path):
    with pytest.raises(ZeroDivisionError), _hold(shell, tmp_path / "lock"):
        raise ZeroDivisionError
    assert not (tmp_path / "lock").exists()


def test_another_waits_until_it_is_released(shell, tmp_path):
    said = []
    with _hold(shell, tmp_path / "lock", "first"):
        first = CopyLock(shell, str(tmp_path / "lock"), "first")
        token = NeverCancelled()
        token.wait = lambda _: first.release()
        with _hold(shell, tmp_path / "lock", "second", token, said):
            assert (tmp_path / "lock/second").is_dir()
    assert said == ["waiting: another Crossply copies this build to gpu-node"]


def test_waiting_can_be_cancelled(shell, tmp_path):
    waited = []
    token = CancelledWhen(lambda: bool(waited))
    waiting = only_one_copies(shell, str(tmp_path / "lock"), lambda *_: waited.append(1), token, holder="second")
    with _hold(shell, tmp_path / "lock", "first"), pytest.raises(Cancelled):
        waiting.__enter__()
    assert waited == [1]


def test_an_abandoned_one_is_taken(shell, tmp_path):
    (tmp_path / "lock/dead").mkdir(parents=True)
    long_ago = time.time() - 200
    os.utime(tmp_path / "lock", (long_ago, long_ago))
    with _hold(shell, tmp_path / "lock"):
        assert not (tmp_path / "lock/dead").exists()
    assert not (tmp_path / "lock").exists()


def test_the_same_window_has_its_own_again_at_once(shell, tmp_path):
    (tmp_path / "lock/me").mkdir(parents=True)
    said = []
    with _hold(shell, tmp_path / "lock", said=said):
        assert said == []


def _kept_by(lock):
    """Who keeps it there, once that is written down."""
    deadline = time.monotonic() + 10
    while not (lock / "me/keeper").exists() or not (lock / "me/keeper").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return (lock / "me/keeper").read_text()


def test_it_goes_with_the_connection_of_a_holder_that_was_killed(shell, tmp_path):
    with _hold(shell, tmp_path / "lock"):
        _kept_by(tmp_path / "lock")
        shell.streams[0].close()
        assert not (tmp_path / "lock").exists()


def test_the_keeper_of_a_connection_that_was_cut_leaves_what_was_taken_again(shell, tmp_path):
    with _hold(shell, tmp_path / "lock"):
        first = _kept_by(tmp_path / "lock")
        with _hold(shell, tmp_path / "lock"):
            while _kept_by(tmp_path / "lock") == first:
                time.sleep(0.01)
            shell.streams[0].close()
            assert (tmp_path / "lock/me").is_dir()
        assert not (tmp_path / "lock").exists()


def test_one_that_was_lost_is_noticed_and_not_released_for_the_other(shell, tmp_path, monkeypatch):
    with _hold(shell, tmp_path / "lock") as lock:
        lock.keep()  # too early to look
        shutil.rmtree(tmp_path / "lock/me")
        (tmp_path / "lock/other").mkdir()
        now = time.monotonic()
        monkeypatch.setattr("engine.runtimes.remote.copying.copy_lock.time.monotonic", lambda: now + 60)
        with pytest.raises(RuntimeUnavailable, match="taken over"):
            lock.keep()
    assert (tmp_path / "lock/other").is_dir()


def test_keeping_touches_it(shell, tmp_path, monkeypatch):
    with _hold(shell, tmp_path / "lock") as lock:
        os.utime(tmp_path / "lock", (1, 1))
        now = time.monotonic()
        monkeypatch.setattr("engine.runtimes.remote.copying.copy_lock.time.monotonic", lambda: now + 60)
        lock.keep()
        assert (tmp_path / "lock").stat().st_mtime > 1000


def test_where_nothing_can_be_written_it_is_said(shell, tmp_path):
    with pytest.raises(ProbeFailed, match="Nothing can be written"), _hold(shell, tmp_path / "no/folder/lock"):
        pass


def test_the_holder_stays_the_same():
    assert this_holder() == this_holder()
    assert this_holder().isalnum()
