"""An archive arrives whole, goes on where it was cut off, and is sent again when it is not what it is here."""

import hashlib

import pytest

from engine.errors import MachineUnreachable, RuntimeUnavailable
from engine.runtimes.remote.building.send_archive import Archive, send_archive
from tests.engine.runtimes.remote.shell_here import ShellHere
from tests.fakes.cancel_tokens import NeverCancelled


@pytest.fixture
def shell(tmp_path):
    return ShellHere(tmp_path / "home")


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "source.tar.gz"
    path.write_bytes(bytes(range(256)) * 1000)
    return Archive(path=path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def _send(shell, archive, tmp_path):
    told = []
    there = tmp_path / "there"
    there.mkdir(exist_ok=True)
    send_archive(shell, archive, str(there), told.append, NeverCancelled())
    assert (there / "source.tar.gz").read_bytes() == archive.path.read_bytes()
    return told


def test_it_arrives_and_is_not_sent_again(shell, archive, tmp_path):
    assert _send(shell, archive, tmp_path)[-1] == archive.size_bytes
    assert _send(shell, archive, tmp_path) == []


def test_it_goes_on_after_a_cut(shell, archive, tmp_path):
    shell.here.cut_after_bytes = 100_000
    with pytest.raises(MachineUnreachable):
        _send(shell, archive, tmp_path)
    there = shell.here.sent_bytes
    shell.here.cut_after_bytes = None
    assert _send(shell, archive, tmp_path)[-1] == archive.size_bytes
    assert shell.here.sent_bytes == archive.size_bytes
    assert there >= 100_000


def test_a_damaged_one_is_sent_again_once(shell, archive, tmp_path):
    shell.here.damage_next = "source.tar.gz"
    _send(shell, archive, tmp_path)
    assert shell.here.sent_bytes == 2 * archive.size_bytes
    (tmp_path / "there/source.tar.gz").unlink()
    shell.here.damage_always, shell.here.damage_next = True, "source.tar.gz"
    with pytest.raises(RuntimeUnavailable, match=r"source\.tar\.gz is not on gpu-node what it is here"):
        _send(shell, archive, tmp_path)
