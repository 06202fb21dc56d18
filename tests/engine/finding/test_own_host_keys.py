"""Fingerprints of our own host keys, as ``ssh-keygen -l`` prints them."""

import subprocess

import pytest

from engine.finding.own_host_keys import fingerprint_of_line, own_host_keys, system_ssh_folder


@pytest.fixture
def key_folder(tmp_path):
    file = tmp_path / "ssh_host_ed25519_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    return tmp_path


def test_it_is_what_ssh_keygen_says(key_folder):
    listed = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(key_folder / "ssh_host_ed25519_key.pub")], check=True, capture_output=True, text=True
    ).stdout
    assert own_host_keys(key_folder) == {listed.split()[1]}


def test_what_is_no_key_is_skipped(key_folder):
    (key_folder / "ssh_host_rsa_key.pub").write_bytes(b"\xff\xfe nonsense")
    (key_folder / "ssh_host_dsa_key.pub").mkdir()
    assert len(own_host_keys(key_folder)) == 1


def test_without_a_server_there_are_none(tmp_path):
    assert own_host_keys(tmp_path / "nowhere") == frozenset()


@pytest.mark.parametrize("line", ["", "ssh-ed25519", "ssh-ed25519 ====", "ssh-ed25519 a!b"])
def test_a_broken_line_has_no_fingerprint(line):
    assert fingerprint_of_line(line) is None


def test_the_system_has_a_place_for_them():
    assert system_ssh_folder().is_absolute()
