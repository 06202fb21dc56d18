"""Which language is spoken, and what happens when a catalogue cannot be used."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QKeySequence

from gui.texts.language import ENGLISH
from gui.texts.translation import number, take_up, tr
from gui.what_to_show.settings.preferences import Language
from gui.window import language
from gui.window.language import code_of, speak, words_of


@pytest.mark.parametrize(
    ("wanted", "system", "code"),
    [
        (Language.ENGLISH, ["de-DE"], "en"),
        (Language.GERMAN, ["en-GB"], "de"),
        (Language.SYSTEM, ["de-AT", "en"], "de"),
        (Language.SYSTEM, ["en_GB", "de"], "en"),
        (Language.SYSTEM, ["fr-CH", "de-CH", "en"], "de"),
        (Language.SYSTEM, ["fr-FR"], "en"),
        (Language.SYSTEM, ["C"], "en"),
        (Language.SYSTEM, [], "en"),
    ],
)
def test_the_language_is_the_person_s_choice_then_the_system_s(wanted, system, code):
    assert code_of(wanted, system) == code


def test_words_of_english_are_those_of_the_code():
    assert words_of("en") == ENGLISH


def test_german_has_words_and_its_own_marks():
    words = words_of("de")
    assert words.messages["Launch"] == "Starten"
    assert words.marks is not None


@pytest.mark.parametrize("content", [None, "msgid Launch\n", b"\xff\xfe"], ids=["missing", "broken", "no UTF-8"])
def test_a_catalogue_that_cannot_be_used_leaves_english_and_a_line_in_the_log(tmp_path, monkeypatch, caplog, content):
    monkeypatch.setattr(language, "resources_folder", lambda: tmp_path)
    (tmp_path / "translations").mkdir()
    file = tmp_path / "translations" / "de.po"
    if isinstance(content, str):
        file.write_text(content, encoding="utf-8")
    elif content is not None:
        file.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert words_of("de") == ENGLISH
    assert str(file) in caplog.text


def test_to_speak_german_is_to_say_words_numbers_and_keys_in_it(qapp):
    translator = speak(qapp, Language.GERMAN)
    try:
        assert tr("Launch") == "Starten"
        assert number(1240.5, ",.1f") == "1.240,5"
        assert QKeySequence("Ctrl+L").toString(QKeySequence.SequenceFormat.NativeText) == "Strg+L"
    finally:
        take_up(ENGLISH)
        qapp.removeTranslator(translator)


def test_to_speak_english_is_nothing_new(qapp):
    speak(qapp, Language.ENGLISH)
    assert tr("Launch") == "Launch"
    assert QKeySequence("Ctrl+L").toString(QKeySequence.SequenceFormat.NativeText) == "Ctrl+L"


def test_the_program_begins_in_the_language_that_was_chosen(tmp_path):
    (tmp_path / "Crossply").mkdir()
    (tmp_path / "Crossply" / "Crossply.conf").write_text("[General]\nlanguage=Deutsch\n", encoding="utf-8")
    code = (
        "from PySide6.QtCore import QTimer\n"
        "from PySide6.QtWidgets import QApplication\n"
        "from gui.app import run\n"
        "from tests.fakes.states import cluster_states\n"
        "from tests.fakes.sessions.fake_session import FakeSession\n"
        "def look():\n"
        "    window = next(top for top in QApplication.topLevelWidgets() if hasattr(top, 'header'))\n"
        "    print(window.header.primary.text(), window.tabs.tabText(0))\n"
        "    QApplication.quit()\n"
        "def open_session():\n"
        "    QTimer.singleShot(300, look)\n"
        "    session = FakeSession(cluster_states.plan_shown())\n"
        "    session.join = lambda: None\n"
        "    return session\n"
        "raise SystemExit(run(open_session, ['crossply']))\n"
    )
    settings = {"XDG_CONFIG_HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **settings},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout.split()) == (0, ["Starten", "Durchsatz"]), ended.stderr
