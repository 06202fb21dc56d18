"""The manifest tells a whole build from half a one."""

import pytest

from engine.errors import RuntimeUnavailable
from engine.runtimes.manifest import (
    FORMAT,
    MANIFEST_NAME,
    Manifest,
    find_damage,
    list_files,
    parse_protocol,
    read_manifest,
    write_manifest,
)
from engine.vocabulary.runtime import RpcProtocolVersion


@pytest.fixture
def build(tmp_path):
    folder = tmp_path / "build"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "ggml-rpc-server").write_bytes(b"program")
    (folder / "bin" / "libggml.so.0").write_bytes(b"library")
    (folder / "bin" / "libggml.so").symlink_to("libggml.so.0")
    write_manifest(folder, manifest_of(folder))
    return folder


def manifest_of(folder, **changes):
    facts = {
        "format": FORMAT,
        "programs": "bin",
        "origin": "test",
        "build_number": None,
        "commit": "0c1e570",
        "protocol": "7.0.0",
        "backends": ("CPU", "RPC"),
        "options": ("-DGGML_RPC=ON",),
        "made_at": "2026-10-01T00:00:00Z",
        "files": list_files(folder),
    }
    return Manifest(**{**facts, **changes})


def test_what_was_written_is_read(build):
    manifest = read_manifest(build)
    assert manifest == manifest_of(build)
    assert manifest.protocol_version == RpcProtocolVersion(major=7, minor=0, patch=0)


def test_links_and_the_manifest_itself_are_not_listed(build):
    assert [entry.path for entry in read_manifest(build).files] == ["bin/ggml-rpc-server", "bin/libggml.so.0"]


def test_a_whole_build_has_no_damage(build):
    assert find_damage(build, read_manifest(build), hashes=True) is None


def test_a_missing_file_is_named(build):
    (build / "bin" / "ggml-rpc-server").unlink()
    assert "ggml-rpc-server is missing" in find_damage(build, read_manifest(build), hashes=False)


def test_a_truncated_file_is_seen_by_its_size(build):
    (build / "bin" / "libggml.so.0").write_bytes(b"lib")
    assert "3 bytes and not the 7" in find_damage(build, read_manifest(build), hashes=False)


def test_a_replaced_file_of_the_same_size_is_seen_by_its_hash(build):
    (build / "bin" / "libggml.so.0").write_bytes(b"LIBRARY")
    assert find_damage(build, read_manifest(build), hashes=False) is None
    assert "SHA-256" in find_damage(build, read_manifest(build), hashes=True)


def test_a_folder_without_a_manifest_is_no_finished_build(tmp_path):
    assert read_manifest(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "surprise": 2}'])
def test_a_manifest_that_cannot_be_read_is_one_clear_error(tmp_path, text):
    (tmp_path / MANIFEST_NAME).write_text(text)
    with pytest.raises(RuntimeUnavailable, match="cannot be read"):
        read_manifest(tmp_path)


def test_a_manifest_of_a_later_version_is_refused(build):
    write_manifest(build, manifest_of(build, format=FORMAT + 1))
    with pytest.raises(RuntimeUnavailable, match="format 2"):
        read_manifest(build)


@pytest.mark.parametrize("text", [None, "", "7", "7.0", "7.0.x", "7.0.0.0", "v7.0.0"])
def test_what_is_no_protocol_version_is_none(text):
    assert parse_protocol(text) is None
