"""Known, unknown, changed, revoked: as OpenSSH reads the files. Fingerprints and hashes are ssh-keygen's own."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import HostKeyChanged, HostKeyUnknown
from engine.ssh.host_keys.known_hosts import check_host_key, fingerprint_of, host_key_of, known_keys
from tests.fakes.ssh.private_sshd import new_key


def keygen(*arguments):
    return subprocess.run(["ssh-keygen", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def file(tmp_path):
    return tmp_path / "known_hosts"


def a_key(name="gpu", key_type="ssh-ed25519", data=b"one"):
    return host_key_of(name, key_type, data)


def line_of(key, names=None):
    return f"{names or key.host} {key.key_type} {key.key_base64}\n"


def test_fingerprints_are_those_of_ssh_keygen(tmp_path):
    path = new_key(tmp_path / "key")
    key_type, encoded = (tmp_path / "key.pub").read_text().split()[:2]
    import base64

    key = host_key_of("gpu", key_type, base64.b64decode(encoded))
    assert key.fingerprint == keygen("-l", "-f", path).split()[1]
    assert key.key_base64 == encoded


def test_hashes_are_those_of_ssh_keygen(file, tmp_path):
    new_key(tmp_path / "key")
    encoded = (tmp_path / "key.pub").read_text().split()[1]
    file.write_text(f"gpu ssh-ed25519 {encoded}\n[gpu]:2222 ssh-ed25519 {encoded}\n")
    keygen("-H", "-f", file)
    assert "gpu" not in file.read_text()
    assert [key.line for key in known_keys("gpu", [file])] == [1]
    assert [key.line for key in known_keys("[gpu]:2222", [file])] == [2]
    assert known_keys("other", [file]) == ()


@pytest.mark.parametrize(
    ("patterns", "name", "known"),
    [
        ("gpu", "gpu", True),
        ("GPU,10.0.0.7", "gpu", True),
        ("other", "gpu", False),
        ("*.lab", "gpu.lab", True),
        ("*.lab,!gpu.lab", "gpu.lab", False),
        ("gp?", "gpu", True),
        ("[gpu]:2222", "[gpu]:2222", True),
        ("[gpu]:2222", "g", False),
        ("[*]:2222", "[gpu]:2222", True),
        ("gpu", "[gpu]:2222", False),
        ("!gpu", "gpu", False),
    ],
)
def test_patterns(file, patterns, name, known):
    file.write_text(line_of(a_key(), patterns))
    assert bool(known_keys(name, [file])) is known


def test_broken_lines_authorities_and_comments_say_nothing(file):
    key = a_key()
    file.write_text(
        f"\n# {line_of(key)}gpu\ngpu ssh-ed25519\ngpu ssh-ed25519 !!!\n@cert-authority {line_of(key)}"
        f"@strange {line_of(key)}|1|zz|zz ssh-ed25519 AAAA\n|2|AAAA|AAAA ssh-ed25519 AAAA\n"
    )
    assert known_keys("gpu", [file, file.with_name("missing"), file.parent]) == ()


def test_a_known_key_passes_wherever_it_is(file, tmp_path):
    second = tmp_path / "ours"
    second.write_text(line_of(a_key()))
    file.write_text(line_of(a_key("other")))
    check_host_key(a_key(), [file, second], machine="gpu-node")


def test_an_unknown_key_is_a_question_with_its_fingerprint(file):
    with pytest.raises(HostKeyUnknown, match=f"gpu-node was never seen before.*{fingerprint_of(b'one')[:20]}") as caught:
        check_host_key(a_key(), [file], machine="gpu-node")
    assert caught.value.key == a_key()


def test_a_changed_key_names_both_fingerprints_and_the_place(file):
    file.write_text("# first\n" + line_of(a_key(data=b"old")))
    with pytest.raises(HostKeyChanged) as caught:
        check_host_key(a_key(), [file], machine="gpu-node")
    said = str(caught.value)
    assert fingerprint_of(b"old") in said
    assert fingerprint_of(b"one") in said
    assert f"{file}, line 2" in said
    assert f"ssh-keygen -R 'gpu' -f '{file}'" in said


def test_another_type_than_the_known_one_is_a_change_too(file):
    file.write_text(line_of(a_key(key_type="ssh-rsa", data=b"old")))
    with pytest.raises(HostKeyChanged, match="known by the ssh-rsa key"):
        check_host_key(a_key(), [file], machine="gpu-node")


def test_one_of_several_known_keys_is_enough(file):
    file.write_text(line_of(a_key(data=b"old")) + line_of(a_key()))
    check_host_key(a_key(), [file], machine="gpu-node")


def test_a_revoked_key_is_refused_even_if_it_is_known(file):
    file.write_text(line_of(a_key()) + f"@revoked * ssh-ed25519 {a_key().key_base64}\n")
    with pytest.raises(HostKeyChanged, match=r"is revoked \(.*line 2\)"):
        check_host_key(a_key(), [file], machine="gpu-node")


def test_a_key_that_was_revoked_does_not_make_another_one_look_changed(file):
    file.write_text(f"@revoked gpu ssh-ed25519 {a_key(data=b'old').key_base64}\n")
    with pytest.raises(HostKeyUnknown):
        check_host_key(a_key(), [file], machine="gpu-node")


def test_the_key_of_the_host_counts_for_another_port_if_it_is_the_same(file):
    file.write_text(line_of(a_key("gpu")))
    check_host_key(a_key("[gpu]:2222"), [file], machine="gpu-node")
    with pytest.raises(HostKeyUnknown):
        check_host_key(a_key("[gpu]:2222", data=b"two"), [file], machine="gpu-node")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("known") / "known_hosts"
    file.write_bytes(data)
    with pytest.raises((HostKeyUnknown, HostKeyChanged)):
        check_host_key(a_key(data=b"a key that is never drawn"), [file], machine="gpu-node")
