"""Preferences in Qt's settings file."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings

from gui.theme import Scheme
from gui.window.preference_store import PreferenceStore, read_preferences


def test_changes_are_kept_and_defaults_are_not_written_down(qapp, tmp_path: Path) -> None:
    path = str(tmp_path / "window.ini")
    settings = QSettings(path, QSettings.Format.IniFormat)
    store = PreferenceStore(settings)
    told: list[Scheme] = []
    store.changed.connect(lambda: told.append(store.now.scheme))
    store.set(scheme=Scheme.HIGH_CONTRAST, ask_at_quit=False)
    store.set(ask_at_quit=False)
    assert told == [Scheme.HIGH_CONTRAST]
    settings.sync()
    again = QSettings(path, QSettings.Format.IniFormat)
    assert set(again.allKeys()) == {"scheme", "ask_at_quit"}
    read = read_preferences(again)
    assert (read.scheme, read.ask_at_quit) == (Scheme.HIGH_CONTRAST, False)
    store.set(scheme=Scheme.SYSTEM)
    assert settings.allKeys() == ["ask_at_quit"]


@pytest.mark.parametrize(
    "content",
    [
        b"[General]\nscheme=Purple\ntext_scale=huge\nnotify=maybe\n",
        "[General]\ntext_scale=²\n".encode(),
        b"\0\xff" * 5000,
        b"[General\nscheme",
    ],
)
def test_a_damaged_file_gives_defaults(qapp, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "window.ini"
    path.write_bytes(content)
    store = PreferenceStore(QSettings(str(path), QSettings.Format.IniFormat))
    assert store.now == store.default
