"""A finished folder gets its name in one rename, and nothing that is not ours makes room for it."""

import pytest

from engine.runtimes.manifest import COPIED_MARKER
from engine.runtimes.remote.copying.copy_lock import only_one_copies
from engine.runtimes.remote.copying.publish_folder import FOREIGN, folder_state, publish_folder
from engine.runtimes.remote.remote_places import copy_places
from tests.engine.runtimes.remote.shell_here import ShellHere
from tests.fakes.cancel_tokens import NeverCancelled


@pytest.fixture
def shell(tmp_path):
    return ShellHere(tmp_path / "home")


@pytest.fixture
def final(tmp_path):
    (tmp_path / "data/runtimes/made").mkdir(parents=True)
    (tmp_path / "data/runtimes/made/new").write_text("new")
    return tmp_path / "data/runtimes/x"


def _publish(shell, final, *, lose_lock=False):
    places = copy_places(str(final.parents[1]), final.name)
    with only_one_copies(shell, places.lock, lambda *_: None, NeverCancelled()) as lock:
        if lose_lock:
            lock.release()
        return publish_folder(shell, lock, str(final.parent / "made"), places, NeverCancelled())


def test_it_is_there(shell, final):
    assert folder_state(shell, str(final), NeverCancelled()) == "absent"
    assert _publish(shell, final)
    assert [path.name for path in final.parent.iterdir()] == ["x"]


def test_ours_is_replaced(shell, final):
    final.mkdir()
    (final / COPIED_MARKER).write_text("{}")
    assert folder_state(shell, str(final), NeverCancelled()) == "ours"
    assert _publish(shell, final)
    assert [path.name for path in final.iterdir()] == ["new"]


def test_what_is_not_ours_stays(shell, final):
    final.mkdir()
    assert folder_state(shell, str(final), NeverCancelled()) == FOREIGN
    assert not _publish(shell, final)
    assert list(final.iterdir()) == []


def test_without_the_lock_nothing_is_done(shell, final):
    assert not _publish(shell, final, lose_lock=True)
    assert not final.exists()
