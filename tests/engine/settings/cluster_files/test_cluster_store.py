"""Cluster files on disk: one sentence for whatever goes wrong, and nobody's words are overwritten."""

import pytest

from engine.errors import BadClusterFile
from engine.settings.cluster_files import cluster_store
from engine.settings.cluster_files.cluster_store import ClusterFilesOnDisk

FILES = ClusterFilesOnDisk()


def test_what_is_written_is_read(tmp_path):
    path = str(tmp_path / "lab.crossply.toml")
    FILES.write(path, "ü = 1\n", None)
    assert FILES.read(path) == "ü = 1\n"
    FILES.write(path, "second", "ü = 1\n")
    assert FILES.read(path) == "second"
    assert [file.name for file in tmp_path.iterdir()] == ["lab.crossply.toml"]


def test_what_somebody_else_wrote_stays(tmp_path):
    path = tmp_path / "lab.crossply.toml"
    path.write_text("theirs")
    with pytest.raises(BadClusterFile, match="was changed by somebody else"):
        FILES.write(str(path), "ours", "what we read")
    assert path.read_text() == "theirs"
    path.unlink()
    FILES.write(str(path), "ours", "what we read")
    assert path.read_text() == "ours", "one that was deleted is written anew"


def test_what_cannot_be_read_or_written(tmp_path, monkeypatch):
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "folder").mkdir()
    for name, said in (
        ("missing", "No such file"),
        ("binary", "not a text file"),
        ("folder", "cannot be read: Is a directory"),
    ):
        with pytest.raises(BadClusterFile, match=said):
            FILES.read(str(tmp_path / name))
    with pytest.raises(BadClusterFile, match="cannot be written: "):
        FILES.write(str(tmp_path / "folder"), "x", None)
    monkeypatch.setattr(cluster_store, "LARGEST_BYTES", 1)
    with pytest.raises(BadClusterFile, match="too large"):
        FILES.read(str(tmp_path / "binary"))
