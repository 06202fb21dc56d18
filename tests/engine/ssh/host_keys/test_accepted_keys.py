"""Our file of accepted host keys: private, whole, one line a key, from two windows at once."""

import stat
import subprocess
import sys

import pytest

from engine.errors import BadInput
from engine.ssh.host_keys.accepted_keys import keep_host_key
from engine.ssh.host_keys.known_hosts import check_host_key, host_key_of


@pytest.fixture
def file(tmp_path):
    return tmp_path / "crossply/known_hosts"


def test_a_key_that_is_kept_is_known(file):
    key = host_key_of("[gpu]:2222", "ssh-ed25519", b"key")
    keep_host_key(file, key)
    keep_host_key(file, key)
    check_host_key(key, [file], machine="gpu")
    assert file.read_text() == f"[gpu]:2222 ssh-ed25519 {key.key_base64}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert sorted(path.name for path in file.parent.iterdir()) == ["known_hosts", "known_hosts.lock"]


def test_a_file_without_a_last_line_end_is_mended(file):
    file.parent.mkdir()
    file.write_text("other ssh-rsa AAAA")
    keep_host_key(file, host_key_of("gpu", "ssh-ed25519", b"key"))
    assert len(file.read_text().splitlines()) == 2


@pytest.mark.parametrize("host", ["a b", "a\nb", "", "@revoked", "#x", "|1|", "!x"])
def test_a_name_that_would_be_read_as_something_else_is_refused(file, host):
    with pytest.raises(BadInput, match="not a host key"):
        keep_host_key(file, host_key_of(host, "ssh-ed25519", b"key"))
    assert not file.exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="known_hosts cannot be written"):
        keep_host_key(tmp_path / "file/known_hosts", host_key_of("gpu", "ssh-ed25519", b"key"))


def test_two_windows_lose_nothing_of_each_other(file):
    code = (
        "import sys; from pathlib import Path; from engine.ssh.host_keys.accepted_keys import keep_host_key as keep\n"
        "from engine.ssh.host_keys.known_hosts import host_key_of as key\n"
        "[keep(Path(sys.argv[1]), key(f'{sys.argv[2]}-{n}', 'ssh-ed25519', b'k')) for n in range(50)]"
    )
    windows = [subprocess.Popen([sys.executable, "-c", code, str(file), name]) for name in ("one", "two")]
    assert [window.wait(60) for window in windows] == [0, 0]
    assert len(set(file.read_text().splitlines())) == 100
