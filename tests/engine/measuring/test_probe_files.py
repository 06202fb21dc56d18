"""Files of a calibration: written once, gone afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import RuntimeUnavailable
from engine.measuring.probe_files import ProbeFiles
from engine.measuring.probes import SHORT


def test_written_when_asked_for_and_gone_afterwards():
    with ProbeFiles() as files:
        facts = files.facts(SHORT)
        path = Path(facts.path or "")
        written = path.stat().st_mtime_ns
        assert files.facts(SHORT) is facts
        assert path.stat().st_mtime_ns == written
    assert not path.parent.exists()


def test_nothing_is_written_for_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with ProbeFiles():
        assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with ProbeFiles() as files, pytest.raises(RuntimeUnavailable, match=r"calls-2\.gguf cannot be written"):
        files.facts(SHORT)
