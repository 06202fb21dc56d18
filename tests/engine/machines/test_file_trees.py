from __future__ import annotations

from pathlib import Path

from engine.machines.file_trees import DiskFiles, SentFiles


def test_files_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"text\xff")
    (tmp_path / "a").mkdir()
    files = DiskFiles()
    assert files.read(tmp_path / "b") == "text\ufffd"
    assert files.read(tmp_path / "none") == files.read(tmp_path / "a") == ""
    assert files.names(tmp_path) == ("a", "b")
    assert files.names(tmp_path / "none") is None


def test_files_that_were_sent() -> None:
    files = SentFiles({"/sys/x/b/one": "1", "/sys/x/a": "2", "/sys/xy": "3"})
    assert files.read(Path("/sys/x/b/one")) == "1"
    assert files.read(Path("/sys/x")) == ""
    assert files.names(Path("/sys/x")) == ("a", "b")
    assert files.names(Path("/")) == ("sys",)
    assert files.names(Path("/sys/x/a")) is None
