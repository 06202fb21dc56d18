"""The measured commands on the CLI's fakes."""

import pytest

from engine.cli.measured import compare, history, record, reproduce
from tests.fakes.sessions.cli_lab import CliLab
from tests.fakes.sessions.fake_outside import MODEL


@pytest.fixture
def lab(monkeypatch, tmp_path):
    """``CliLab``, for these commands too; its model is a file."""
    lab = CliLab(monkeypatch)
    for command in (compare, history, record, reproduce):
        monkeypatch.setattr(command, "real_outside", lab.fakes.outside)
    monkeypatch.setattr(reproduce, "open_session", lab._opened)
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF")
    lab.model = str(path)
    lab.fakes.models.models[lab.model] = lab.fakes.models.models.pop(MODEL)
    return lab
