"""Names of machines in ssh's files: includes, patterns, circles, hashed names, hostile lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.settings.ssh_files import host_names, known_host_names


@pytest.fixture
def config(tmp_path):
    return tmp_path / "config"


def test_names_of_host_lines_in_order_without_patterns(config):
    config.write_text('# Host commented\nHost b a\n  HostName 10.0.0.1\nHost *.lab !x web?\nHost="quoted"\nhost\tc\nHost a\n')
    assert host_names(config) == ("b", "a", "quoted", "c")


def test_included_files_are_read_where_they_stand(config, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/2.conf").write_text("Host two\nInclude deeper\n")
    (tmp_path / "d/1.conf").write_text("Host one\n")
    (tmp_path / "deeper").write_text("Host deep\n")  # relative to ~/.ssh, not to the including file
    config.write_text(f"Host first\nInclude d/*.conf missing\nHost last\nInclude {tmp_path}/deeper\n")
    assert host_names(config) == ("first", "one", "two", "deep", "last")


def test_a_circle_of_includes_ends(config, tmp_path):
    (tmp_path / "other").write_text("Host other\nInclude config\n")
    config.write_text("Include other\nInclude config\nHost me\n")
    assert host_names(config) == ("other", "me")


def test_includes_end_at_opensshs_depth(config, tmp_path):
    config.write_text("Include 1\n")
    for number in range(1, 30):
        (tmp_path / str(number)).write_text(f"Host h{number}\nInclude {number + 1}\n")
    assert host_names(config) == tuple(f"h{number}" for number in range(1, 16))


def test_a_file_that_is_not_there_or_a_folder_names_nobody(tmp_path):
    assert host_names(tmp_path / "config") == ()
    assert host_names(tmp_path) == ()
    assert known_host_names([tmp_path / "known_hosts", tmp_path]) == ()


def test_names_that_ssh_would_refuse_are_left_out(config):
    config.write_text("Host -oProxyCommand=x a;b $(c) good d\x07e user@host\n")
    assert host_names(config) == ("good",)


def test_known_hosts_with_ports_without_hashes_and_marks(tmp_path):
    file = tmp_path / "known_hosts"
    file.write_text(
        "gpu,10.0.0.7 ssh-ed25519 AAAA\n[node]:2222 ssh-rsa AAAA\n|1|salt|hash ssh-rsa AAAA\n"
        "@cert-authority *.lab ssh-rsa AAAA\n@revoked old ssh-rsa AAAA\n# x y z\n*.org ssh-rsa AAAA\n[v]:99999 t k\nshort k\n"
        "gpu ssh-rsa AAAA\n"
    )
    assert known_host_names([file]) == ("gpu", "10.0.0.7", "[node]:2222")


@given(st.binary(max_size=300))
def test_any_bytes_give_names_or_nothing(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("ssh") / "config"
    file.write_bytes(b"Host " + data)
    assert all(name.isprintable() and not name.startswith("-") for name in host_names(file))
    assert all(name.isprintable() for name in known_host_names([file]))
